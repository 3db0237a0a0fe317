//! The protocols a negotiation can speak.

/// A protocol a negotiation can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the protocol of its name")]
pub enum Service {
    Dns,
    Ftp,
    Http,
    Https,
    HttpProxy,
    Imap,
    Imaps,
    Ldap,
    Ldaps,
    Mysql,
    Nntp,
    None,
    Oracle,
    Pop,
    Pops,
    Radius,
    Pgsql,
    Simpletcp,
    Sip,
    Smtp,
    Submission,
}

/// Protocol, its word in a configuration, its usual port.
const ALL: [(Service, &str, Option<u16>); 21] = [
    (Service::Dns, "dns", Some(53)),
    (Service::Ftp, "ftp", Some(21)),
    (Service::Http, "http", Some(80)),
    (Service::Https, "https", Some(443)),
    (Service::HttpProxy, "http_proxy", Some(3128)),
    (Service::Imap, "imap", Some(143)),
    (Service::Imaps, "imaps", Some(993)),
    (Service::Ldap, "ldap", Some(389)),
    (Service::Ldaps, "ldaps", Some(636)),
    (Service::Mysql, "mysql", Some(3306)),
    (Service::Nntp, "nntp", Some(119)),
    (Service::None, "none", None),
    (Service::Oracle, "oracle", Some(1521)),
    (Service::Pop, "pop", Some(110)),
    (Service::Pops, "pops", Some(995)),
    (Service::Radius, "radius", Some(1812)),
    (Service::Pgsql, "pgsql", Some(5432)),
    (Service::Simpletcp, "simpletcp", None),
    (Service::Sip, "sip", Some(5060)),
    (Service::Smtp, "smtp", Some(25)),
    (Service::Submission, "submission", Some(587)),
];

impl Service {
    /// The protocol of this word.
    pub fn named(word: &str) -> Option<Service> {
        ALL.iter().find(|(_, name, _)| *name == word).map(|(service, ..)| *service)
    }

    /// Every word, in the reference's order.
    pub fn words() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|(_, word, _)| *word)
    }

    /// The protocol that usually lives at this port.
    pub fn at_port(port: u16) -> Service {
        let usual = ALL.iter().find(|(.., usual)| *usual == Some(port));
        usual.map_or(Service::None, |(service, ..)| *service)
    }

    /// As in a configuration.
    pub fn word(self) -> &'static str {
        ALL.iter().find(|(service, ..)| *service == self).map_or("none", |(_, word, _)| *word)
    }

    /// The port where it usually lives.
    pub fn default_port(self) -> Option<u16> {
        ALL.iter().find(|(service, ..)| *service == self).and_then(|(.., port)| *port)
    }

    /// Whether it is http in some dress.
    pub fn is_http(self) -> bool {
        matches!(self, Service::Http | Service::Https | Service::HttpProxy)
    }

    /// Whether it asks a database.
    pub fn is_sql(self) -> bool {
        matches!(self, Service::Mysql | Service::Pgsql | Service::Oracle)
    }
}
