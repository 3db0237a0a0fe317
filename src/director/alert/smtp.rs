//! Handing an e-mail to a mail host. Waits, but never beyond its limit: not for a thread that must not.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

/// The port of mail hosts.
const PORT: u16 = 25;
/// As the reference introduces itself.
const OURSELVES: &str = "localhost.localdomain";
/// The longest answer that is read.
const LONGEST: usize = 64 << 10;
/// One address of a mail host may take so long to be connected to.
const CONNECT: Duration = Duration::from_secs(10);

/// An e-mail and its envelope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
    /// Head and body; lines end in `\n`.
    pub(super) text: &'a str,
}

/// Sends it. Who of those it is for were refused, and why; the others have it. An error: nobody has it.
pub(super) fn send(host: &str, letter: Letter<'_>, limit: Duration) -> io::Result<Vec<String>> {
    let deadline = Instant::now() + limit;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the mail host has no address");
    let resolve = |host: &str| Ok((host, PORT).to_socket_addrs()?.collect());
    for at in look_up(host, deadline, resolve)? {
        match connect(at, deadline) {
            Ok(stream) => return Session { stream, deadline, heard: Vec::new() }.run(letter),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses of a mail host. The system's resolver knows no deadline, so it is asked from a thread, which may stay
/// behind: until the resolver gives up, too.
fn look_up(
    host: &str,
    deadline: Instant,
    resolve: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let (tell, told) = sync_channel(1);
    let host = host.to_owned();
    // Who asked may be gone.
    let work = move || drop(tell.send(resolve(&host)));
    thread::Builder::new().name("mail host".into()).spawn(work)?;
    told.recv_timeout(left(deadline)?).map_err(|_| late())?
}

fn connect(at: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&at, left(deadline)?.min(CONNECT))
}

/// The time that is left; an error when there is none.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late()) } else { Ok(left) }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the mail host takes too long")
}

/// A conversation with a mail host.
pub(super) struct Session {
    pub(super) stream: TcpStream,
    pub(super) deadline: Instant,
    pub(super) heard: Vec<u8>,
}

impl Session {
    pub(super) fn run(&mut self, letter: Letter<'_>) -> io::Result<Vec<String>> {
        self.answer("2")?;
        if self.ask(&format!("EHLO {OURSELVES}"), "2").is_err() {
            self.ask(&format!("HELO {OURSELVES}"), "2")?;
        }
        self.ask(&format!("MAIL FROM:<{}>", letter.from), "2")?;
        let mut refused = Vec::new();
        for address in letter.to {
            if let Err(why) = self.ask(&format!("RCPT TO:<{address}>"), "2") {
                // One that does not talk any more has not refused an address.
                left(self.deadline)?;
                refused.push(format!("{address}: {why}"));
            }
        }
        if refused.len() == letter.to.len() {
            return Err(io::Error::other(refused.join(", ")));
        }
        self.ask("DATA", "3")?;
        self.ask(&format!("{}.", stuffed(letter.text)), "2")?;
        // It is delivered; how the conversation ends does not matter.
        let _ = self.ask("QUIT", "2");
        Ok(refused)
    }

    /// Says a line, and takes the answer if it begins as wanted.
    fn ask(&mut self, line: &str, wanted: &str) -> io::Result<()> {
        self.write_all(format!("{line}\r\n").as_bytes())?;
        self.answer(wanted)
    }

    fn answer(&mut self, wanted: &str) -> io::Result<()> {
        loop {
            let line = self.line()?;
            // A minus sign: there is more of this answer.
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            return if line.starts_with(wanted) { Ok(()) } else { Err(io::Error::other(line)) };
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.heard.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            self.stream.set_read_timeout(Some(left(self.deadline)?))?;
            let mut bytes = [0; 1024];
            let length = self.stream.read(&mut bytes)?;
            self.heard.extend(bytes.get(..length).unwrap_or_default());
            if length == 0 || self.heard.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the mail host broke off"));
            }
        }
    }
}

