//! Servers of a few lines, and what the reference makes of them: `tests/vectors/ldirectord/answers.txt`.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// So many are asked at a time.
const BESIDE: usize = 16;
/// Time for a verdict that does not come from the clock, on a busy machine.
const PATIENT: Duration = Duration::from_secs(30);
/// Time for one that may.
const SHORT: Duration = Duration::from_millis(1500);

/// What the server does: a word, and a text that is still escaped.
type Step = (String, Vec<u8>);

/// What is to come of it, the directives, who listens.
#[derive(Debug)]
struct Case {
    title: String,
    up: bool,
    lines: Vec<Vec<u8>>,
    server: Vec<Step>,
}

fn cases() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/ldirectord/answers.txt");
    let bytes = std::fs::read(path).unwrap();
    let mut lines =
        bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n').skip(1).peekable();
    let mut cases = Vec::new();
    while let Some(head) = lines.next() {
        let head = String::from_utf8_lossy(head).into_owned();
        let words: Vec<&str> = head.splitn(4, ' ').collect();
        let ["%%", theirs, ours, title] = words[..] else { panic!("{head}") };
        let verdict = if ours == "=" { theirs } else { ours };
        let mut case =
            Case { title: title.to_owned(), up: verdict == "up", lines: Vec::new(), server: Vec::new() };
        case.lines.extend(lines.by_ref().take_while(|line| *line != b"%").map(<[u8]>::to_vec));
        while let Some(line) = lines.next_if(|line| !line.starts_with(b"%% ")) {
            let (word, rest) = cut(line);
            case.server.push((String::from_utf8_lossy(word).into_owned(), rest.to_vec()));
        }
        cases.push(case);
    }
    cases
}

/// The first word, and what is behind the blank after it.
fn cut(line: &[u8]) -> (&[u8], &[u8]) {
    let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    (&line[..at], line.get(at + 1..).unwrap_or_default())
}

/// What an escaped text stands for.
fn text(escaped: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = escaped.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match (byte, byte == b'\\') {
            (_, true) => match bytes.next().unwrap() {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digits = [bytes.next().unwrap(), bytes.next().unwrap()].map(char::from);
                    u8::from_str_radix(&digits.iter().collect::<String>(), 16).unwrap()
                }
                other => other,
            },
            (plain, _) => plain,
        });
    }
    out
}

/// A text with something in the places of this mark.
fn filled(said: &[u8], mark: &str, with: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = said;
    while let Some(at) = rest.windows(mark.len()).position(|window| window == mark.as_bytes()) {
        out.extend(&rest[..at]);
        out.extend(with);
        rest = &rest[at + mark.len()..];
    }
    [out.as_slice(), rest].concat()
}

/// A text of the script, with what belongs into it.
fn fill(escaped: &[u8], port: u16, heard: &[u8]) -> Vec<u8> {
    let mut said = filled(&text(escaped), "{port}", port.to_string().as_bytes());
    if !heard.is_empty() {
        said = filled(&said, "{tag}", cut(heard).0);
        said = filled(&said, "{id}", heard.get(..2).unwrap_or_default());
        said = filled(&said, "{question}", heard.get(12..).unwrap_or_default());
        said = filled(&said, "{message}", heard.get(4..5).unwrap_or_default());
    }
    filled(&said, "{end}", b"")
}

/// Who listens, as the case says. It does so until the tests end.
fn listen(server: &[Step]) -> u16 {
    let is = |wanted: &str| server.iter().any(|(word, _)| word == wanted);
    if is("udp") {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let script = server.to_vec();
        if !is("nobody") {
            thread::spawn(move || datagrams(&socket, &script, port));
        }
        return port;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let scripts: Vec<Vec<Step>> = server.split(|(word, _)| word == "next").map(<[_]>::to_vec).collect();
    if !is("nobody") {
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let script = scripts[number.min(scripts.len() - 1)].clone();
                thread::spawn(move || Connection { stream, port, heard: Vec::new() }.play(&script));
            }
        });
    }
    port
}

/// The texts of this word.
fn of<'a>(script: &'a [Step], wanted: &'a str) -> impl Iterator<Item = &'a [u8]> {
    script.iter().filter(move |(word, _)| word == wanted).map(|(_, rest)| rest.as_slice())
}

fn datagrams(socket: &UdpSocket, script: &[Step], port: u16) {
    let mut bytes = [0; 4096];
    while let Ok((count, from)) = socket.recv_from(&mut bytes) {
        for rest in of(script, ">") {
            let _ = socket.send_to(&fill(rest, port, &bytes[..count]), from);
        }
    }
}

/// One connection of the server.
struct Connection {
    stream: TcpStream,
    port: u16,
    heard: Vec<u8>,
}

impl Connection {
    fn say(&mut self, escaped: &[u8]) {
        // Who asks may have gone.
        let _ = self.stream.write_all(&fill(escaped, self.port, &self.heard));
    }

    fn piece(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        let count = self.stream.read(&mut bytes).unwrap_or(0);
        bytes.truncate(count);
        bytes
    }

