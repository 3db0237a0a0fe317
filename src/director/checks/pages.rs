//! Asks for a page, and for those it leads to.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::http::{Answer, Page, REDIRECTIONS, Url};
use super::road::Road;
use super::run::TOO_LONG;
use super::{Outcome, names, stream};
use crate::director::config::Secret;

/// Asks for a page, and for those it leads to, all within this time.
pub(super) async fn fetch(server: SocketAddr, first: &Page, limit: Duration) -> Outcome {
    let until = Instant::now() + limit;
    let mut page = first.clone();
    let mut here = whereabouts(server, first);
    for _ in 0..=REDIRECTIONS {
        let answer = match get(server, &page, until).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let Some(next) = page.elsewhere(&answer, &here) else { return page.judge(&answer) };
        here = whereabouts(server, &next);
        page = next;
    }
    Outcome::down("500 too many redirections")
}

/// One page.
async fn get(server: SocketAddr, page: &Page, until: Instant) -> Result<Answer, Outcome> {
    let asked = async {
        let places = match page.other_server() {
            None => vec![server],
            Some(url) => places(url).await?,
        };
        ask(&places, page).await
    };
    let road = timeout_at(until, asked).await.unwrap_or_else(|_| Err(Outcome::down(TOO_LONG)))?;
    stream::answer(road, page, until).await
}

/// Where a page is.
fn whereabouts(server: SocketAddr, page: &Page) -> Url {
    let host = match server.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    let scheme = if page.secure { "https" } else { "http" }.to_owned();
    let mut own = Url { scheme, user: Secret::default(), host, port: None, path: page.asked.clone() };
    own.port = Some(server.port()).filter(|port| *port != own.usual_port());
    page.url.clone().unwrap_or(own)
}

/// The way to the first of these that takes the question: a name may stand for several, of which not all live.
async fn ask(places: &[SocketAddr], page: &Page) -> Result<Road, Outcome> {
    let mut failed = Outcome::down("500 no address");
    for at in places {
        match stream::ask(*at, page).await {
            Ok(road) => return Ok(road),
            Err(outcome) => failed = outcome,
        }
    }
    Err(failed)
}

/// The addresses of a server that a page leads to.
async fn places(url: &Url) -> Result<Vec<SocketAddr>, Outcome> {
    let host = url.host.trim_matches(['[', ']']);
    let found = names::look_up(host, url.port.unwrap_or(url.usual_port())).await;
    found.map_err(|e| Outcome::down(format!("500 Can't connect to {} ({e})", url.authority())))
}
