//! LDAP, plain and by TLS.

use super::*;

const BOUND: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0";
const ENTRY: &[u8] = b"\x30\x0d\x02\x01\x02\x64\x08\x04\x04dc=x\x30\0";
const OVER: &[u8] = b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\0\x04\0\x04\0";

/// A frame, whose length takes one byte.
fn frame(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = vec![0; 2];
    if stream.read_exact(&mut bytes).is_err() {
        return Vec::new();
    }
    let mut content = vec![0; usize::from(bytes[1])];
    stream.read_exact(&mut content).unwrap();
    bytes.extend(content);
    bytes
}

/// A directory with one entry; the answer to the search comes in small pieces.
fn directory(mut stream: impl Read + Write) -> String {
    let bind = frame(&mut stream);
    stream.write_all(BOUND).unwrap();
    let search = frame(&mut stream);
    for piece in [ENTRY, OVER].concat().chunks(3) {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
    }
    let unbind = frame(&mut stream);
    format!("{} {} {}", bind[5], search[5], unbind.get(5).copied().unwrap_or_default())
}

fn lines(service: &str, receive: &str) -> String {
    format!("\tservice={service}\n\trequest=\"dc=x\"\n\treceive=\"{receive}\"\n\tnegotiatetimeout=1\n")
}

#[test]
fn an_entry_is_looked_up() {
    let own = server(directory);
    assert_eq!(local(own.port, &lines("ldap", "^dc=x$")), Outcome::up("Success"));
    assert_eq!(own.heard.recv().unwrap(), "96 99 66", "bind, search, unbind");
    assert_eq!(local(own.port, &lines("ldap", "dc=y")), Outcome::down("Response mismatch"));
    let elsewhere = format!("127.0.0.1:{} masq 1 \"dc=z\", \"dc=y\"", own.port);
    assert_eq!(checked(&probe(&elsewhere, &lines("ldap", "dc=x"))), Outcome::down("Response mismatch"));
}

#[cfg(feature = "tls")]
#[test]
fn an_entry_is_looked_up_by_tls() {
    let own = server(|s| directory(super::tls::dressed(s, super::tls::SELF_SIGNED)));
    assert_eq!(local(own.port, &lines("ldaps", "^dc=x$")), Outcome::up("Success"));
    assert_eq!(own.heard.recv().unwrap(), "96 99 66");
    let plain = server(directory);
    let told = local(plain.port, &lines("ldaps", "x")).text;
    assert!(told.starts_with("Connection failed: ") && told.contains("TLS: "), "{told}");
}

/// Each kind of trouble is called what the reference calls it.
#[test]
fn a_directory_in_trouble_is_down() {
    let told = |port: u16| {
        let outcome = local(port, &format!("{}\tchecktimeout=1\n", lines("ldap", "x")));
        assert!(!outcome.up, "{outcome:?}");
        outcome.text
    };
    assert_eq!(told(deserted()), "Connection failed");
    assert_eq!(told(server(|_| String::new()).port), "Bind failed");
    let silent = server(|mut s| until(&mut s, "never"));
    assert_eq!(told(silent.port), "No answer received");
    let hasty = server(|mut s| {
        frame(&mut s);
        s.write_all(BOUND).unwrap();
        String::new()
    });
    assert_eq!(told(hasty.port), "No answer received");
    let stuck = server(|mut s| {
        s.write_all(&[BOUND, ENTRY].concat()).unwrap();
        until(&mut s, "never")
    });
    assert_eq!(told(stuck.port), "No answer received");
    let garbage = server(|mut s| s.write_all(b"220 hello\r\n").map(|()| until(&mut s, "never")).unwrap());
    assert_eq!(told(garbage.port), "No answer received");
    let endless =
        server(|mut s| s.write_all(b"\x30\x84\x7f\xff\xff\xff").map(|()| until(&mut s, "never")).unwrap());
    assert_eq!(told(endless.port), "the answer is too long");
}
