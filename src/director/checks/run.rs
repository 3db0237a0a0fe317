//! Carries a probe out. Each is independent of all others; who runs a thousand of them waits for none.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use super::frame::Dialogue;
use super::imap::Imap;
use super::ldap::Ldap;
use super::mysql::Mysql;
use super::nntp::Nntp;
use super::pgsql::Pgsql;
use super::pop::Pop;
use super::probe::{self, By, Probe, Way};
use super::road::Road;
use super::simpletcp::Simpletcp;
use super::sip::Sip;
use super::smtp::Smtp;
use super::talk::Talk;
use super::{
    Outcome, connect, datagram, dns, exchange, external, ftp, ldap, oracle, pages, ping, radius, stream,
};

/// What a check says that took too long, as the reference does.
pub(super) const TOO_LONG: &str = "500 Timeout Alarm";

/// Checks a server. Never takes much longer than the probe's own time.
pub async fn run(probe: &Probe) -> Outcome {
    let Probe { way, at, timeout: limit, negotiate_timeout } = probe;
    match way {
        Way::On => Outcome::up(""),
        Way::Trusted => Outcome::up("-"),
        Way::Off => Outcome::down(""),
        Way::Connect => within(*limit, connect::connect(*at)).await,
        Way::Ping(attempts) => ping::ping(at.ip(), *attempts, *limit).await,
        Way::External(words) => external::external(words, *limit).await,
        Way::Perl(words) => external::perl(words, *limit).await,
        Way::Http(page) => pages::fetch(*at, page, *negotiate_timeout).await,
        Way::Talk { talk, by } => within(*negotiate_timeout, converse(*at, talk, by)).await,
        Way::Dns { question, udp } => {
            let asked = timeout(*negotiate_timeout, ask_dns(*at, question, *udp)).await;
            asked.unwrap_or_else(|_| Outcome::down("Connection timed out"))
        }
        Way::Radius(user) => within(*limit.min(negotiate_timeout), ask_radius(*at, user)).await,
        Way::Ldap { search, by } => {
            let looked_up = look_up(*at, search, by, *negotiate_timeout);
            timeout(*limit, looked_up).await.unwrap_or_else(|_| Outcome::down("No answer received"))
        }
        Way::Ftp(what) => within(*negotiate_timeout, ftp::fetch(*at, what)).await,
        Way::Mysql(query) => within(*negotiate_timeout, ask(*at, &mut Mysql::new(query.clone()))).await,
        Way::Pgsql(query) => {
            let mut dialogue = Pgsql::new(query.clone(), fastrand::u128(..));
            within(*negotiate_timeout, ask(*at, &mut dialogue)).await
        }
        Way::Oracle(query) => external::oracle(oracle::TOOL, *at, query, *negotiate_timeout).await,
        Way::Incomplete(why) => Outcome::down(why.clone()),
    }
}

async fn within(limit: Duration, check: impl Future<Output = Outcome>) -> Outcome {
    timeout(limit, check).await.unwrap_or_else(|_| Outcome::down(TOO_LONG))
}

async fn converse(at: SocketAddr, talk: &probe::Talk, by: &By) -> Outcome {
    let mut talk = side(talk);
    match by {
        By::Udp => datagram::converse(at, &mut *talk).await,
        By::Tcp | By::Tls(_) => stream::converse(at, by, &mut *talk).await,
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

/// Looks an entry up. Only getting there has a time of its own.
async fn look_up(at: SocketAddr, search: &ldap::Search, by: &By, limit: Duration) -> Outcome {
    match timeout(limit, Road::open(at, by)).await {
        Ok(Ok(road)) => exchange::exchange(at, road, &mut Ldap::new(search.clone())).await,
        Ok(Err(why)) if matches!(by, By::Tls(_)) => Outcome::down(format!("Connection failed: {}", why.text)),
        Ok(Err(_)) => Outcome::down("Connection failed"),
        Err(_) => Outcome::down("Connection timed out"),
    }
}

/// Asks a database.
async fn ask(at: SocketAddr, dialogue: &mut dyn Dialogue) -> Outcome {
    match Road::open(at, &By::Tcp).await {
        Ok(road) => exchange::exchange(at, road, dialogue).await,
        Err(outcome) => outcome,
    }
}

async fn ask_dns(at: SocketAddr, question: &dns::Question, udp: bool) -> Outcome {
    let number = fastrand::u16(..);
    let Some(packet) = question.packet(number) else {
        return Outcome::down(format!("{:?} is no name", question.asked));
    };
    if udp {
        let outcome = datagram::ask(at, |_| packet.clone(), |heard| question.judge(number, heard)).await;
        if outcome != dns::cut_off() {
            return outcome;
        }
    }
    stream::ask_prefixed(at, &packet, |heard| question.judge(number, heard)).await
}

async fn ask_radius(at: SocketAddr, user: &radius::User) -> Outcome {
    let (number, salt) = (fastrand::u8(..), fastrand::u128(..).to_ne_bytes());
    let packet = |local: SocketAddr| user.packet(number, salt, local.ip());
    datagram::ask(at, packet, |heard| user.judge(number, salt, heard)).await
}
