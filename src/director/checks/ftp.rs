//! FTP: log in, fetch a file, look into it. Passive only: the server is connected to, never we.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::talk::Lines;
use super::{Outcome, road};
use crate::director::config::{Pattern, Secret};

/// The longest file that is read; what is behind is not looked at.
const LONGEST: u64 = 1 << 20;

/// What to fetch, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// The name.
    pub login: String,
    /// The password.
    pub passwd: Secret,
    /// The path of the file.
    pub path: String,
    /// What the file must contain. Without it the greeting is enough.
    pub receive: Option<Pattern>,
}

pub(super) async fn fetch(at: SocketAddr, what: &Fetch) -> Outcome {
    let stream = match road::connect(at).await {
        Ok(stream) => stream,
        Err(outcome) => return outcome,
    };
    let mut control = Control { stream, lines: Lines::default() };
    let outcome = control.session(at.ip(), what).await.unwrap_or_else(|e| Outcome::down(e.to_string()));
    // Politeness only: it is decided.
    let _ = control.stream.write_all(b"QUIT\r\n").await;
    outcome
}

/// A reply of three digits, and its last line.
struct Reply {
    code: u16,
    text: String,
}

impl Reply {
    /// Whether it is of this hundred.
    fn is(&self, hundred: u16) -> bool {
        self.code / 100 == hundred
    }
}

struct Control {
    stream: TcpStream,
    lines: Lines,
}

impl Control {
    async fn session(&mut self, server: IpAddr, what: &Fetch) -> io::Result<Outcome> {
        let greeting = self.reply().await?;
        let Some(receive) = what.receive.as_ref().filter(|_| greeting.is(2)) else {
            return Ok(Outcome { up: greeting.is(2), text: greeting.text });
        };
        let user = self.ask(&format!("USER {}", what.login)).await?;
        let inside =
            if user.is(3) { self.ask(&format!("PASS {}", what.passwd.expose())).await? } else { user };
        // Whatever else is refused, the file decides.
        let refused = (!inside.is(2)).then_some(inside.text);
        Ok(match self.file(server, &what.path).await {
            Ok(Ok(file)) if receive.is_in(&file) => Outcome::up("-"),
            Ok(Ok(_)) => Outcome::down("the file does not match"),
            Ok(Err(refusal)) => Outcome::down(refused.unwrap_or(refusal.text)),
            Err(error) => Outcome::down(refused.unwrap_or_else(|| error.to_string())),
        })
    }

    /// The file, or why not.
    async fn file(&mut self, server: IpAddr, path: &str) -> io::Result<Result<Vec<u8>, Reply>> {
        for command in ["CWD /", "TYPE I"] {
            self.ask(command).await?;
        }
        let command = if server.is_ipv4() { "PASV" } else { "EPSV" };
        let passive = self.ask(command).await?;
        let Some(port) = port(&passive) else { return Ok(Err(passive)) };
        // The address in the reply is not used: the server is known.
        let data = TcpStream::connect((server, port)).await?;
        let reply = self.ask(&format!("RETR {path}")).await?;
        if !reply.is(1) && !reply.is(2) {
            return Ok(Err(reply));
        }
        let mut file = Vec::new();
        data.take(LONGEST).read_to_end(&mut file).await?;
        Ok(Ok(file))
    }

    async fn ask(&mut self, command: &str) -> io::Result<Reply> {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// The next whole reply: `230-` is not its end, `230 ` is.
    async fn reply(&mut self) -> io::Result<Reply> {
        let mut bytes = [0; 4096];
        loop {
            while let Some(line) = self.lines.next_line(false) {
                if let Some(reply) = last_line(&line) {
                    return Ok(reply);
                }
            }
            let count = self.stream.read(&mut bytes).await?;
            if count == 0 || self.lines.is_too_much() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no reply"));
            }
            self.lines.hear(bytes.get(..count).unwrap_or_default());
        }
    }
}

/// The last line of a reply, if it is one.
fn last_line(line: &[u8]) -> Option<Reply> {
    let text = String::from_utf8_lossy(line).into_owned();
    let (code, rest) = text.split_at_checked(3)?;
    let whole = rest.is_empty() || rest.starts_with(' ');
    let code = code.parse().ok().filter(|code| whole && (100..600).contains(code))?;
    Some(Reply { code, text })
}

/// The port of `227 ... (h1,h2,h3,h4,p1,p2)` or of `229 ... (|||port|)`.
fn port(reply: &Reply) -> Option<u16> {
    let (_, inside) = reply.text.split_once('(')?;
    let inside = inside.split(')').next()?;
    match reply.code {
        227 => {
            let numbers: Vec<u8> = inside.split(',').map_while(|n| n.trim().parse().ok()).collect();
            let [_, _, _, _, high, low] = numbers.as_slice() else { return None };
            Some(u16::from_be_bytes([*high, *low]))
        }
        229 => inside.trim_matches('|').parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Option<Reply> {
        last_line(line.as_bytes())
    }

    #[test]
    fn replies_and_ports() {
        assert!(reply("230-welcome").is_none() && reply(" 230 x").is_none() && reply("99 x").is_none());
        assert_eq!(reply("230").map(|r| r.code), Some(230));
        let at = |line: &str| reply(line).and_then(|r| port(&r));
        assert_eq!(at("227 Entering Passive Mode (10,0,0,7,4,1)."), Some(1025));
        assert_eq!(at("227 Entering Passive Mode (10,0,0,7,4,256)."), None);
        assert_eq!(at("229 Entering Extended Passive Mode (|||40000|)"), Some(40000));
        assert_eq!(at("500 (|||40000|)"), None);
    }
}
