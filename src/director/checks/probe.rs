//! What is to be done to check one server: all of it taken out of the configuration, names and all.

use std::net::SocketAddr;
use std::time::Duration;

use super::{dns, ftp, http, ldap, mysql, oracle, pgsql, radius};
use crate::director::config::{CheckKind, HttpMethod, Pattern, Real, Secret, Service, Virtual, bracketed};
use crate::director::table::{Protocol, ServiceId};

/// One check of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// What to do.
    pub way: Way,
    /// Where the server is, and the port to ask.
    pub at: SocketAddr,
    /// Time for connecting, for a ping, for a program.
    pub timeout: Duration,
    /// Time for a negotiation.
    pub negotiate_timeout: Duration,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// Nothing: it is up.
    On,
    /// Nothing is asked: it is up, and the monitor file is told.
    Trusted,
    /// Nothing: it is down.
    Off,
    /// Open a TCP connection.
    Connect,
    /// Send echo requests, at most so many.
    Ping(u32),
    /// Run a program with these arguments.
    External(Vec<String>),
    /// Run a file by Perl with these arguments.
    Perl(Vec<String>),
    /// Ask for a page.
    Http(http::Page),
    /// Speak a protocol of lines.
    Talk {
        /// Which.
        talk: Talk,
        /// How it gets there.
        by: By,
    },
    /// Ask a name server.
    Dns {
        /// What.
        question: dns::Question,
        /// By datagrams.
        udp: bool,
    },
    /// Ask whether a user may in.
    Radius(radius::User),
    /// Look an entry up.
    Ldap {
        /// Which.
        search: ldap::Search,
        /// How it gets there.
        by: By,
    },
    /// Fetch a file.
    Ftp(ftp::Fetch),
    /// Ask a MySQL database.
    Mysql(mysql::Query),
    /// Ask a PostgreSQL database.
    Pgsql(pgsql::Query),
    /// Ask an Oracle database.
    Oracle(oracle::Query),
    /// Something without which there is nothing to ask was not said.
    Incomplete(String),
}

/// How what is said gets to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// In datagrams.
    Udp,
    /// Over a TCP connection.
    Tcp,
    /// In TLS, over a TCP connection. The server is asked for this name, if it is one.
    Tls(Option<String>),
}

/// A protocol of lines, and what is to be said.
#[derive(Clone, Debug, PartialEq)]
pub enum Talk {
    /// A greeting that begins with 2.
    Nntp,
    /// A greeting and EHLO.
    Smtp,
    /// A greeting, and a login if the name is not empty.
    Pop {
        /// The name.
        login: String,
        /// The password.
        passwd: Secret,
    },
    /// A greeting, and a login if the name is not empty.
    Imap {
        /// The name.
        login: String,
        /// The password.
        passwd: Secret,
    },
    /// What can you do?
    Sip {
        /// Who is asked.
        login: String,
    },
    /// A text, and a line that contains something.
    Simpletcp {
        /// What to send.
        text: String,
        /// What one of the lines must contain.
        receive: Option<Pattern>,
    },
}

impl Probe {
    /// The check of a server. Of a combination: with `connect` the cheap half.
    pub fn of(virt: &Virtual, real: &Real, connect: bool) -> Probe {
        Probe {
            way: Way::of(virt, real, connect),
            at: SocketAddr::new(real.at.ip(), virt.check_port(real)),
            timeout: virt.check.timeout,
            negotiate_timeout: virt.check.negotiate_timeout,
        }
    }
}

impl Way {
    fn of(virt: &Virtual, real: &Real, connect: bool) -> Way {
        let udp = matches!(virt.id, ServiceId::Address { protocol: Protocol::Udp, .. });
        match virt.check.kind {
            CheckKind::On => Way::On,
            CheckKind::Off => Way::Off,
            CheckKind::Ping => Way::Ping(virt.check.count),
            CheckKind::Connect if udp => Way::Ping(virt.check.count),
            CheckKind::Connect => Way::Connect,
            CheckKind::External => Way::External(external(virt, real)),
            CheckKind::ExternalPerl => Way::Perl(external(virt, real)),
            // By UDP nothing can be connected to. A ping would have who answers questions only go up and down.
            CheckKind::Combined(_) if connect && udp => Way::Trusted,
            CheckKind::Combined(_) if connect => Way::Connect,
            CheckKind::Negotiate | CheckKind::Combined(_) => negotiate(virt, real),
        }
    }
}

/// The command line: the program, then address and port of the service and of the server.
fn external(virt: &Virtual, real: &Real) -> Vec<String> {
    let (service, port) = match virt.id {
        ServiceId::Mark { mark, .. } => (mark.to_string(), "0".to_owned()),
        ServiceId::Address { at, .. } => (bracketed(at.ip()), at.port().to_string()),
    };
    let command = virt.check.command.clone();
    vec![command, service, port, bracketed(real.at.ip()), real.at.port().to_string()]
}

