//! The client API as a program uses it (client-api.md): sign on, ask, send, listen.
//!
//! [`Client`] blocks, and works on the C daemon and on ours. Cluster messages that come while it waits
//! for a reply are kept and handed out by [`Client::receive`], in their order. What the answers mean is
//! the caller's business; what a daemon does with the questions is in `api`.

mod connection;
mod error;
mod hello;

pub use error::ClientError;
pub use hello::Hello;

use crate::wire::Message;
use connection::Connection;
use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the daemon listens.
pub const REGISTER: &str = "/run/heartbeat/register";

/// What a request is made of, before its own fields: who asks.
#[derive(Debug)]
struct Identity {
    host: String,
    pid: String,
    /// The name of the client, or again the pid of a casual one.
    from: String,
}

/// A program that is signed on. Dropping it closes the connection, which the daemon notices too.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    identity: Identity,
    hello: Hello,
    kept: VecDeque<Message>,
    patience: Option<Duration>,
}

impl Client {
    /// Signs on, by name or as a casual client. Waits for the daemon as long as it takes.
    pub fn sign_on(name: Option<&str>) -> Result<Self, ClientError> {
        Self::sign_on_at(Path::new(REGISTER), name, None)
    }

    /// As [`Client::sign_on`], at another place, and for a limited time: the limit holds for each
    /// request after that too, see [`Client::be_patient`].
    pub fn sign_on_at(
        path: &Path,
        name: Option<&str>,
        patience: Option<Duration>,
    ) -> Result<Self, ClientError> {
        let identity = Identity::of_this_process(name);
        let mut connection = Connection::open(path, deadline(patience))?;
        let mut request = identity.request("signon");
        request = request
            .with("uid", &nix::unistd::geteuid().to_string())
            .with("gid", &nix::unistd::getegid().to_string());
        connection.write(&request, deadline(patience))?;
        let mut kept = VecDeque::new();
        let reply = reply_to("signon", &mut connection, &mut kept, deadline(patience))?;
        let hello = Hello::of(&reply);
        Ok(Self { connection, identity, hello, kept, patience })
    }

    /// What the daemon said of itself when this client signed on.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// How long a request may take from now on; without a limit at first, as in the reference.
    pub fn be_patient(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// A request that is answered once. `result=badreq` is [`ClientError::BadRequest`].
    pub fn ask(&mut self, request: &str, fields: &[(&str, &str)]) -> Result<Message, ClientError> {
        let until = deadline(self.patience);
        self.put(request, fields, until)?;
        reply_to(request, &mut self.connection, &mut self.kept, until)
    }

    /// A request that is answered by a list, in the daemon's order.
    pub fn walk(&mut self, request: &str, fields: &[(&str, &str)]) -> Result<Vec<Message>, ClientError> {
        let until = deadline(self.patience);
        self.put(request, fields, until)?;
        let mut items = Vec::new();
        loop {
            let reply = reply_to(request, &mut self.connection, &mut self.kept, until)?;
            let last = reply.text("result") != Some("ok/more");
            items.push(reply);
            if last {
                return Ok(items);
            }
        }
    }

    /// Whether the client `client` is signed on at `node`: `online` or `offline`. The answer of another
    /// node comes over the cluster, or never; then this is [`ClientError::TimedOut`]. So it is, in the
    /// reference as here, when the daemon refuses the question.
    pub fn client_status(
        &mut self,
        node: &str,
        client: &str,
        within: Duration,
    ) -> Result<String, ClientError> {
        let until = deadline(Some(within));
        self.put("clientstatus", &[("node", node), ("cn", client)], until)?;
        loop {
            let message = self.connection.read(until)?.ok_or(ClientError::TimedOut)?;
            if let Some(status) = message.text("cs") {
                return Ok(status.to_owned());
            }
            if message.kind() != Some("hbapi-resp") {
                self.kept.push_back(message);
            }
        }
    }

    /// Sends a message to the clients of the same name, here and on the other nodes. Only for clients
    /// with a name: the daemon throws a casual one out.
    pub fn send(&mut self, message: &Message) -> Result<(), ClientError> {
        self.connection.write(message, deadline(self.patience))
    }

    /// The next cluster message, waiting no longer than this; `None` when there was none in time. Who
    /// waits at [`Client::as_fd`] takes everything first, with no patience, until there is nothing more.
    pub fn receive(&mut self, patience: Option<Duration>) -> Result<Option<Message>, ClientError> {
        if let Some(message) = self.kept.pop_front() {
            return Ok(Some(message));
        }
        let until = deadline(patience);
        loop {
            match self.connection.read(until)? {
                // the answer to a question that nobody waits for any more
                Some(message) if message.kind() == Some("hbapi-resp") => {}
                other => return Ok(other),
            }
        }
    }

    /// Signs off. Nothing is left to be done when that fails.
    pub fn sign_off(mut self) {
        let _ = self.put("signoff", &[], deadline(Some(Duration::from_secs(1))));
    }

    /// To be polled for reading.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }

    fn put(
        &mut self,
        request: &str,
        fields: &[(&str, &str)],
        until: Option<Instant>,
    ) -> Result<(), ClientError> {
        let mut message = self.identity.request(request);
        for (name, value) in fields {
            message = message.with(name, value);
        }
        self.connection.write(&message, until)
    }
}

impl Identity {
    fn of_this_process(name: Option<&str>) -> Self {
        let host = nix::unistd::gethostname().unwrap_or_default();
        let pid = std::process::id().to_string();
        Self {
            host: host.to_string_lossy().to_lowercase(),
            from: name.map_or_else(|| pid.clone(), str::to_owned),
            pid,
        }
    }

    fn request(&self, kind: &str) -> Message {
        Message::of("hbapi-req")
            .with("reqtype", kind)
            .with("dest", &self.host)
            .with("pid", &self.pid)
            .with("from_id", &self.from)
    }
}

fn deadline(patience: Option<Duration>) -> Option<Instant> {
    patience.and_then(|patience| Instant::now().checked_add(patience))
}

/// The reply to a request; cluster messages that come before it are kept, replies to others are not.
fn reply_to(
    request: &str,
    connection: &mut Connection,
    kept: &mut VecDeque<Message>,
    until: Option<Instant>,
) -> Result<Message, ClientError> {
    loop {
        let message = connection.read(until)?.ok_or(ClientError::TimedOut)?;
        if message.kind() != Some("hbapi-resp") {
            kept.push_back(message);
        } else if message.text("reqtype") == Some(request) {
            return match message.text("result") {
                Some("OK" | "ok/more") => Ok(message),
                Some(_) => Err(ClientError::BadRequest {
                    request: request.to_owned(),
                    info: message.text("info").map(str::to_owned),
                }),
                None => Err(ClientError::Malformed(format!("reply to {request} without a result"))),
            };
        }
    }
}

#[cfg(test)]
mod tests;
