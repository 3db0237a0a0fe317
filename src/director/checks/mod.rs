//! Checking a server: one kind a file.
//!
//! | file | pure | what it knows |
//! |---|---|---|
//! | [`probe`] | yes | what is to be done for one server, taken out of the configuration |
//! | [`http`] | yes | requests and answers of HTTP |
//! | [`talk`] | yes | conversations in lines: what to say, when it is decided |
//! | [`frame`] | yes | the same in frames, whose length stands at their beginning |
//! | [`dns`], [`radius`] | yes | questions and answers of one packet |
//! | [`imap`], [`nntp`], [`pop`], [`simpletcp`], [`sip`], [`smtp`] | yes | conversations in lines |
//! | [`ldap`], [`mysql`], [`pgsql`] | yes | conversations in frames |
//! | [`oracle`] | yes | what its tool is told, and what it answers |
//! | [`run`] | | carries a probe out, with its timeouts |
//! | `road`, `tls` | | a connection, and TLS in it where it is wanted (feature `tls`) |
//! | `stream`, `exchange`, `datagram`, `pages` | | conversations over it, in lines, in frames; by UDP; pages and redirections |
//! | `connect`, `ping`, `external`, [`ftp`] | | other ways to ask |
//! | `names`, `program` | | names looked up and programs run, with bounds |
//!
//! Whatever a server says, no more than a megabyte of it is kept; whoever drops a check halfway leaves no socket and no
//! process behind.

mod ber;
mod connect;
mod datagram;
pub mod dns;
mod exchange;
mod external;
pub mod frame;
pub mod ftp;
pub mod http;
pub mod imap;
pub mod ldap;
pub mod mysql;
mod names;
pub mod nntp;
pub mod oracle;
mod pages;
pub mod pgsql;
mod ping;
pub mod pop;
pub mod probe;
mod program;
pub mod query;
pub mod radius;
mod road;
pub mod run;
pub mod simpletcp;
pub mod sip;
pub mod smtp;
mod stream;
pub mod talk;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the server is as it should be.
    pub up: bool,
    /// What the monitor file is told about it. Empty for nothing.
    pub text: String,
}

impl Outcome {
    /// All is well.
    pub fn up(text: impl Into<String>) -> Outcome {
        Outcome { up: true, text: text.into() }
    }

    /// Something is wrong.
    pub fn down(text: impl Into<String>) -> Outcome {
        Outcome { up: false, text: text.into() }
    }
}

#[cfg(test)]
mod tests;
