//! The resource word: `ip[/bits[/nic[:label]][/broadcast]]`, split as the reference splits it.

/// The word in pieces, still text: which piece is wrong matters to the exit code, and only the
/// agent knows how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The address as written, possibly empty or nonsense.
    pub ip: String,
    /// Prefix length or dotted mask, when written.
    pub mask: Option<String>,
    /// The interface, without its label.
    pub nic: Option<String>,
    /// The whole label (`eth0:web`), when written.
    pub label: Option<String>,
    /// The broadcast address, when written.
    pub broadcast: Option<String>,
}

impl Request {
    /// Splits the word of `IPaddr` and `IPaddr2`. Runs of slashes count as one; a third piece that
    /// starts with a digit is the broadcast address, else the interface.
    pub fn v4(word: &str) -> Self {
        let (ip, rest) = piece(word);
        let (mask, rest) = piece(rest);
        let (third, rest) = piece(rest);
        let (fourth, _) = piece(rest);
        let mut request = Request { ip: ip.to_owned(), mask: some(mask), ..Request::default() };
        if third.starts_with(|c: char| c.is_ascii_digit()) {
            request.broadcast = some(third);
        } else {
            request.set_nic(third);
            request.broadcast = some(fourth);
        }
        request
    }

    /// Splits the word of `IPv6addr`: `ip6[/bits[/nic]]`, where the bits may be left empty.
    pub fn v6(word: &str) -> Self {
        let mut pieces = word.splitn(3, '/');
        let ip = pieces.next().unwrap_or_default();
        let mask = pieces.next().unwrap_or_default();
        let nic = pieces.next().unwrap_or_default().trim_start_matches('/');
        // An IPv6 address bears no label.
        let nic = nic.split(['/', ':']).next().unwrap_or_default();
        Request { ip: ip.to_owned(), mask: some(mask), nic: some(nic), ..Request::default() }
    }

    /// Splits the word of `SendArp`: `ip/nic`. Without a slash the whole word is both, which is
    /// what the reference makes of it.
    pub fn send_arp(word: &str) -> Self {
        let (ip, nic) = word.split_once('/').unwrap_or((word, word));
        Request { ip: ip.to_owned(), nic: some(nic), ..Request::default() }
    }

    fn set_nic(&mut self, text: &str) {
        let (nic, label) = text.split_once(':').unwrap_or((text, ""));
        self.nic = some(nic);
        if !label.is_empty() {
            self.label = some(text);
        }
    }
}

/// The first piece, and what follows it without its leading slashes.
fn piece(text: &str) -> (&str, &str) {
    let (head, tail) = text.split_once('/').unwrap_or((text, ""));
    (head, tail.trim_start_matches('/'))
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(word: &str) -> [String; 5] {
        let r = Request::v4(word);
        [
            r.ip,
            r.mask.unwrap_or_default(),
            r.nic.unwrap_or_default(),
            r.label.unwrap_or_default(),
            r.broadcast.unwrap_or_default(),
        ]
    }

    #[test]
    fn the_pieces_of_an_ipv4_word() {
        assert_eq!(v4("10.0.0.5"), ["10.0.0.5", "", "", "", ""]);
        assert_eq!(v4("10.0.0.5/"), ["10.0.0.5", "", "", "", ""]);
        assert_eq!(v4("10.0.0.5/24"), ["10.0.0.5", "24", "", "", ""]);
        assert_eq!(v4("10.0.0.5/24/eth0"), ["10.0.0.5", "24", "eth0", "", ""]);
        assert_eq!(v4("10.0.0.5/24/eth0:web"), ["10.0.0.5", "24", "eth0", "eth0:web", ""]);
        assert_eq!(v4("10.0.0.5/24/eth0:"), ["10.0.0.5", "24", "eth0", "", ""]);
        assert_eq!(v4("10.0.0.5/24/eth0/10.0.0.255"), ["10.0.0.5", "24", "eth0", "", "10.0.0.255"]);
        assert_eq!(v4("10.0.0.5/24/10.0.0.255"), ["10.0.0.5", "24", "", "", "10.0.0.255"]);
        assert_eq!(v4("10.0.0.5//eth0"), ["10.0.0.5", "eth0", "", "", ""]);
        assert_eq!(v4(""), ["", "", "", "", ""]);
    }

    #[test]
    fn the_pieces_of_an_ipv6_word() {
        let r = Request::v6("fd00::1/64/eth0");
        assert_eq!(
            (r.ip.as_str(), r.mask.as_deref(), r.nic.as_deref()),
            ("fd00::1", Some("64"), Some("eth0"))
        );
        let r = Request::v6("fd00::1//eth0");
        assert_eq!((r.mask.as_deref(), r.nic.as_deref()), (None, Some("eth0")));
        assert_eq!(Request::v6("fd00::1/").mask, None);
        assert_eq!(Request::v6("fd00::1/64/eth0:1").nic.as_deref(), Some("eth0"));
    }

    #[test]
    fn send_arp_without_a_slash_takes_the_word_twice() {
        let r = Request::send_arp("10.0.0.5");
        assert_eq!((r.ip.as_str(), r.nic.as_deref()), ("10.0.0.5", Some("10.0.0.5")));
        assert_eq!(Request::send_arp("10.0.0.5/").nic, None);
    }
}
