//! HTTP, as far as a check goes: one request, one answer, and where a redirection leads. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Outcome;
use super::probe::By;
use crate::director::config::{Pattern, Secret};

/// The longest page that is read; what is behind is not looked at.
pub const LONGEST: usize = 1 << 20;
/// The longest head of an answer.
const LONGEST_HEAD: usize = 64 << 10;
/// So many redirections are followed.
pub const REDIRECTIONS: usize = 7;

/// A page to ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Only its head.
    pub head: bool,
    /// In TLS.
    pub secure: bool,
    /// Where it is, if that is not the server that is checked.
    pub url: Option<Url>,
    /// What is asked for: a path, or of a proxy a whole URL.
    pub asked: String,
    /// The name of the host that is asked.
    pub host: String,
    /// The server is a proxy. It is asked for this page, and for those it leads to; not for what is in TLS.
    pub proxied: bool,
    /// What the page must contain.
    pub receive: Option<Pattern>,
}

/// `http://[NAME[:PASSWORD]@]HOST[:PORT]/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http` or `https`.
    pub scheme: String,
    /// Name and password, with their escapes. Empty for nobody.
    pub user: Secret,
    /// Name or address; IPv6 in brackets.
    pub host: String,
    /// The port, if it is not the usual one.
    pub port: Option<u16>,
    /// From the slash on, with the query.
    pub path: String,
}

impl Url {
    /// Reads one; `None` for what is none.
    pub fn parse(text: &str) -> Option<Url> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (user, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        let user = Secret::new(user.to_owned());
        let after_bracket = authority.find(']').map_or(0, |at| at + 1);
        let colon = authority.get(after_bracket..)?.find(':').map(|at| at + after_bracket);
        let (host, port) = authority.split_at(colon.unwrap_or(authority.len()));
        let port = match port.strip_prefix(':').unwrap_or_default() {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        let known = matches!(scheme.as_str(), "http" | "https") && !host.is_empty();
        known.then(|| Url { scheme, user, host: host.to_owned(), port, path })
    }

    /// The port where such a page is, if none is said.
    pub fn usual_port(&self) -> u16 {
        if self.scheme == "https" { 443 } else { 80 }
    }

    /// Host and port, as a server wants to be called.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Where a `Location` leads that was read at this URL (RFC 3986, 5.2).
    pub fn join(&self, location: &str) -> Option<Url> {
        let location = location.split('#').next().unwrap_or_default();
        if let Some(rest) = location.strip_prefix("//") {
            return Url::parse(&format!("{}://{rest}", self.scheme));
        }
        if has_scheme(location) {
            return Url::parse(location);
        }
        let here = self.path.split('?').next().unwrap_or_default();
        let path = match location.bytes().next() {
            None => self.path.clone(),
            Some(b'/') => location.to_owned(),
            Some(b'?') => format!("{here}{location}"),
            Some(_) => {
                let home = here.rsplit_once('/').map_or("", |(home, _)| home);
                without_dots(&format!("{home}/{location}"))
            }
        };
        Some(Url { path, ..self.clone() })
    }
}

/// Whether it begins with the name of a protocol and a colon.
fn has_scheme(text: &str) -> bool {
    let name = text.split_once(':').map(|(name, _)| name.as_bytes()).unwrap_or_default();
    let is = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(is)
}

/// A path whose `.` and `..` have been followed.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut kept = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            "." | ".." => {
                if part == ".." {
                    kept.pop();
                }
                // what they lead to is a directory
                if is_last {
                    kept.push("");
                }
            }
            part => kept.push(part),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

/// Without name and password.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.path)
    }
}

impl Page {
    /// How the request gets to the server. In TLS, too, it is asked by the name of the host.
    pub fn by(&self) -> By {
        if self.secure { By::Tls(Some(self.host.clone())) } else { By::Tcp }
    }

    /// The request in bytes.
    pub fn request(&self) -> Vec<u8> {
        let method = if self.head { "HEAD" } else { "GET" };
        let asked = escaped(&self.asked);
        // One answer and then the end: no server has to remember us.
        let mut lines = vec![
            format!("{method} {asked} HTTP/1.1"),
            format!("Host: {}", one_line(&self.host)),
            "User-Agent: ldirectord".to_owned(),
            "Accept: */*".to_owned(),
        ];
        lines.extend(self.url.as_ref().and_then(|url| authorization(url.user.expose())));
        lines.push("Connection: close".to_owned());
        (lines.join("\r\n") + "\r\n\r\n").into_bytes()
    }

