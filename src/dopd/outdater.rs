//! `drbd-peer-outdater`: asks the local `dopd`, and exits with the answer.

use super::plan::{Rc, outdater};
use super::plan_options::{self, Command, Request, USAGE};
use super::{SOCKET, log};
use crate::api::frame::{Reader, frame};
use crate::level::Level;
use crate::logging::Logger;
use crate::wire::Message;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs it; the exit code.
pub fn main() -> u8 {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let program = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let (complaints, command) = plan_options::read(&program, &words, |name| std::env::var(name).ok());
    // a closed terminal is no reason to fail
    let complain = |text: &[u8]| drop(io::stderr().lock().write_all(text));
    complain(&complaints);
    match command {
        Command::Help => {
            let _ = io::stdout().lock().write_all(USAGE.as_bytes());
            0
        }
        Command::Wrong => {
            complain(USAGE.as_bytes());
            1
        }
        Command::Ask(request) => ask(&request, &log::of_this_process("drbd-peer-outdater", true)).code(),
    }
}

fn ask(request: &Request, log: &Logger) -> Rc {
    log.log(Level::Debug, &format!("drbd peer: {}", request.peer));
    log.log(Level::Debug, &format!("drbd resource: {}", request.resource));
    let until = request.patience.and_then(|patience| Instant::now().checked_add(patience));
    match exchange(Path::new(SOCKET), &outdater(&request.peer, &request.resource), until) {
        Ok(answer) => {
            let field = |name| answer.text(name).unwrap_or_default();
            log.log(Level::Debug, &format!("message: {}, {}", field("t"), field("src")));
            Rc::parse(field("dop_value")).unwrap_or(Rc::OTHER)
        }
        Err(error) => {
            log.log(Level::Warn, &format!("{SOCKET}: no answer from dopd: {error}"));
            Rc::UNREACHABLE
        }
    }
}

fn exchange(path: &Path, question: &Message, until: Option<Instant>) -> io::Result<Message> {
    let mut socket = UnixStream::connect(path)?;
    socket.set_write_timeout(Some(left(until)?))?;
    socket.write_all(&frame(question).map_err(io::Error::other)?)?;
    let mut reader = Reader::new();
    let mut buffer = [0; 4096];
    loop {
        socket.set_read_timeout(Some(left(until)?))?;
        match socket.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => reader.feed(buffer.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if let Some(message) = reader.take().map_err(io::Error::other)? {
            return Ok(message);
        }
    }
}

/// How long the next step may take: a day when there is no limit.
fn left(until: Option<Instant>) -> io::Result<Duration> {
    let Some(until) = until else { return Ok(Duration::from_secs(86_400)) };
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    fn served(answer: &'static [u8], patience: Duration) -> io::Result<Message> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("outdater");
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            socket.write_all(answer).unwrap();
            let mut rest = Vec::new();
            // until the handler has gone
            let _ = socket.read_to_end(&mut rest);
        });
        let answer = exchange(&path, &outdater("b2", "r0"), Some(Instant::now() + patience));
        server.join().unwrap();
        answer
    }

    /// Recorded from dopd 3.0.6.
    const RECORDED: &[u8] = b"\x2a\0\0\0\xcd\xab\0\0>>>\nt=outdater_rc\nsrc=b1\ndop_value=4\n<<<\n\0";

    #[cfg(target_endian = "little")]
    #[test]
    fn an_answer_is_read_and_silence_has_an_end() {
        let long = Duration::from_secs(60);
        assert_eq!(served(RECORDED, long).unwrap().text("dop_value"), Some("4"));
        assert!(served(b"garbage garbage", long).is_err());
        assert_eq!(served(b"", Duration::from_millis(50)).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(exchange(Path::new("/nonexistent/x"), &outdater("b2", "r0"), None).is_err());
    }
}
