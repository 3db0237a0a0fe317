//! Asks for a page, and for those it leads to.

use std::net::{IpAddr, SocketAddr};

use super::http::{Page, REDIRECTIONS, Url};
use super::{Outcome, names, stream};

/// Asks for a page, and for those it leads to.
pub(super) async fn fetch(server: SocketAddr, first: &Page) -> Outcome {
    let mut page = first.clone();
    let mut here = begin(server, first);
    for _ in 0..=REDIRECTIONS {
        let at = match &page.connect {
            None => Ok(server),
            Some(url) => place(url).await,
        };
        let answer = match at {
            Ok(at) => stream::ask(at, &page).await,
            Err(outcome) => Err(outcome),
        };
        let answer = match answer {
            Ok(answer) => answer,
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
    let scheme = if page.secure { "https" } else { "http" }.to_owned();
    let mut own = Url { scheme, host, port: None, path: page.asked.clone() };
    own.port = Some(server.port()).filter(|port| *port != own.usual_port());
    page.connect.clone().unwrap_or(own)
}

/// The address of a server that a page leads to.
async fn place(url: &Url) -> Result<SocketAddr, Outcome> {
    let host = url.host.trim_matches(['[', ']']);
    let found = names::look_up(host, url.port.unwrap_or(url.usual_port())).await;
    let refused = |why: String| Outcome::down(format!("500 Can't connect to {} ({why})", url.authority()));
    match found {
        Ok(places) => places.first().copied().ok_or_else(|| refused("no address".to_owned())),
        Err(e) => Err(refused(e.to_string())),
    }
}