    /// What the answer means (a redirection has been followed before).
    pub fn judge(&self, answer: &Answer) -> Outcome {
        let line = format!("{} {}", answer.status, answer.reason);
        if !(200..300).contains(&answer.status) {
            return Outcome::down(line);
        }
        match &self.receive {
            Some(pattern) if !pattern.is_in(&answer.body) => {
                let page = String::from_utf8_lossy(&answer.body);
                // The monitor file is told of an empty page, too.
                Outcome::down(if page.is_empty() { "-" } else { &page })
            }
            _ => Outcome::up(line),
        }
    }

    /// The page a redirection leads to, asked by its own name. `here` is where this one was.
    pub fn elsewhere(&self, answer: &Answer, here: &Url) -> Option<Page> {
        let redirects = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
        let url = here.join(answer.location.as_deref().filter(|_| redirects)?)?;
        let secure = url.scheme == "https";
        let asked = if self.proxied && !secure { url.to_string() } else { url.path.clone() };
        Some(Page { asked, host: url.authority(), secure, url: Some(url), ..self.clone() })
    }

    /// The server to connect to, if it is not the one that is checked.
    pub fn other_server(&self) -> Option<&Url> {
        self.url.as_ref().filter(|_| self.secure || !self.proxied)
    }
}

/// What may not stand in a request line goes as `%20` and the like; what is escaped already stays so.
fn escaped(text: &str) -> String {
    let shown = |b: u8| match b {
        b'"' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'`' => format!("%{b:02X}"),
        b'!'..=b'~' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(shown).collect()
}

/// The line that tells name and password, where there is somebody.
fn authorization(user: &str) -> Option<String> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let both = unescaped(&format!("{name}:{password}"));
    (!user.is_empty()).then(|| format!("Authorization: Basic {}", STANDARD.encode(both)))
}

/// The bytes that `%20` and the like stand for.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|two| *first == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = behind.get(if code.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    bytes
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 200 and the like.
    pub status: u16,
    /// The words behind it.
    pub reason: String,
    /// Where a redirection leads.
    pub location: Option<String>,
    /// The page, as far as it is read.
    pub body: Vec<u8>,
}

/// Reads an answer piece by piece.
#[derive(Clone, Debug)]
pub struct Reader {
    bytes: Vec<u8>,
    head_only: bool,
}

/// How far a [`Reader`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    More,
    /// That is all.
    Done(Answer),
    /// This is no HTTP.
    Bad(&'static str),
}

/// How long the page is.
enum Length {
    Fixed(usize),
    Chunked,
    UntilClosed,
    /// It is encoded in a way that nobody asked for.
    Unknown,
}

impl Reader {
    /// For the answer to a request of that kind.
    pub fn new(page: &Page) -> Reader {
        Reader { bytes: Vec::new(), head_only: page.head }
    }

    /// Takes what came.
    pub fn hear(&mut self, bytes: &[u8]) -> Progress {
        self.bytes.extend(bytes);
        self.look(false)
    }

    /// The other side has closed.
    pub fn closed(&mut self) -> Progress {
        self.look(true)
    }

    /// The time is over. The reference judges what came of a page whose head is complete.
    pub fn late(&mut self) -> Progress {
        match is_http(&self.bytes, false) {
            Some(true) if split_head(&self.bytes).is_some() => self.look(true),
            Some(false) => self.look(true),
            _ => Progress::More,
        }
    }

    fn look(&self, closed: bool) -> Progress {
        let mut bytes = self.bytes.as_slice();
        loop {
            let Some(whole) = is_http(bytes, closed) else { return Progress::More };
            if !whole {
                return self.bare(closed);
            }
            let Some((head, body)) = split_head(bytes) else {
                return match (closed, bytes.len() > LONGEST_HEAD || self.is_too_much()) {
                    // Half a head is a head, to the reference.
                    (true, false) => match read_head(bytes) {
                        Some((answer, _)) => Progress::Done(answer),
                        None => Progress::Bad("no HTTP"),
                    },
                    (_, true) => Progress::Bad("the head of the answer is too long"),
                    _ => Progress::More,
                };
            };
            let Some((answer, length)) = read_head(head) else { return Progress::Bad("no HTTP") };
            // 100 Continue and the like come before the answer.
            if !(100..200).contains(&answer.status) {
                return self.page(answer, &length, body, closed);
            }
            if closed && body.is_empty() {
                return Progress::Bad("closed before an answer");
            }
            bytes = body;
        }
    }

    /// A page without a head, as before HTTP/1.0. The reference takes whatever a server says for one.
    fn bare(&self, closed: bool) -> Progress {
        let body = read_body(&self.bytes, &Length::UntilClosed, closed);
        match body.filter(|body| !body.is_empty()) {
            Some(body) => {
                let reason = "Assumed OK".to_owned();
                Progress::Done(Answer { status: 200, reason, location: None, body })
            }
            None if closed => Progress::Bad("closed before an answer"),
            None => Progress::More,
        }
    }

