//! Checks against servers of a few lines, on addresses of this machine's own loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::probe::{Probe, Way};
use super::run::run;
use super::*;
use crate::config::Source;
use crate::director::config::{self, Config, FakeMachine};

/// What a server does with each connection.
type Manner = fn(TcpStream) -> String;

/// A server, and what it was told.
struct Server {
    port: u16,
    heard: Receiver<String>,
}

fn server(manner: Manner) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if tell.send(manner(stream)).is_err() {
                return;
            }
        }
    });
    Server { port, heard }
}

/// Reads up to what ends a request.
fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with(end) && stream.read(&mut byte).unwrap_or(0) > 0 {
        text.push(char::from(byte[0]));
    }
    text
}

fn answering(mut stream: TcpStream, answer: &str) -> String {
    let asked = until(&mut stream, "\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    let _ = stream.shutdown(Shutdown::Write);
    asked
}

fn config(text: &str) -> Config {
    let source = Source::new("x.cf", text.as_bytes(), 0o600);
    let checked = config::read(&source, &FakeMachine::with_hosts(&[]));
    checked.config.unwrap_or_else(|| panic!("{text}\n{:#?}", checked.diagnostics))
}

fn probe(real: &str, lines: &str) -> Probe {
    let text = format!("virtual=10.0.0.100:80\n\treal={real}\n\tchecktimeout=2\n{lines}");
    let config = config(&text);
    Probe::of(&config.virtuals[0], &config.virtuals[0].reals[0], false)
}

fn checked(probe: &Probe) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(probe))
}

fn local(port: u16, lines: &str) -> Outcome {
    checked(&probe(&format!("127.0.0.1:{port} masq"), lines))
}

/// A port where nobody listens.
fn deserted() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nall is well\n";

#[test]
fn a_page_is_judged_by_status_and_content() {
    let page = server(|stream| answering(stream, OK));
    // what came of it, and what the server was asked
    let check = |lines: &str| (local(page.port, lines), page.heard.recv().unwrap());
    let (outcome, asked) = check("\tservice=http\n");
    assert_eq!(outcome, Outcome::up("200 OK"));
    assert!(asked.starts_with("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"), "{asked}");
    assert_eq!(check("\treceive=\"is \\w+\\n$\"\n").0, Outcome::up("200 OK"));
    assert_eq!(check("\treceive=\"OK\"\n").0, Outcome::down("all is well\n"), "never the status line");
    assert!(!check("\treceive=\"well\"\n\thttpmethod=HEAD\n").0.up, "no page, no match");
    let (outcome, asked) = check("\thttpmethod=HEAD\n");
    assert!(outcome.up && asked.starts_with("HEAD / "), "{asked}");
    let (outcome, asked) = check("\trequest=\"a b.html?x=1\"\n\tvirtualhost=www.x.y\n");
    assert!(outcome.up && asked.starts_with("GET /a%20b.html?x=1 HTTP/1.1\r\nHost: www.x.y\r\n"), "{asked}");
}

