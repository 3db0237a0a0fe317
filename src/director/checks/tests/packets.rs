//! Questions of one packet.

use super::*;

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
