//! Carries a probe out. Each is independent of all others; who runs a thousand of them waits for none.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::timeout;

use super::http::{Answer, Page, REDIRECTIONS, Url};
use super::imap::Imap;
use super::nntp::Nntp;
use super::pop::Pop;
use super::probe::{self, Probe, Way};
use super::simpletcp::Simpletcp;
use super::sip::Sip;
use super::smtp::Smtp;
use super::talk::Talk;
use super::{Outcome, connect, dns, external, ftp, ping, radius, stream};

/// What a check says that took too long, as the reference does.
const TOO_LONG: &str = "500 Timeout Alarm";

/// Checks a server. Never takes much longer than the probe's own time.
pub async fn run(probe: &Probe) -> Outcome {
    let Probe { way, at, timeout: limit, negotiate_timeout } = probe;
    match way {
        Way::On => Outcome::up(""),
        Way::Off => Outcome::down(""),
        Way::Connect => within(*limit, connect::connect(*at)).await,
        Way::Ping(attempts) => ping::ping(at.ip(), *attempts, *limit).await,
        Way::External(words) => external::external(words, *limit).await,
        Way::Http(page) => within(*negotiate_timeout, fetch(*at, page)).await,
        Way::Talk { talk, udp } => within(*negotiate_timeout, converse(*at, talk, *udp)).await,
        Way::Dns { question, udp } => within(*negotiate_timeout, ask_dns(*at, question, *udp)).await,
        Way::Radius(user) => within(*limit.min(negotiate_timeout), ask_radius(*at, user)).await,
        Way::Ftp(what) => within(*negotiate_timeout, ftp::fetch(*at, what)).await,
        Way::Unsupported(service) => Outcome::down(format!("{} cannot be checked yet", service.word())),
    }
}

async fn within(limit: Duration, check: impl Future<Output = Outcome>) -> Outcome {
    timeout(limit, check).await.unwrap_or_else(|_| Outcome::down(TOO_LONG))
}

async fn converse(at: SocketAddr, talk: &probe::Talk, udp: bool) -> Outcome {
    let mut talk = side(talk);
    if udp {
        stream::converse_by_datagrams(at, &mut *talk).await
    } else {
        stream::converse(at, &mut *talk).await
    }
}

/// Our side of a conversation.
fn side(talk: &probe::Talk) -> Box<dyn Talk + Send> {
    match talk.clone() {
        probe::Talk::Nntp => Box::new(Nntp),
        probe::Talk::Smtp => Box::new(Smtp::default()),
        probe::Talk::Pop { login, passwd } => Box::new(Pop::new(login, passwd)),
        probe::Talk::Imap { login, passwd } => Box::new(Imap::new(login, passwd)),
        probe::Talk::Sip { login } => Box::new(Sip::new(login, fastrand::u64(..))),
        probe::Talk::Simpletcp { text, receive } => Box::new(Simpletcp::new(text, receive)),
    }
}

async fn ask_dns(at: SocketAddr, question: &dns::Question, udp: bool) -> Outcome {
    let number = fastrand::u16(..);
    let Some(packet) = question.packet(number) else {
        return Outcome::down(format!("{:?} is no name", question.asked));
    };
    if udp {
        stream::ask_datagram(at, |_| packet, |heard| question.judge(number, heard)).await
    } else {
        stream::ask_prefixed(at, &packet, |heard| question.judge(number, heard)).await
    }
}

async fn ask_radius(at: SocketAddr, user: &radius::User) -> Outcome {
    let (number, salt) = (fastrand::u8(..), fastrand::u128(..).to_ne_bytes());
    let packet = |local: SocketAddr| user.packet(number, salt, local.ip());
    stream::ask_datagram(at, packet, |heard| user.judge(number, salt, heard)).await
}

/// Asks for a page, and for those it leads to.
async fn fetch(server: SocketAddr, first: &Page) -> Outcome {
    let mut page = first.clone();
    let mut here = begin(server, first);
    for _ in 0..=REDIRECTIONS {
        let at = match &page.connect {
            None => Ok(server),
            Some(url) => place(url).await,
        };
        let answer: Answer = match at {
            Ok(at) => match stream::ask(at, &page).await {
                Ok(answer) => answer,
                Err(outcome) => return outcome,
            },
            Err(outcome) => return outcome,
        };
        let Some(next) = page.elsewhere(&answer, &here) else { return page.judge(&answer) };
        here = next.connect.clone().unwrap_or(here);
        page = next;
    }
    Outcome::down("500 too many redirections")
}

/// Where the first page is.
fn begin(server: SocketAddr, page: &Page) -> Url {
    let host = match server.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let port = Some(server.port()).filter(|port| *port != 80);
    let own = Url { scheme: "http".to_owned(), host, port, path: page.asked.clone() };
    page.connect.clone().unwrap_or(own)
}

/// The address of a server that a page leads to.
async fn place(url: &Url) -> Result<SocketAddr, Outcome> {
    if url.scheme != "http" {
        return Err(Outcome::down(format!("500 {url} cannot be checked yet")));
    }
    let host = url.host.trim_matches(['[', ']']);
    let found = tokio::net::lookup_host((host, url.port.unwrap_or(80))).await;
    let refused = |why: String| Outcome::down(format!("500 Can't connect to {} ({why})", url.authority()));
    match found {
        Ok(mut places) => places.next().ok_or_else(|| refused("no address".to_owned())),
        Err(e) => Err(refused(e.to_string())),
    }
}
