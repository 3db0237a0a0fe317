//! By which names a server may be under maintenance (ldirectord.md section 13.1). Pure.

use std::net::SocketAddr;

use crate::director::config::bracketed;

/// The names of files that take a server out. `name` is that of its address, as the system knows it.
pub(super) fn names(at: SocketAddr, name: Option<&str>) -> Vec<String> {
    let ip = bracketed(at.ip());
    let known = name.into_iter().flat_map(|name| [Some(name), short(name)]).flatten();
    let all = std::iter::once(ip.as_str()).chain(known);
    all.flat_map(|one| [format!("{one}:{}", at.port()), one.to_owned()]).collect()
}

/// Whether a file of this name can only mean a server by its host name.
pub(super) fn is_host(file: &str) -> bool {
    !file.starts_with('[')
        && file.split(':').next().is_some_and(|host| host.parse::<std::net::IpAddr>().is_err())
}

/// The name without its domain, where it looks like one of a host.
fn short(name: &str) -> Option<&str> {
    let (host, _) = name.split_once('.')?;
    let mut letters = host.bytes();
    let good = letters.next().is_some_and(|b| b.is_ascii_lowercase());
    let others = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (good && host.len() > 1 && letters.all(others)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_six_names_at_most() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let all = names(at("10.7.0.2:80"), Some("rs2.example.com"));
        let told = ["10.7.0.2:80", "10.7.0.2", "rs2.example.com:80", "rs2.example.com", "rs2:80", "rs2"];
        assert_eq!(all, told);
        assert_eq!(names(at("10.7.0.2:0"), None), ["10.7.0.2:0", "10.7.0.2"]);
        assert_eq!(names(at("[fd00::1]:80"), Some("localhost")).len(), 4);
        assert_eq!(names(at("[fd00::1]:80"), None), ["[fd00::1]:80", "[fd00::1]"]);
        assert_eq!([short("RS2.example.com"), short("a.b"), short("2rs.b"), short("r_s.b")], [None; 4]);
    }

    #[test]
    fn addresses_are_no_hosts() {
        let hosts = ["10.0.0.1", "10.0.0.1:80", "[::1]", "[::1]:80", "web1", "web1:80", "10.example.com"];
        assert_eq!(hosts.map(is_host), [false, false, false, false, true, true, true]);
    }
}
