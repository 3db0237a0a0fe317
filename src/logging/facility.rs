//! Syslog facilities by name (`logfacility`, configuration.md).

/// A syslog facility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(u8);

const NAMES: &[(&str, u8)] = &[
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("security", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

impl Facility {
    /// Reads a name; `none` and unknown names give `None`.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, code)| Self(*code))
    }

    /// The number that starts a datagram.
    pub fn priority(self, severity: u8) -> u16 {
        u16::from(self.0) * 8 + u16::from(severity.min(7))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_priorities() {
        assert_eq!(Facility::parse("local0").map(|f| f.priority(6)), Some(134));
        assert_eq!(Facility::parse("daemon").map(|f| f.priority(3)), Some(27));
        assert_eq!(Facility::parse("none"), None);
    }
}