    fn until(&mut self, end: &[u8]) -> bool {
        self.heard.clear();
        let mut byte = [0];
        while !self.heard.ends_with(end) {
            if self.stream.read(&mut byte).unwrap_or(0) == 0 {
                return false;
            }
            self.heard.push(byte[0]);
        }
        true
    }

    fn play(mut self, script: &[Step]) {
        let _ = self.stream.set_nodelay(true);
        for (word, rest) in script {
            match word.as_str() {
                "<" => {
                    self.until(&fill(rest, self.port, b""));
                }
                ">" => self.say(rest),
                "page" => {
                    self.until(b"\r\n\r\n");
                    self.say(rest);
                }
                "record" => {
                    self.heard = self.piece().split_off(2);
                    let said = fill(rest, self.port, &self.heard);
                    let length = u16::try_from(said.len()).unwrap().to_be_bytes();
                    let _ = self.stream.write_all(&[&length, said.as_slice()].concat());
                }
                "frame" => {
                    self.heard = self.piece();
                    self.say(rest);
                }
                "drip" => {
                    for byte in fill(rest, self.port, &self.heard) {
                        let _ = self.stream.write_all(&[byte]);
                        thread::sleep(Duration::from_millis(1));
                    }
                }
                "wait" => thread::sleep(Duration::from_millis(200)),
                "reset" => {
                    thread::sleep(Duration::from_millis(200));
                    return socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
                }
                "hang" => while !self.piece().is_empty() {},
                _ => {}
            }
        }
        self.converse(script);
        let _ = self.stream.shutdown(Shutdown::Write);
        while !self.piece().is_empty() {}
    }

    /// Answers each line by its first word, or by its second.
    fn converse(&mut self, script: &[Step]) {
        let answers: HashMap<&[u8], &[u8]> = of(script, "on").map(cut).collect();
        let mut data = None;
        while !answers.is_empty() && self.until(b"\n") {
            let line = String::from_utf8_lossy(&self.heard).to_uppercase();
            let name = line.split_whitespace().take(2).find(|word| answers.contains_key(word.as_bytes()));
            let Some(answer) = answers.get(name.unwrap_or("*").as_bytes()) else { return };
            if name == Some("PASV") {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let [high, low] = listener.local_addr().unwrap().port().to_be_bytes();
                let place = format!("127,0,0,1,{high},{low}");
                let said = filled(&text(answer), "{data}", place.as_bytes());
                let _ = self.stream.write_all(&said);
                data = Some(listener);
                continue;
            }
            self.say(answer);
            if name == Some("RETR")
                && let (Some(file), Some(listener)) = (of(script, "file").next(), data.take())
            {
                listener.accept().unwrap().0.write_all(&text(file)).unwrap();
                of(script, "done").for_each(|done| self.say(done));
            }
            if answer.ends_with(b"{end}") {
                return;
            }
        }
    }
}

/// The check that a case is about; who listens does so from now on.
fn begin(case: &Case, dir: &std::path::Path) -> Probe {
    let port = listen(&case.server);
    let program = dir.join(format!("program-{port}"));
    if let Some(rest) = of(&case.server, "program").next() {
        std::fs::write(&program, fill(rest, port, b"")).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let (port, program) = (port.to_string(), program.display().to_string());
    let mut text = b"virtual=10.0.0.100:80\n".to_vec();
    if !case.lines.iter().any(|line| line.starts_with(b"real=")) {
        text.extend(format!("\treal=127.0.0.1:{port} masq\n").as_bytes());
    }
    for line in &case.lines {
        let line = filled(&filled(line, "{port}", port.as_bytes()), "{program}", program.as_bytes());
        let line = filled(&line, "{latin}", b"\xe4");
        text.extend([b"\t", line.as_slice(), b"\n"].concat());
    }
    let read = config::read(&Source::new("x.cf", text.as_slice(), 0o600), &FakeMachine::with_hosts(&[]));
    let config = read.config.unwrap_or_else(|| panic!("{}: {:#?}", case.title, read.diagnostics));
    let virt = &config.virtuals[0];
    let probe = Probe::of(virt, &virt.reals[0], false);
    // A server that is up is not to be down because this machine is busy.
    let limit = match (case.up, of(&case.server, "hang").next()) {
        (true, None) => PATIENT,
        (true, Some(_)) => PATIENT / 3,
        (false, _) => SHORT,
    };
    Probe { timeout: limit, negotiate_timeout: limit, ..probe }
}

#[test]
fn servers_are_judged_as_the_reference_judges_them() {
    let cases = cases();
    assert!(cases.len() > 300, "{}", cases.len());
    let dir = tempfile::tempdir().unwrap();
    // All programs are written before one is run: none may be open for writing then.
    let probes: Vec<_> = cases.iter().map(|case| (case, begin(case, dir.path()))).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..BESIDE {
            scope.spawn(|| {
                while let Some((case, probe)) = probes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = checked(probe);
                    if outcome.up != case.up {
                        wrong.lock().unwrap().push(format!("{}: {outcome:?}", case.title));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