#[test]
fn a_server_that_misbehaves_is_down() {
    let wrong = server(|stream| answering(stream, "HTTP/1.1 500 Oh no\r\n\r\n"));
    assert_eq!(local(wrong.port, ""), Outcome::down("500 Oh no"));
    let silent = server(|stream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
        String::new()
    });
    let begin = Instant::now();
    assert_eq!(local(silent.port, "\tnegotiatetimeout=1\n"), Outcome::down("500 Timeout Alarm"));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    let hasty = server(|_| String::new());
    assert!(!local(hasty.port, "").up);
    let refused = local(deserted(), "");
    assert!(!refused.up && refused.text.contains("Connection refused"), "{refused:?}");
    let cut = server(|stream| answering(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nall"));
    assert!(!local(cut.port, "").up);
}

#[test]
fn redirections_are_followed_and_bounded() {
    let home = server(|stream| answering(stream, OK));
    // The other server's port travels in the request.
    let other = server(|mut stream| {
        let asked = until(&mut stream, "\r\n\r\n");
        let port: String =
            asked.split("to-").nth(1).unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
        let location =
            if port.is_empty() { "/again".to_owned() } else { format!("http://localhost:{port}/here") };
        write!(stream, "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").unwrap();
        asked
    });
    let request = format!("\trequest=\"to-{}\"\n\tvirtualhost=www.x.y\n\treceive=\"well\"\n", home.port);
    assert!(local(other.port, &request).up);
    let heard = home.heard.recv().unwrap();
    let wanted = format!("GET /here HTTP/1.1\r\nHost: localhost:{}\r\n", home.port);
    assert!(heard.starts_with(&wanted), "by its own name: {heard}");
    assert_eq!(local(other.port, ""), Outcome::down("500 too many redirections"));
}

#[test]
fn a_server_may_be_asked_for_a_page_elsewhere() {
    let page = server(|stream| answering(stream, OK));
    let real = format!("192.0.2.1:80 masq 1 \"http://127.0.0.1:{}/x\", \"well\"", page.port);
    assert!(checked(&probe(&real, "")).up);
    assert!(page.heard.recv().unwrap().starts_with("GET /x HTTP/1.1\r\nHost: 192.0.2.1\r\n"));
}

#[test]
fn a_proxy_is_asked_for_a_whole_url() {
    let proxy = server(|stream| answering(stream, OK));
    let lines = "\tservice=http_proxy\n\trequest=\"http://www.x.y/z\"\n\tvirtualhost=no.one\n";
    assert!(local(proxy.port, lines).up);
    assert!(proxy.heard.recv().unwrap().starts_with("GET http://www.x.y/z HTTP/1.1\r\nHost: www.x.y\r\n"));
}

#[test]
fn connections_alone() {
    let open = server(|_| String::new());
    assert!(local(open.port, "\tchecktype=connect\n").up);
    assert!(!local(deserted(), "\tchecktype=connect\n").up);
    assert!(local(deserted(), "\tchecktype=on\n").up);
    assert!(!local(open.port, "\tchecktype=off\n").up);
    assert!(local(deserted(), "\tservice=none\n").up);
}

#[test]
fn news_and_mail_greet() {
    let news = server(|mut s| s.write_all(b"200 hi\r\n").map(|()| String::new()).unwrap());
    assert_eq!(local(news.port, "\tservice=nntp\n"), Outcome::up("200 hi"));
    assert!(!local(news.port, "\tservice=smtp\n").up);
    let closed = server(|mut s| s.write_all(b"502 no").map(|()| String::new()).unwrap());
    assert_eq!(local(closed.port, "\tservice=nntp\n"), Outcome::down("502 no"));
    let mail = server(|mut s| {
        s.write_all(b"220-x\r\n220 ready\r\n").unwrap();
        let ehlo = until(&mut s, "\r\n");
        s.write_all(b"502 what?\r\n").unwrap();
        let helo = until(&mut s, "\r\n");
        s.write_all(b"250-x\r\n250 hello\r\n").unwrap();
        format!("{ehlo}{helo}{}", until(&mut s, "\r\n"))
    });
    assert_eq!(local(mail.port, "\tservice=submission\n"), Outcome::up("250 hello"));
    let heard = mail.heard.recv().unwrap();
    assert_eq!(heard, "EHLO localhost.localdomain\r\nHELO localhost.localdomain\r\nQUIT\r\n");
    let deaf = server(|mut s| {
        s.write_all(b"220 ready\r\n").unwrap();
        let mut heard = String::new();
        for _ in 0..2 {
            heard += &until(&mut s, "\r\n");
            s.write_all(b"502 what?\r\n").unwrap();
        }
        heard + &until(&mut s, "\r\n")
    });
    assert_eq!(local(deaf.port, "\tservice=smtp\n"), Outcome::down("502 what?"));
    let full = server(|mut s| s.write_all(b"554 go away\r\n").map(|()| until(&mut s, "\r\n")).unwrap());
    assert!(!local(full.port, "\tservice=smtp\n").up);
}

/// A server that knows its lines: what it says first, then what it answers to each line.
fn scripted(mut stream: TcpStream, greeting: &str, answers: &[(&str, &str)]) -> String {
    stream.write_all(greeting.as_bytes()).unwrap();
    let mut heard = String::new();
    loop {
        let line = until(&mut stream, "\r\n");
        if line.is_empty() {
            return heard;
        }
        heard += &line;
        let answer =
            answers.iter().find(|(asked, _)| line.trim_end() == *asked).map_or("-ERR no\r\n", |(_, a)| a);
        let _ = stream.write_all(answer.as_bytes());
    }
}

#[test]
fn mail_boxes_are_opened_with_name_and_password() {
    let plain = server(|s| scripted(s, "+OK hi\r\n", &[("USER u", "+OK\r\n"), ("PASS p q", "+OK in\r\n")]));
    let login = |passwd: &str| format!("\tservice=pop\n\tlogin=\"u\"\n\tpasswd=\"{passwd}\"\n");
    assert_eq!(local(plain.port, &login("p q")), Outcome::up("+OK in"));
    assert_eq!(plain.heard.recv().unwrap(), "USER u\r\nPASS p q\r\nQUIT\r\n");
    assert_eq!(local(plain.port, &login("wrong")), Outcome::down("-ERR no"));
    assert!(local(plain.port, "\tservice=pop\n").up, "without a login the greeting is enough");
    assert!(!local(deserted(), "\tservice=pop\n").up, "ldirectord.md 15, 6");
    // the example of RFC 1939
    let stamped = server(|s| {
        let apop = "APOP mrose c4c9334bac560ecc979e58001b3e22fb";
        scripted(s, "+OK POP3 <1896.697170952@dbc.mtview.ca.us>\r\n", &[(apop, "+OK maildrop\r\n")])
    });
    let lines = "\tservice=pop\n\tlogin=\"mrose\"\n\tpasswd=\"tanstaaf\"\n";
    assert_eq!(local(stamped.port, lines), Outcome::up("+OK maildrop"));
    let imap = server(|s| {
        let asked = "a LOGIN \"u\" \"p\\\"q\"";
        scripted(s, "* OK hi\r\n", &[(asked, "* CAPABILITY x\r\na OK in\r\n"), ("z LOGOUT", "")])
    });
    let lines = "\tservice=imap\n\tlogin=\"u\"\n\tpasswd=\"p\"q\"\n";
    assert_eq!(local(imap.port, lines), Outcome::up("a OK in"));
    let refusing = server(|s| scripted(s, "* OK hi\r\n", &[("a LOGIN \"u\" \"\"", "a NO go\r\n")]));
    assert_eq!(local(refusing.port, "\tservice=imap\n\tlogin=\"u\"\n"), Outcome::down("a NO go"));
    assert!(local(refusing.port, "\tservice=imap\n").up);
    let busy = server(|s| scripted(s, "* BYE busy\r\n", &[]));
    assert!(!local(busy.port, "\tservice=imap\n").up);
}

#[test]
fn sip_by_datagrams_and_by_tcp() {
    let phone = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = phone.local_addr().unwrap().port();
    let (tell, heard) = channel();
    thread::spawn(move || {
        let mut bytes = [0; 2000];
        for answer in ["SIP/2.0 200 OK\r\nTo: x\r\n\r\n", "SIP/2.0 404 Not Found\r\n\r\n"] {
            let (count, from) = phone.recv_from(&mut bytes).unwrap();
            tell.send((String::from_utf8_lossy(&bytes[..count]).into_owned(), from)).unwrap();
            phone.send_to(answer.as_bytes(), from).unwrap();
        }
    });
    let lines = "\tprotocol=udp\n\tservice=sip\n\tnegotiatetimeout=1\n";
    assert_eq!(local(port, lines), Outcome::up("SIP/2.0 200 OK"));
    let (asked, from) = heard.recv().unwrap();
    assert!(asked.starts_with("OPTIONS sip:ldirectord@director1 SIP/2.0\r\n"), "{asked}");
    assert!(asked.contains(&format!("Via: SIP/2.0/UDP {from};branch=z9hG4bKhjhs8ass877\r\n")), "{asked}");
    assert_eq!(local(port, lines), Outcome::down("SIP/2.0 404 Not Found"));
    assert!(!local(port, "\tprotocol=udp\n\tservice=sip\n\tchecktimeout=1\n").up, "nobody answers any more");
    let by_tcp = server(|s| answering(s, "SIP/2.0 200 OK\r\n\r\n"));
    assert!(local(by_tcp.port, "\tservice=sip\n").up);
}

/// An answer with one address to whatever was asked.
fn address_record(question: &[u8]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2] |= 0x80;
    answer[7] = 1;
    answer.extend(b"\xC0\x0C\0\x01\0\x01\0\0\0\x3C\0\x04\x0A\0\0\x07");
    answer
}