/// The deadline is that of all writing: one that reads drop by drop must not have its time anew with each.
impl Write for Session {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// The text as it goes over the line: ends of lines, and no line that is taken for the last.
fn stuffed(text: &str) -> String {
    let line = |line: &str| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" });
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{setsockopt, sockopt::RcvBuf};
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::sync::mpsc::RecvTimeoutError;

    const LIMIT: Duration = Duration::from_secs(20);

    /// A mail host that refuses what begins like this; what it heard.
    fn host(refuses: &'static str) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"220-hello\r\n220 mx\r\n").unwrap();
            let (mut heard, mut data) = (Vec::new(), false);
            for line in lines.map_while(Result::ok) {
                let answer = match line.as_str() {
                    "." => "250 taken",
                    _ if data => "",
                    "DATA" => "354 go on",
                    line if !refuses.is_empty() && line.starts_with(refuses) => "550 no",
                    _ => "250-well\r\n250 well",
                };
                data = (data || line == "DATA") && line != ".";
                heard.push(line);
                if !answer.is_empty() {
                    stream.write_all(format!("{answer}\r\n").as_bytes()).unwrap();
                }
            }
            heard
        };
        (at, thread::spawn(serve))
    }

    fn deliver(at: SocketAddr, to: &[&str], limit: Duration) -> io::Result<Vec<String>> {
        let to: Vec<String> = to.iter().map(|text| (*text).to_owned()).collect();
        let letter = Letter { from: "root@vm", to: &to, text: "Subject: x\n\n.hidden\nend\n" };
        let deadline = Instant::now() + limit;
        Session { stream: connect(at, deadline)?, deadline, heard: Vec::new() }.run(letter)
    }

    #[test]
    fn a_letter_is_handed_over() {
        let (at, host) = host("");
        assert!(deliver(at, &["a@x", "b@x"], LIMIT).unwrap().is_empty());
        let told = ["EHLO localhost.localdomain", "MAIL FROM:<root@vm>", "RCPT TO:<a@x>", "RCPT TO:<b@x>"];
        let rest = ["DATA", "Subject: x", "", "..hidden", "end", ".", "QUIT"];
        assert_eq!(host.join().unwrap(), [told.as_slice(), &rest].concat());
    }

    #[test]
    fn one_who_is_refused_does_not_cost_the_others_theirs() {
        let (at, first) = host("RCPT TO:<a");
        assert_eq!(deliver(at, &["a@x", "b@x"], LIMIT).unwrap(), ["a@x: 550 no"]);
        assert!(first.join().unwrap().contains(&"DATA".to_owned()));
        let (at, second) = host("RCPT TO:<a");
        assert!(deliver(at, &["a@x"], LIMIT).is_err());
        assert!(!second.join().unwrap().contains(&"DATA".to_owned()));
        let (at, old) = host("EHLO");
        assert!(deliver(at, &["a@x"], LIMIT).is_ok());
        assert_eq!(old.join().unwrap()[1], "HELO localhost.localdomain");
    }

    #[test]
    fn one_that_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let before = Instant::now();
        assert!(deliver(listener.local_addr().unwrap(), &["a@x"], Duration::from_millis(50)).is_err());
        assert!(before.elapsed() < LIMIT);
    }

    /// One that takes a little now and then, and would have taken all in a minute.
    #[test]
    fn one_that_hardly_reads_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        setsockopt(&listener, RcvBuf, &(64 << 10)).unwrap();
        let at = listener.local_addr().unwrap();
        let (gave_up, wait) = std::sync::mpsc::channel::<()>();
        let serve = move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answers = "220 mx\r\n250 well\r\n250 well\r\n250 well\r\n354 go on\r\n";
            stream.write_all(answers.as_bytes()).unwrap();
            let mut bytes = [0; 16 << 10];
            while wait.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                let _ = stream.read(&mut bytes);
            }
        };
        let host = thread::spawn(serve);
        let text = "x".repeat(32 << 20);
        let deadline = Instant::now() + Duration::from_secs(1);
        let stream = connect(at, deadline).unwrap();
        let letter = Letter { from: "root@vm", to: &["a@x".to_owned()], text: &text };
        let before = Instant::now();
        assert!(Session { stream, deadline, heard: Vec::new() }.run(letter).is_err());
        assert!(before.elapsed() < LIMIT);
        drop(gave_up);
        host.join().unwrap();
    }

    #[test]
    fn a_name_that_nobody_knows_soon_is_given_up() {
        let (_go, gate) = std::sync::mpsc::channel::<()>();
        let found = look_up("mx", Instant::now() + Duration::from_millis(50), move |_| {
            let _ = gate.recv();
            Ok(Vec::new())
        });
        assert_eq!(found.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