fn negotiate(virt: &Virtual, real: &Real) -> Way {
    let request = virt.request(real);
    let receive = virt.receive(real).cloned();
    let (login, passwd) = (virt.check.login.clone(), virt.check.passwd.clone());
    let udp = virt.protocol_word() == "udp";
    let plain = if udp { By::Udp } else { By::Tcp };
    let tls = By::Tls(virt.check.virtual_host.clone());
    let over_tcp = |talk| Way::Talk { talk, by: By::Tcp };
    match virt.check.service {
        Service::None => Way::Trusted,
        Service::Http | Service::Https => Way::Http(page(virt, real, receive)),
        Service::HttpProxy => proxied(virt, request, receive),
        Service::Nntp => over_tcp(Talk::Nntp),
        Service::Smtp | Service::Submission => over_tcp(Talk::Smtp),
        Service::Pop => over_tcp(Talk::Pop { login, passwd }),
        Service::Pops => Way::Talk { talk: Talk::Pop { login, passwd }, by: tls },
        Service::Imap => over_tcp(Talk::Imap { login, passwd }),
        Service::Imaps => Way::Talk { talk: Talk::Imap { login, passwd }, by: tls },
        Service::Dns => {
            let asked = request.strip_prefix('/').unwrap_or(request).to_owned();
            // A mark is asked by datagrams.
            Way::Dns { question: dns::Question { asked, receive }, udp: virt.protocol_word() != "tcp" }
        }
        Service::Ldap | Service::Ldaps => {
            let base = request.strip_prefix('/').unwrap_or(request).to_owned();
            let by = if virt.check.service == Service::Ldaps { tls } else { By::Tcp };
            Way::Ldap { search: ldap::Search { login, passwd, base, receive }, by }
        }
        Service::Ftp => Way::Ftp(ftp::Fetch { login, passwd, path: request.to_owned(), receive }),
        Service::Radius => Way::Radius(radius::User { login, passwd, secret: virt.check.secret.clone() }),
        Service::Sip => Way::Talk { talk: Talk::Sip { login }, by: plain },
        Service::Simpletcp => {
            let text = request.strip_prefix('/').unwrap_or(request).replace("\\n", "\n");
            Way::Talk { talk: Talk::Simpletcp { text, receive }, by: plain }
        }
        Service::Mysql | Service::Pgsql | Service::Oracle => database(virt, real),
    }
}

/// What to ask a database. The reference wants a name and a question; with `/` alone there is none.
fn database(virt: &Virtual, real: &Real) -> Way {
    let (login, passwd) = (virt.check.login.clone(), virt.check.passwd.clone());
    let request = virt.request(real);
    let text = request.strip_prefix('/').unwrap_or(request).to_owned();
    if login.is_empty() || text.is_empty() {
        return Way::Incomplete(format!(
            "Error: Must specify a login and request string for MySQL, Oracle and PostgreSQL checks. Not adding {}.",
            bracketed(real.at.ip())
        ));
    }
    let database = virt.check.database.clone();
    match virt.check.service {
        Service::Mysql => Way::Mysql(mysql::Query { login, passwd, database, text }),
        Service::Pgsql => Way::Pgsql(pgsql::Query { login, passwd, database, text }),
        _ => Way::Oracle(oracle::Query { login, passwd, database, text }),
    }
}

/// The page to ask for (ldirectord.md 7.1).
fn page(virt: &Virtual, real: &Real, receive: Option<Pattern>) -> http::Page {
    let head = virt.check.method == HttpMethod::Head;
    let own = bracketed(real.at.ip());
    let host = virt.check.virtual_host.clone();
    let request = virt.request(real);
    // Only a server's own request may be a whole URL; it leads elsewhere, but for the name it is asked by.
    let service = virt.check.service.word();
    let whole = real.request.as_deref().and_then(|r| http::Url::parse(r.strip_prefix('/').unwrap_or(r)));
    let whole = whole.filter(|url| url.scheme == service);
    let secure = virt.check.service == Service::Https;
    let host = host.unwrap_or(own);
    let asked = whole.as_ref().map_or(request, |url| &url.path).to_owned();
    http::Page { head, secure, url: whole, asked, host, receive, proxied: false }
}

/// The page to ask a proxy for.
fn proxied(virt: &Virtual, request: &str, receive: Option<Pattern>) -> Way {
    let url = http::Url::parse(request.strip_prefix('/').unwrap_or(request));
    let Some(url) = url.filter(|url| url.scheme == "http") else {
        return Way::Incomplete("400 a proxy is asked for a whole URL: http://HOST/PATH".to_owned());
    };
    let head = virt.check.method == HttpMethod::Head;
    let (asked, host) = (url.to_string(), url.authority());
    Way::Http(http::Page { head, secure: false, url: Some(url), asked, host, receive, proxied: true })
}
