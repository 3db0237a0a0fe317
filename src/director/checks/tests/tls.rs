//! Protocols inside of TLS.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::lines::scripted;
use super::*;

const KEY: &[u8] = include_bytes!("../../../../tests/vectors/tls/key.pem");
pub(super) const SELF_SIGNED: &[u8] = include_bytes!("../../../../tests/vectors/tls/self-signed.pem");
const EXPIRED: &[u8] = include_bytes!("../../../../tests/vectors/tls/expired.pem");

/// The server's end of TLS.
pub(super) fn dressed(stream: TcpStream, certificate: &[u8]) -> StreamOwned<ServerConnection, TcpStream> {
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    // Not `with_single_cert`: it looks at the certificate, and refuses version 1.
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let own = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let config = builder.with_no_client_auth().with_cert_resolver(Arc::new(own));
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

/// Answers a request for a page, and tells the name it was asked by in TLS before what it was asked.
fn page(stream: TcpStream, certificate: &[u8], answer: &str) -> String {
    let mut stream = dressed(stream, certificate);
    let asked = until(&mut stream, "\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    format!("{} {asked}", stream.conn.server_name().unwrap_or("-"))
}

#[test]
fn a_page_comes_by_tls_whoever_signed_the_certificate() {
    let own = server(|s| page(s, SELF_SIGNED, http::OK));
    let check =
        |lines: &str| (local(own.port, &format!("\tservice=https\n{lines}")), own.heard.recv().unwrap());
    let (outcome, asked) = check("\treceive=\"is well\"\n");
    assert_eq!(outcome, Outcome::up("200 OK"));
    assert!(asked.starts_with("- GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"), "{asked}");
    let (outcome, asked) = check("\tvirtualhost=www.x.y\n\trequest=\"a\"\n");
    assert_eq!(outcome, Outcome::up("200 OK"));
    assert!(asked.starts_with("www.x.y GET /a HTTP/1.1\r\nHost: www.x.y\r\n"), "{asked}");
    assert_eq!(check("\treceive=\"ill\"\n").0, Outcome::down("all is well\n"));
    let expired = server(|s| page(s, EXPIRED, http::OK));
    assert_eq!(local(expired.port, "\tservice=https\n"), Outcome::up("200 OK"));
    let wrong = server(|s| page(s, SELF_SIGNED, "HTTP/1.1 503 No\r\n\r\n"));
    assert_eq!(local(wrong.port, "\tservice=https\n"), Outcome::down("503 No"));
    let endless = server(|s| page(s, SELF_SIGNED, "HTTP/1.1 200 OK\r\n\r\nall"));
    assert!(local(endless.port, "\tservice=https\n\treceive=\"all$\"\n").up, "closed without a word");
}

#[test]
fn redirections_lead_into_tls_and_out_of_it() {
    let home = server(|s| page(s, EXPIRED, http::OK));
    let gate = server(|mut s| {
        let asked = until(&mut s, "\r\n\r\n");
        let port: String =
            asked.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        write!(s, "HTTP/1.1 301 Moved\r\nLocation: https://localhost:{port}/x\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        asked
    });
    let lines = format!("\tservice=http\n\trequest=\"{}\"\n\treceive=\"well\"\n", home.port);
    assert_eq!(local(gate.port, &lines), Outcome::up("200 OK"));
    let wanted = format!("localhost GET /x HTTP/1.1\r\nHost: localhost:{}\r\n", home.port);
    let asked = home.heard.recv().unwrap();
    assert!(asked.starts_with(&wanted), "{asked}");
    // only a URL of its own protocol is one
    let real = |scheme: &str| {
        format!("127.0.0.1:{} masq 1 \"{scheme}://127.0.0.1:{}/y\", \"well\"", gate.port, home.port)
    };
    assert!(checked(&probe(&real("https"), "\tservice=https\n")).up);
    let asked = home.heard.recv().unwrap();
    assert!(asked.starts_with("- GET /y HTTP/1.1\r\nHost: 127.0.0.1\r\n"), "{asked}");
    gate.heard.recv().unwrap();
    let _ = checked(&probe(&real("https"), "\tservice=http\n"));
    assert!(gate.heard.recv().unwrap().starts_with("GET /https://127.0.0.1:"));
}

#[test]
fn a_proxy_is_not_asked_for_what_is_in_tls() {
    let home = server(|s| page(s, EXPIRED, "HTTP/1.1 302 Found\r\nLocation: http://www.x.y/back\r\n\r\n"));
    let proxy = server(|mut s| {
        let asked = until(&mut s, "\r\n\r\n");
        let port: String =
            asked.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: https://localhost:{port}/x\r\n\r\n");
        s.write_all(if asked.contains("/back") { http::OK } else { &answer }.as_bytes()).unwrap();
        asked
    });
    let lines = format!("\tservice=http_proxy\n\trequest=\"http://www.x.y/{}\"\n", home.port);
    assert_eq!(local(proxy.port, &lines), Outcome::up("200 OK"));
    let heard: Vec<String> = proxy.heard.iter().take(2).collect();
    assert!(heard[1].starts_with("GET http://www.x.y/back HTTP/1.1\r\nHost: www.x.y\r\n"), "{heard:?}");
    let asked = home.heard.recv().unwrap();
    let wanted = format!("localhost GET /x HTTP/1.1\r\nHost: localhost:{}\r\n", home.port);
    assert!(asked.starts_with(&wanted), "{asked}");
}

#[test]
fn mail_boxes_are_opened_by_tls() {
    let pops = server(|s| {
        let answers = [("USER u", "+OK\r\n"), ("PASS p", "+OK in\r\n")];
        scripted(dressed(s, SELF_SIGNED), "+OK hi\r\n", &answers)
    });
    let login = |service: &str, passwd: &str| {
        format!("\tservice={service}\n\tlogin=\"u\"\n\tpasswd=\"{passwd}\"\n\tnegotiatetimeout=3\n")
    };
    assert_eq!(local(pops.port, &login("pops", "p")), Outcome::up("+OK in"));
    assert_eq!(pops.heard.recv().unwrap(), "USER u\r\nPASS p\r\nQUIT\r\n");
    assert_eq!(local(pops.port, &login("pops", "wrong")), Outcome::down("-ERR no"));
    assert_eq!(local(pops.port, "\tservice=pops\n"), Outcome::up("+OK hi"));
    let imaps = server(|s| {
        scripted(
            dressed(s, EXPIRED),
            "* OK hi\r\n",
            &[("a LOGIN \"u\" \"p\"", "a OK in\r\n"), ("z LOGOUT", "")],
        )
    });
    assert_eq!(local(imaps.port, &login("imaps", "p")), Outcome::up("a OK in"));
    assert_eq!(local(imaps.port, "\tservice=imaps\n"), Outcome::up("* OK hi"));
}

const INSIDE_TLS: [&str; 3] = ["https", "pops", "imaps"];

/// Every service inside of TLS, and what it says of a server.
fn all(port: u16) -> Vec<String> {
    let tell = |service: &str| {
        let outcome = local(port, &format!("\tservice={service}\n\tnegotiatetimeout=1\n\tchecktimeout=1\n"));
        assert!(!outcome.up, "{service}: {outcome:?}");
        outcome.text
    };
    // Those that hang do so side by side.
    thread::scope(|scope| {
        let running = INSIDE_TLS.map(|service| scope.spawn(move || tell(service)));
        running.into_iter().map(|told| told.join().unwrap()).collect()
    })
}

#[test]
fn who_spoils_the_handshake_is_down() {
    let every = |port: u16, told: &str| {
        for text in all(port) {
            assert!(text.contains(told), "{text:?} does not tell: {told}");
        }
    };
    every(deserted(), "Connection refused");
    every(server(|_| String::new()).port, "TLS: ");
    every(server(|mut s| until(&mut s, "never")).port, "500 Timeout Alarm");
    every(server(|s| answering(s, http::OK)).port, "500 Timeout Alarm");
    let garbage = server(|mut s| {
        s.write_all(b"220 hello, I speak first\r\n").map(|()| until(&mut s, "\r\n\r\n")).unwrap()
    });
    every(garbage.port, "TLS: the server does not speak TLS");
    let half = server(|mut s| s.write_all(b"\x16\x03\x03\x40").map(|()| until(&mut s, "never")).unwrap());
    every(half.port, "500 Timeout Alarm");
}

#[test]
fn who_is_too_old_is_told_apart() {
    let version = server(|mut s| {
        let hello = s.read(&mut [0; 2000]).unwrap();
        s.write_all(b"\x15\x03\x01\0\x02\x02\x46").unwrap();
        hello.to_string()
    });
    let refusal = server(|mut s| {
        let hello = s.read(&mut [0; 2000]).unwrap();
        s.write_all(b"\x15\x03\x03\0\x02\x02\x28").unwrap();
        hello.to_string()
    });
    // TLS 1.0, no session, RSA with AES, no compression
    let old = server(|mut s| {
        let hello = s.read(&mut [0; 2000]).unwrap();
        s.write_all(
            &[b"\x16\x03\x01\0\x2A\x02\0\0\x26\x03\x01".as_slice(), &[7; 32], b"\0\0\x2F\0"].concat(),
        )
        .unwrap();
        hello.to_string()
    });
    for (port, told) in
        [(version.port, "too old"), (refusal.port, "want a certificate of ours"), (old.port, "too old")]
    {
        for text in all(port) {
            assert!(text.contains(told), "{text:?} does not tell: {told}");
            assert!(text.contains("X25519, P-256 or P-384"), "{text:?} does not tell what is spoken");
        }
    }
}
