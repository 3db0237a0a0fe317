//! A client made by hand: it says what it is told to, byte by byte if need be.

use heartbeat::api::frame::{MAGIC, Reader, frame};
use heartbeat::wire::{Field, Message, Value};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(super) const REGISTER: &str = "/run/heartbeat/register";
/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn me() -> String {
    std::process::id().to_string()
}

/// The name of this node.
pub(super) fn here() -> String {
    nix::unistd::gethostname().unwrap().into_string().unwrap()
}

pub(super) fn uid() -> String {
    nix::unistd::geteuid().to_string()
}

pub(super) fn gid() -> String {
    nix::unistd::getegid().to_string()
}

/// A message of `name=value` words, blanks between them.
pub(super) fn message(words: &str) -> Message {
    words
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .fold(Message::new(), |message, (n, v)| message.with(n, v))
}

/// The bytes of a body with its header, whatever it holds.
pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_ne_bytes()[..], &MAGIC.to_ne_bytes(), body].concat()
}

pub(super) struct Raw {
    pub(super) stream: UnixStream,
    reader: Reader,
}

impl Raw {
    pub(super) fn connect() -> Self {
        let stream = UnixStream::connect(REGISTER).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, reader: Reader::new() }
    }

    /// Connected and signed on, the answer read; named or, without a name, casual.
    pub(super) fn signed_on(name: &str) -> Self {
        let mut raw = Self::connect();
        raw.sign_on(&[("from_id", name)]);
        let said = raw.until_reply("signon");
        assert!(said.last().is_some_and(|line| line.contains("result=OK")), "{said:?}");
        raw
    }

    /// Signed on as a casual client whose name nobody had before.
    pub(super) fn casual() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        Self::signed_on(&format!("{}n{}", me(), NUMBER.fetch_add(1, Ordering::Relaxed)))
    }

    /// The usual sign-on, with these fields changed; an empty one is left out.
    pub(super) fn sign_on(&mut self, changed: &[(&str, &str)]) {
        let (me, uid, gid) = (me(), uid(), gid());
        let mut fields = vec![
            ("t", "hbapi-req"),
            ("reqtype", "signon"),
            ("dest", "b1"),
            ("pid", &me),
            ("from_id", &me),
            ("uid", &uid),
            ("gid", &gid),
        ];
        for (name, value) in changed {
            fields.iter_mut().filter(|(known, _)| known == name).for_each(|field| field.1 = value);
        }
        let present = fields.into_iter().filter(|(_, value)| !value.is_empty());
        self.send(&present.fold(Message::new(), |message, (name, value)| message.with(name, value)));
    }

    pub(super) fn send(&mut self, message: &Message) {
        self.bytes(&frame(message).unwrap());
    }

    pub(super) fn ask(&mut self, words: &str) {
        self.send(&message(&format!("t=hbapi-req dest={} pid={} {words}", here(), me())));
    }

    /// An error says that the other side has closed; reading shows it.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next message; `None` at the end of the connection.
    pub(super) fn next(&mut self) -> Option<Message> {
        self.try_next().unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The same; an error where nothing comes for too long.
    pub(super) fn try_next(&mut self) -> std::io::Result<Option<Message>> {
        let mut scratch = [0; 65_536];
        loop {
            if self.reader.ready() {
                return Ok(Some(self.reader.take().unwrap().unwrap()));
            }
            match self.stream.read(&mut scratch) {
                Ok(0) => return Ok(None),
                Ok(n) => self.reader.feed(&scratch[..n]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Everything up to the reply to this kind of request, or to the end.
    pub(super) fn until_reply(&mut self, kind: &str) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            let Some(message) = self.next() else {
                said.push("closed".to_owned());
                return said;
            };
            said.push(shown(&message));
            let more = message.text("result") == Some("ok/more");
            if message.kind() == Some("hbapi-resp") && message.text("reqtype") == Some(kind) && !more {
                return said;
            }
        }
    }

    /// What was said up to now: a question of our own marks the place.
    pub(super) fn said(&mut self) -> Vec<String> {
        self.ask("reqtype=numnodes");
        let mut said = self.until_reply("numnodes");
        if said.last().is_some_and(|line| line.contains("reqtype=numnodes")) {
            said.pop();
        }
        said
    }
}

/// A message on one line; what differs in every run does not show.
pub(super) fn shown(message: &Message) -> String {
    message.fields().iter().map(shown_field).collect::<Vec<_>>().join(" ")
}

fn shown_field(field: &Field) -> String {
    let name = String::from_utf8_lossy(&field.name).into_owned();
    let own = here();
    let value = match &field.value {
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Binary(bytes) if bytes.iter().all(|b| *b == 0) => format!("{} zeros", bytes.len()),
        Value::Binary(bytes) => format!("{} bytes", bytes.len()),
        other => format!("{other:?}"),
    };
    let value = match name.as_str() {
        "seq" | "hg" | "ts" | "ld" | "auth" => "*".to_owned(),
        "pid" | "from_id" | "to_id" if value == me() => "ME".to_owned(),
        _ if value == own => "here".to_owned(),
        _ if ["b1", "b2"].contains(&value.as_str()) => "there".to_owned(),
        _ => value,
    };
    format!("{name}={value}")
}
