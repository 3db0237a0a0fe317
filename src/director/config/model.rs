//! The configuration as typed values: inheritance done, names resolved, defaults filled in.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use zeroize::Zeroizing;

use super::pattern::Pattern;
use super::service::Service;
use crate::director::table::{Dest, Forward, Service as KernelService, ServiceId};

/// A whole `ldirectord.cf`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What holds for the daemon as such.
    pub global: Global,
    /// The virtual services, in the order of the file.
    pub virtuals: Vec<Virtual>,
}

/// What holds for the daemon as such.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// Pause between two rounds of checks.
    pub check_interval: Duration,
    /// Read the file again when it changes.
    pub autoreload: bool,
    /// Program to run when the file has changed.
    pub callback: Option<String>,
    /// Configurations to run instances of ldirectord for.
    pub execute: Vec<String>,
    /// Stay in the foreground, log to stdout.
    pub supervised: bool,
    /// Ours: what becomes of an instance that is told to stop.
    pub warm_standby: WarmStandby,
    /// Each virtual service has a pace of its own. (In the reference: a process of its own.)
    pub fork: bool,
    /// Put servers that are down into the table with weight 0 where they are missing.
    pub readd_quiescent: bool,
    /// A directory whose files name servers that are under maintenance.
    pub maintenance_dir: Option<String>,
    /// Where the log goes.
    pub log: Log,
    /// Sender of e-mails; user and node when none.
    pub email_from: Option<String>,
}

/// What becomes of an instance that is told to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WarmStandby {
    /// It ends.
    #[default]
    No,
    /// It goes on checking, so that the next start finds everything known.
    Yes,
    /// It keeps its services in the kernel's table too: a kernel that is told of connections by the other director's
    /// finds their servers.
    Loaded,
}

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// A file.
    File(String),
    /// Syslog, by the name of a facility.
    Facility(String),
}

/// A virtual service.
#[derive(Clone, Debug, PartialEq)]
pub struct Virtual {
    /// The line that opens it.
    pub line: usize,
    /// What it is known by.
    pub id: ServiceId,
    /// How the kernel spreads its connections.
    pub kernel: KernelService,
    /// Its servers, in the order of the file, ranges spread out.
    pub reals: Vec<Real>,
    /// Who serves when no server is up.
    pub fallback: Option<Fallback>,
    /// Run through the shell when the fallback goes on or off.
    pub fallback_command: Option<String>,
    /// Servers that are down stay in the table with weight 0.
    pub quiescent: bool,
    /// Taken out of the table when the daemon stops.
    pub clean_stop: bool,
    /// How its servers are checked.
    pub check: Check,
    /// Who is told by e-mail.
    pub alert: Alert,
    /// A file that gets a line for each check.
    pub monitor_file: Option<String>,
    /// A name for e-mails.
    pub service_name: Option<String>,
    /// A comment for e-mails.
    pub comment: Option<String>,
}

/// A server behind a virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Real {
    /// The line that names it.
    pub line: usize,
    /// Its address and port; port 0 when none was given.
    pub at: SocketAddr,
    /// How packets reach it.
    pub forward: Forward,
    /// Its share when it is up.
    pub weight: u32,
    /// No new connections above so many; 0: no limit.
    pub upper: u32,
    /// Below so many it gets connections again; 0: not set.
    pub lower: u32,
    /// What is asked of it, when not what is asked of the others. Begins with `/`.
    pub request: Option<String>,
    /// What its answer must contain, where something of its own is asked of it; `None` takes any answer.
    pub receive: Option<Pattern>,
}

/// Who serves when no server is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Address and port.
    pub at: SocketAddr,
    /// How packets reach it.
    pub forward: Forward,
}

/// How the servers of a virtual service are checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What kind of check.
    pub kind: CheckKind,
    /// Which protocol a negotiation speaks.
    pub service: Service,
    /// The program of an external check.
    pub command: String,
    /// The port to ask, when not the server's own.
    pub port: Option<u16>,
    /// What to ask; begins with `/`.
    pub request: String,
    /// What the answer must contain. `None` takes any answer.
    pub receive: Option<Pattern>,
    /// How http asks.
    pub method: HttpMethod,
    /// The name of the host, as http tells the server.
    pub virtual_host: Option<String>,
    /// User name; empty when none.
    pub login: String,
    /// Password; empty when none.
    pub passwd: Secret,
    /// Name of the database.
    pub database: String,
    /// Secret shared with a RADIUS server.
    pub secret: Secret,
    /// Time for connecting, for pings, for programs.
    pub timeout: Duration,
    /// Time for negotiating.
    pub negotiate_timeout: Duration,
    /// Pause between two rounds of this service.
    pub interval: Duration,
    /// Pings sent before a server counts as down.
    pub count: u32,
    /// Checks that must fail before a server counts as down.
    pub failure_count: u32,
}

/// What kind of check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Speak the protocol of the service.
    Negotiate,
    /// Connect. A UDP service is pinged instead.
    Connect,
    /// Negotiate, then connect so many times, and over again.
    Combined(u32),
    /// ICMP echo.
    Ping,
    /// Run a program.
    External,
    /// Run a Perl program.
    ExternalPerl,
    /// Always up.
    On,
    /// Always down.
    Off,
}

