//! A configuration as values, and its text.

use std::fmt;
use std::fmt::Write;
use std::ops::RangeInclusive;

/// The servers' machines: `MACHINES` of them, each with an address of either family.
pub(crate) const MACHINES: usize = 6;

/// Where pages are served.
pub(crate) const PORTS: [u16; 2] = [80, 8080];
/// Where news are greeted.
pub(crate) const NEWS: u16 = 119;

pub(crate) fn v4(machine: usize) -> String {
    format!("10.9.0.{}", machine + 1)
}

pub(crate) fn v6(machine: usize) -> String {
    format!("fd09::{}", machine + 1)
}

/// A whole file.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) global: Vec<(&'static str, String)>,
    pub(crate) virtuals: Vec<Virtual>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Id {
    Tcp(u16),
    Udp(u16),
    Mark(u32),
    Tcp6(u16),
    Mark6(u32),
}

#[derive(Clone, Debug)]
pub(crate) struct Virtual {
    pub(crate) id: Id,
    pub(crate) reals: Vec<Real>,
    /// Everything but the servers, in the order of the file.
    pub(crate) words: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Real {
    pub(crate) machine: usize,
    /// A range of addresses up to this machine.
    pub(crate) last: Option<usize>,
    pub(crate) port: Option<u16>,
    pub(crate) method: &'static str,
    pub(crate) weight: Option<u32>,
    pub(crate) limits: Option<(u32, u32)>,
    /// Request and expression of its own.
    pub(crate) own: Option<(&'static str, &'static str)>,
}

impl Id {
    pub(crate) fn six(self) -> bool {
        matches!(self, Self::Tcp6(_) | Self::Mark6(_))
    }

    pub(crate) fn marked(self) -> bool {
        matches!(self, Self::Mark(_) | Self::Mark6(_))
    }

    pub(crate) fn port(self) -> Option<u16> {
        match self {
            Self::Tcp(port) | Self::Udp(port) | Self::Tcp6(port) => Some(port),
            Self::Mark(_) | Self::Mark6(_) => None,
        }
    }

    /// As `ipvsadm` wants it.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Tcp(port) => format!("-t 10.9.0.100:{port}"),
            Self::Udp(port) => format!("-u 10.9.0.100:{port}"),
            Self::Mark(mark) => format!("-f {mark}"),
            Self::Tcp6(port) => format!("-t [fd09::100]:{port}"),
            Self::Mark6(mark) => format!("-f {mark} -6"),
        }
    }
}

impl Virtual {
    /// The value of a directive.
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        self.words.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }

    /// Servers of such a service that the reference finds in the table stay there for ever; ours go. (docs/compatibility.md)
    pub(crate) fn is_off(&self) -> bool {
        self.word("checktype") == Some("off")
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl fmt::Display) {
        self.unset(name);
        self.words.push((name, value.to_string()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.words.retain(|(n, _)| *n != name);
    }

    fn text(&self) -> String {
        let mut text = match self.id {
            Id::Tcp(port) | Id::Udp(port) => format!("virtual=10.9.0.100:{port}\n"),
            Id::Mark(mark) => format!("virtual={mark}\n"),
            Id::Tcp6(port) => format!("virtual6=[fd09::100]:{port}\n"),
            Id::Mark6(mark) => format!("virtual6={mark}\n"),
        };
        for real in &self.reals {
            let _ = writeln!(text, "        {}", real.text(self.id.six()));
        }
        for (name, value) in &self.words {
            let _ = writeln!(text, "        {name}={value}");
        }
        text
    }
}

impl Real {
    pub(crate) fn machines(&self) -> RangeInclusive<usize> {
        self.machine..=self.last.unwrap_or(self.machine)
    }

    fn text(&self, six: bool) -> String {
        let mut text = match six {
            true => format!("real6=[{}]", v6(self.machine)),
            false => format!("real={}", v4(self.machine)),
        };
        let mut add = |word: String| text += &word;
        if let Some(last) = self.last {
            add(format!("->{}", v4(last)));
        }
        if let Some(port) = self.port {
            add(format!(":{port}"));
        }
        add(format!(" {}", self.method));
        if let Some(weight) = self.weight {
            add(format!(" {weight}"));
        }
        if let Some((request, receive)) = self.own {
            add(format!(" \"{request}\", \"{receive}\""));
        }
        if let Some((lower, upper)) = self.limits {
            add(format!(" l:{lower} u:{upper}"));
        }
        text
    }
}

impl Setup {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.global {
            let _ = writeln!(text, "{name}={value}");
        }
        for service in &self.virtuals {
            text += &service.text();
        }
        text
    }

    /// Whether this machine is asked for news.
    pub(crate) fn has_news(&self, machine: usize) -> bool {
        let mut news = self.virtuals.iter().filter(|v| v.word("service") == Some("nntp"));
        news.any(|v| v.reals.iter().any(|real| real.machines().contains(&machine)))
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.global.iter().any(|(n, v)| *n == name && v == value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.global.iter().any(|(n, _)| *n == name)
    }
}