#[test]
fn names_are_asked_by_datagrams_and_by_tcp() {
    let names = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = names.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut bytes = [0; 600];
        while let Ok((count, from)) = names.recv_from(&mut bytes) {
            let mut stranger = address_record(&bytes[..count]);
            stranger[0] ^= 1;
            names.send_to(&stranger, from).unwrap();
            names.send_to(&address_record(&bytes[..count]), from).unwrap();
        }
    });
    let lines = |receive: &str| format!("\tservice=dns\n\trequest=\"www.x.y\"\n\treceive=\"{receive}\"\n");
    let by_udp = |receive: &str| local(port, &format!("\tprotocol=udp\n{}", lines(receive)));
    assert_eq!(by_udp("10.0.0.7"), Outcome::up("Success"));
    assert_eq!(by_udp("10.0.0.8"), Outcome::down("Response mismatch"));
    let by_tcp = server(|mut s| {
        let mut length = [0; 2];
        s.read_exact(&mut length).unwrap();
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        s.read_exact(&mut bytes).unwrap();
        let answer = address_record(&bytes);
        s.write_all(&u16::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
        s.write_all(&answer).unwrap();
        String::new()
    });
    assert!(local(by_tcp.port, &lines("^10")).up);
    assert!(!local(deserted(), &lines("^10")).up);
}

