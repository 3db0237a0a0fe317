//! Pages.

use super::*;

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nall is well\n";

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
    let head = check("\treceive=\"well\"\n\thttpmethod=HEAD\n").0;
    assert_eq!(head, Outcome::down("-"), "no page, no match; the monitor file is told all the same");
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
fn a_name_and_a_password_in_a_url_are_told() {
    let page = server(|stream| answering(stream, OK));
    let asked = |user: &str| {
        let url = format!("http://{user}127.0.0.1:{}/x", page.port);
        let probe = probe(&format!("192.0.2.1:80 masq 1 \"{url}\", \"well\""), "");
        assert_eq!(checked(&probe), Outcome::up("200 OK"));
        assert!(!format!("{probe:?}").contains("p%2Fw"), "a password is shown: {probe:?}");
        page.heard.recv().unwrap()
    };
    for (user, wanted) in [("u%40x:p%2Fw@", "dUB4OnAvdw=="), ("u@", "dTo="), ("u:p:q@", "dTpwOnE=")] {
        let heard = asked(user);
        assert!(heard.contains(&format!("\r\nAuthorization: Basic {wanted}\r\n")), "{user}: {heard}");
    }
    for nobody in ["", "@"] {
        assert!(!asked(nobody).contains("Authorization"));
    }
}

#[test]
fn a_proxy_is_asked_for_a_whole_url() {
    let proxy = server(|stream| answering(stream, OK));
    let lines = "\tservice=http_proxy\n\trequest=\"http://www.x.y/z\"\n\tvirtualhost=no.one\n";
    assert!(local(proxy.port, lines).up);
    assert!(proxy.heard.recv().unwrap().starts_with("GET http://www.x.y/z HTTP/1.1\r\nHost: www.x.y\r\n"));
}

/// Verdicts of the reference on the same answers.
#[test]
fn answers_that_are_not_quite_http_are_read_as_the_reference_reads_them() {
    let verdict = |answer: &'static [u8], receive: &str| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            until(&mut stream, "\r\n\r\n");
            stream.write_all(answer).unwrap();
        });
        local(port, &format!("\treceive=\"{receive}\"\n"))
    };
    let well = Outcome::up("200 OK");
    let assumed = Outcome::up("200 Assumed OK");
    assert_eq!(verdict(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi", "hi"), well);
    assert_eq!(verdict(b"HTTP/1.0 200 OK\n\nhello", "hello"), well);
    assert_eq!(verdict(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", "hello"), Outcome::up("200 "));
    assert_eq!(verdict(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello", "hello"), well);
    // closed too early
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    assert_eq!((verdict(cut, "hello$"), verdict(cut, "bye")), (well.clone(), Outcome::down("hello")));
    let chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    assert_eq!(verdict(chunk, "hello$"), well);
    let half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello";
    assert_eq!(verdict(half, "hello$"), well);
    let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n";
    assert_eq!(verdict(whole, "hello$"), well);
    // no head at all
    assert_eq!(verdict(b"hello there\r\n", "hello"), assumed);
    assert_eq!(verdict(b"hello there\r\n", "bye"), Outcome::down("hello there\r\n"));
    assert_eq!(verdict(b"\0\x01", "\\x01"), assumed);
    assert_eq!(verdict(b"HTTP/1.1 999 Odd\r\n\r\n", "Odd"), assumed);
    assert!(!verdict(b"", "x").up);
    let head = b"HTTP/1.1 200 OK\r\nA: b";
    assert_eq!((verdict(head, "^"), verdict(head, "x")), (well, Outcome::down("-")));
}

/// Verdicts of the reference on the same answers.
#[test]
fn a_page_that_does_not_end_in_time_is_judged_as_far_as_it_came() {
    let verdict = |answer: &'static [u8], receive: &str| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.write_all(answer).unwrap();
            until(&mut stream, "never");
        });
        local(port, &format!("\tnegotiatetimeout=1\n{receive}"))
    };
    let cases: [(&[u8], &str, Outcome); 7] = [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "", Outcome::up("200 OK")),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "\treceive=\"hello\"\n", Outcome::up("200 OK")),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "\treceive=\"bye\"\n", Outcome::down("hello")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "\treceive=\"hello\"\n",
            Outcome::up("200 OK"),
        ),
        (b"HTTP/1.1 200 OK\r\n", "", Outcome::down("500 Timeout Alarm")),
        (b"hello", "", Outcome::down("500 Timeout Alarm")),
        (b"hello\n", "", Outcome::up("200 Assumed OK")),
    ];
    thread::scope(|scope| {
        for (answer, receive, wanted) in cases {
            scope.spawn(move || assert_eq!(verdict(answer, receive), wanted, "{receive}"));
        }
    });
}
