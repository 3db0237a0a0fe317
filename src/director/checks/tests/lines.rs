//! Protocols of lines, and connections alone.

use super::*;

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
pub(super) fn scripted(mut stream: impl Read + Write, greeting: &str, answers: &[(&str, &str)]) -> String {
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
    // A stamp, and no APOP after all: the reference then says the password.
    let pretends =
        server(|s| scripted(s, "+OK hi <1.2@x>\r\n", &[("USER u", "+OK\r\n"), ("PASS p q", "+OK in\r\n")]));
    assert_eq!(local(pretends.port, &login("p q")), Outcome::up("+OK in"));
    assert!(pretends.heard.recv().unwrap().ends_with("\r\nUSER u\r\nPASS p q\r\nQUIT\r\n"));
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

/// A server with one file.
pub(super) fn ftp(mut control: TcpStream) -> String {
    let data = TcpListener::bind((control.local_addr().unwrap().ip(), 0)).unwrap();
    let port = data.local_addr().unwrap().port();
    let [high, low] = port.to_be_bytes();
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
            "EPSV" => format!("229 Entering Extended Passive Mode (|||{port}|)\r\n"),
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
    // Verdicts of the reference: the ends of lines are part of them.
    let dos = server(|mut s| s.write_all(b"one\r\ntwo\r\n").map(|()| until(&mut s, "never")).unwrap());
    let verdict =
        |receive: &str| local(dos.port, &format!("\tservice=simpletcp\n\treceive=\"{receive}\"\n")).up;
    for (receive, up) in
        [("two$", false), ("two\\r$", true), ("two\\r\\n$", true), ("two\\n", false), ("two\\s$", true)]
    {
        assert_eq!(verdict(receive), up, "{receive}");
    }
    let mute = server(|_| String::new());
    assert!(!local(mute.port, "\tservice=simpletcp\n\treceive=\"x\"\n").up);
}