#[test]
fn a_radius_server_must_answer_with_its_signature() {
    let radius = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = radius.local_addr().unwrap().port();
    thread::spawn(move || {
        use md5::{Digest, Md5};
        let mut bytes = [0; 600];
        while let Ok((_, from)) = radius.recv_from(&mut bytes) {
            let mut answer = vec![2, bytes[1], 0, 20];
            let mut digest = Md5::new();
            digest.update(&answer);
            digest.update(&bytes[4..20]);
            digest.update("TopSecret");
            answer.extend(digest.finalize());
            radius.send_to(&answer, from).unwrap();
        }
    });
    let check = |secret: &str| {
        let login = "\tlogin=\"u\"\n\tpasswd=\"p\"\n\tnegotiatetimeout=1\n";
        local(port, &format!("\tprotocol=udp\n\tservice=radius\n{login}\tsecret=\"{secret}\"\n"))
    };
    assert_eq!(check("TopSecret"), Outcome::up("-"));
    assert!(!check("another").up);
}

/// A server with one file.
fn ftp(mut control: TcpStream) -> String {
    let data = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let [high, low] = data.local_addr().unwrap().port().to_be_bytes();
    control.write_all(b"220-hello\r\n220 ready\r\n").unwrap();
    let mut heard = String::new();
    loop {
        let line = until(&mut control, "\r\n");
        heard += &line;
        let answer = match line.trim_end() {
            "USER anonymous" => "331 password\r\n".to_owned(),
            "PASS ldirectord@director1" => "230-in\r\n230 in\r\n".to_owned(),
            "CWD /" | "TYPE I" => "200 good\r\n".to_owned(),
            // an address that is not ours: it must not be gone to
            "PASV" => format!("227 Entering Passive Mode (192,0,2,1,{high},{low}).\r\n"),
            "RETR /welcome.msg" => {
                control.write_all(b"150 here it comes\r\n").unwrap();
                data.accept().unwrap().0.write_all(b"this is a test\n").unwrap();
                "226 that was it\r\n".to_owned()
            }
            "" => return heard,
            _ => "550 no\r\n".to_owned(),
        };
        let _ = control.write_all(answer.as_bytes());
    }
}