    fn page(&self, mut answer: Answer, length: &Length, body: &[u8], closed: bool) -> Progress {
        let none = self.head_only || matches!(answer.status, 204 | 304);
        if matches!(length, Length::Unknown) && !none {
            return Progress::Bad("unknown transfer encoding");
        }
        let length = if none { &Length::Fixed(0) } else { length };
        match read_body(body, length, closed) {
            Some(body) => {
                answer.body = body;
                Progress::Done(answer)
            }
            None if self.is_too_much() => Progress::Bad("the answer is too long"),
            None => Progress::More,
        }
    }

    /// However a server wraps a page that may be read, it does not take so much.
    fn is_too_much(&self) -> bool {
        self.bytes.len() > 8 * LONGEST
    }
}

/// Whether the first line is one of HTTP. `None`: it is not there yet.
fn is_http(bytes: &[u8], closed: bool) -> Option<bool> {
    let end = bytes.iter().position(|b| *b == b'\n').or(closed.then_some(bytes.len()));
    let end = end.or((bytes.len() > LONGEST_HEAD).then_some(LONGEST_HEAD))?;
    let line: String = bytes.get(..end)?.iter().map(|b| char::from(*b)).collect();
    Some(status(&line).is_some())
}

/// Number and reason.
fn status(line: &str) -> Option<(u16, &str)> {
    let mut words = line.trim_end().strip_prefix("HTTP/")?.splitn(3, [' ', '\t']);
    words.next()?;
    let number = words.next()?.parse().ok().filter(|number| (100..600).contains(number))?;
    Some((number, words.next().unwrap_or_default().trim()))
}

/// Head and body, the empty line between them left out.
fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let long = bytes.windows(3).position(|w| w == b"\n\r\n").map(|at| (at, at + 3));
    let short = bytes.windows(2).position(|w| w == b"\n\n").map(|at| (at, at + 2));
    let (end, next) = [long, short].into_iter().flatten().min()?;
    Some((bytes.get(..end)?, bytes.get(next..)?))
}

fn read_head(head: &[u8]) -> Option<(Answer, Length)> {
    let text: String = head.iter().map(|b| char::from(*b)).collect();
    // a line that begins with a blank goes on with the one before
    let text = text.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let mut lines = text.lines();
    let (status, reason) = status(lines.next()?)?;
    let reason = reason.to_owned();
    let mut answer = Answer { status, reason, ..Answer::default() };
    let mut length = Length::UntilClosed;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "location" => answer.location = Some(value.to_owned()),
            "transfer-encoding" => length = encoded(&value.to_ascii_lowercase(), length),
            "content-length" if matches!(length, Length::UntilClosed | Length::Fixed(_)) => {
                // What is no number says nothing.
                let number = value.split([' ', '\t']).next().and_then(|number| number.parse().ok());
                length = number.map_or(Length::UntilClosed, Length::Fixed);
            }
            _ => {}
        }
    }
    Some((answer, length))
}

/// How long a page is that was encoded so on its way.
fn encoded(how: &str, length: Length) -> Length {
    match how.trim() {
        "identity" => length,
        "chunked" => Length::Chunked,
        _ => Length::Unknown,
    }
}

/// The page, if it is complete or long enough. When nothing more comes, what has come is the page, as with the reference.
fn read_body(body: &[u8], length: &Length, closed: bool) -> Option<Vec<u8>> {
    let capped = |bytes: &[u8]| bytes.get(..LONGEST).unwrap_or(bytes).to_vec();
    match length {
        Length::Fixed(wanted) => {
            let enough = closed || body.len() >= (*wanted).min(LONGEST);
            enough.then(|| capped(body.get(..*wanted).unwrap_or(body)))
        }
        Length::UntilClosed | Length::Unknown => (closed || body.len() >= LONGEST).then(|| capped(body)),
        Length::Chunked => {
            let mut whole = Vec::new();
            let complete = chunks(body, &mut whole).is_some();
            (complete || closed).then(|| capped(&whole))
        }
    }
}

/// Puts the chunks together; `None` while one is missing.
fn chunks(mut rest: &[u8], whole: &mut Vec<u8>) -> Option<()> {
    while whole.len() < LONGEST {
        let end = rest.iter().position(|b| *b == b'\n')?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(end + 1..)?;
        if size == 0 {
            return Some(());
        }
        let size = size.min(LONGEST);
        whole.extend(rest.get(..size).unwrap_or(rest));
        rest = rest.get(size..)?;
        rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    }
    Some(())
}