/// How http asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// For the page.
    Get,
    /// For its head.
    Head,
}

/// Who is told by e-mail, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Addresses; nobody is told when there are none.
    pub to: Vec<String>,
    /// Remind so often that a server is still down; zero: never.
    pub every: Duration,
    /// In which states of the daemon.
    pub states: AlertStates,
    /// Mail host; the local mailer when none.
    pub smtp: Option<String>,
}

/// States of the daemon in which e-mails are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertStates {
    /// While it starts.
    pub starting: bool,
    /// While it runs.
    pub running: bool,
    /// While it stops.
    pub stopping: bool,
    /// While it reads its configuration anew.
    pub reloading: bool,
}

/// Something that is not to be shown. Wiped from memory when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Hides a text.
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "****" })
    }
}

impl AlertStates {
    /// In every state.
    pub const ALL: AlertStates =
        AlertStates { starting: true, running: true, stopping: true, reloading: true };
    /// Never.
    pub const NONE: AlertStates =
        AlertStates { starting: false, running: false, stopping: false, reloading: false };
}

impl Virtual {
    /// Where a server stands in the kernel's table: unless ports can be mapped, at the port of the service.
    pub fn key(&self, at: SocketAddr, forward: Forward) -> SocketAddr {
        match self.id.port() {
            Some(port) if !forward.maps_ports() => SocketAddr::new(at.ip(), port),
            _ => at,
        }
    }

    /// The port to ask for checks of this server: 0 when there is none to be had.
    pub fn check_port(&self, real: &Real) -> u16 {
        let own = Some(real.at.port()).filter(|port| *port > 0);
        self.check.port.or(own).or(self.check.service.default_port()).unwrap_or(0)
    }

    /// What is asked of this server.
    pub fn request<'a>(&'a self, real: &'a Real) -> &'a str {
        real.request.as_deref().unwrap_or(&self.check.request)
    }

    /// What the answer of this server must contain. Who is asked something of his own need not contain what the others must.
    pub fn receive<'a>(&'a self, real: &'a Real) -> Option<&'a Pattern> {
        if real.request.is_some() { real.receive.as_ref() } else { self.check.receive.as_ref() }
    }

    /// What makes two checks the same: such servers are checked once, whatever service they stand behind. The
    /// reference writes it into the monitor file.
    pub fn check_identity(&self, real: &Real) -> String {
        let check = &self.check;
        let kind = match check.kind {
            CheckKind::Negotiate => format!("negotiate:{}", check.service.word()),
            CheckKind::Combined(_) => format!("combined:{}", check.service.word()),
            CheckKind::External => format!("external:{}", check.command),
            CheckKind::ExternalPerl => format!("external-perl:{}", check.command),
            plain => plain.word().to_owned(),
        };
        let (protocol, forward) = (self.protocol_word(), forward_word(real.forward));
        let server = bracketed(real.at.ip());
        let host = check.virtual_host.as_deref().unwrap_or_default();
        let port = check.port.map(|p| p.to_string()).unwrap_or_default();
        let request = escaped(self.request(real));
        let receive = escaped(self.receive(real).map_or("", Pattern::source));
        let (own, weight) = (real.at.port(), real.weight);
        format!("{kind}:{protocol}:{server}:{own}:{host}:{port}:{weight}:{forward}:{request}:{receive}")
    }

    /// `tcp`, `udp` or `fwm`.
    pub fn protocol_word(&self) -> &'static str {
        match self.id {
            ServiceId::Mark { .. } => "fwm",
            ServiceId::Address { protocol, .. } => protocol.word(),
        }
    }
}

/// An address as a configuration has it.
pub fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// As in a configuration.
pub fn forward_word(forward: Forward) -> &'static str {
    match forward {
        Forward::Masq => "masq",
        Forward::Tunnel => "ipip",
        Forward::Route | Forward::Local | Forward::Bypass => "gate",
    }
}

/// The text with a backslash before all that is no word character.
fn escaped(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

impl Real {
    /// Its row in the kernel's table when it is up.
    pub fn dest(&self) -> Dest {
        let Real { forward, weight, upper, lower, .. } = *self;
        Dest { forward, weight, upper, lower, ..Dest::default() }
    }
}

impl Fallback {
    /// Its row in the kernel's table.
    pub fn dest(&self) -> Dest {
        Dest { forward: self.forward, weight: 1, ..Dest::default() }
    }
}

impl CheckKind {
    /// As in a configuration; of a combination only the idea.
    pub fn word(self) -> &'static str {
        match self {
            CheckKind::Negotiate => "negotiate",
            CheckKind::Connect => "connect",
            CheckKind::Combined(_) => "combined",
            CheckKind::Ping => "ping",
            CheckKind::External => "external",
            CheckKind::ExternalPerl => "external-perl",
            CheckKind::On => "on",
            CheckKind::Off => "off",
        }
    }
}