#[test]
fn files_are_fetched() {
    let files = server(ftp);
    let check = |request: &str, receive: &str| {
        local(files.port, &format!("\tservice=ftp\n\trequest=\"{request}\"\n\treceive=\"{receive}\"\n"))
    };
    assert_eq!(check("welcome.msg", "a test$"), Outcome::up("-"));
    assert!(files.heard.recv().unwrap().ends_with("RETR /welcome.msg\r\nQUIT\r\n"));
    assert!(!check("welcome.msg", "another").up);
    assert_eq!(check("missing", "test"), Outcome::down("550 no"));
    assert_eq!(local(files.port, "\tservice=ftp\n"), Outcome::up("220 ready"));
    assert!(!local(deserted(), "\tservice=ftp\n").up, "ldirectord.md 15, 6");
    let full = server(|mut s| s.write_all(b"421 too many\r\n").map(|()| String::new()).unwrap());
    assert!(!local(full.port, "\tservice=ftp\n").up);
}

#[test]
fn simpletcp_says_all_and_looks_at_each_line() {
    let echo = server(|mut s| {
        let mut asked = String::new();
        s.read_to_string(&mut asked).unwrap();
        write!(s, "one\ntwo {asked}\nthree").unwrap();
        asked
    });
    let check = |receive: &str| {
        let lines = format!("\tservice=simpletcp\n\trequest=\"a\\nb\"\n\treceive=\"{receive}\"\n");
        local(echo.port, &lines)
    };
    assert!(check("^two a$").up);
    assert!(check("^three$").up, "a line without an end");
    assert!(!check("b\\nthree").up, "no pattern spans lines");
    assert_eq!(echo.heard.recv().unwrap(), "a\nb");
    let mute = server(|_| String::new());
    assert!(!local(mute.port, "\tservice=simpletcp\n\treceive=\"x\"\n").up);
}

#[test]
fn a_program_decides() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
        path.display().to_string()
    };
    let told = dir.path().join("told");
    let tells = write("tells", &format!("#!/bin/sh\necho \"$@\" >{}\n", told.display()));
    let external = |command: &str, more: &str| {
        checked(&probe(
            "10.0.0.2:81 masq",
            &format!("\tchecktype=external\n\tcheckcommand={command}\n{more}"),
        ))
    };
    assert!(external(&tells, "").up);
    assert_eq!(std::fs::read_to_string(told).unwrap(), "10.0.0.100 80 10.0.0.2 81\n");
    assert!(!external("/bin/false", "").up);
    let missing = external("/nonexistent/check", "");
    assert!(missing.text.starts_with("exec(/nonexistent/check, 10.0.0.100"), "{missing:?}");
    let pid = dir.path().join("pid");
    let hangs = write(
        "hangs",
        &format!("#!/bin/sh\ntrap '' TERM\necho $$ >{}\nwhile :; do sleep 0.1; done\n", pid.display()),
    );
    let begin = Instant::now();
    let outcome = external(&hangs, "\tchecktimeout=1\n");
    let line = format!("system_timeout(1, {hangs} 10.0.0.100 80 10.0.0.2 81) timed out, kill -TERM child");
    assert_eq!(outcome, Outcome::down(line));
    assert!(begin.elapsed() < Duration::from_secs(10));
    let pid = std::fs::read_to_string(pid).unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists(), "it was left behind");
}

#[test]
fn what_cannot_be_spoken_yet_says_so() {
    let https = probe("10.0.0.2:443 masq", "\tservice=https\n");
    assert_eq!(https.way, Way::Unsupported(crate::director::config::Service::Https));
    assert!(!checked(&https).up);
    assert_eq!(https.at, SocketAddr::from(([10, 0, 0, 2], 443)));
}
