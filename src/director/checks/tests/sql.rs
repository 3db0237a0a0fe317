//! Databases.

use super::*;

fn lines(service: &str, more: &str) -> String {
    format!(
        "\tservice={service}\n\tlogin=\"u\"\n\tpasswd=\"secret\"\n\tdatabase=\"d\"\n\trequest=\"select 1\"\n\tnegotiatetimeout=1\n{more}"
    )
}

/// The greeting of a server; its salt is 1 to 20.
fn greeting(plugin: &str, tls: bool) -> Vec<u8> {
    let low = if tls { 0x8a08u16 } else { 0x8208 };
    let salt: Vec<u8> = (1..=20).collect();
    let parts = [
        b"\x0a10.11.6-MariaDB\0\x07\0\0\0".as_slice(),
        &salt[..8],
        b"\0",
        &low.to_le_bytes(),
        b"\x2d\x02\0\x08\0\x15",
        &[0; 10],
        &salt[8..],
        b"\0",
        plugin.as_bytes(),
        b"\0",
    ];
    parts.concat()
}

/// The other side of a MySQL connection.
struct Mysql<S> {
    stream: S,
    number: u8,
}

impl<S: Read + Write> Mysql<S> {
    fn say(&mut self, content: &[u8]) {
        let [a, b, c, _] = u32::try_from(content.len()).unwrap().to_le_bytes();
        // who is closed on has decided
        let _ = self.stream.write_all(&[&[a, b, c, self.number], content].concat());
        let _ = self.stream.flush();
        self.number = self.number.wrapping_add(1);
    }

    fn hear(&mut self) -> Vec<u8> {
        let mut header = [0; 4];
        if self.stream.read_exact(&mut header).is_err() {
            return Vec::new();
        }
        let mut content = vec![0; usize::from(header[0])];
        self.stream.read_exact(&mut content).unwrap();
        self.number = header[3].wrapping_add(1);
        content
    }
}

fn greet(stream: TcpStream, plugin: &str, tls: bool) -> Mysql<TcpStream> {
    let mut own = Mysql { stream, number: 0 };
    own.say(&greeting(plugin, tls));
    own
}

/// SHA1(secret) xor SHA1(salt, SHA1(SHA1(secret))), by Python.
const NATIVE: &[u8] = b"\xb3\x2b\xb3\xa5\x83\xe1\x34\x0c\x0a\x11\x08\xd5\x8b\x1b\xe4\x97\x81\xad\x8c\x2f";
/// The same with SHA256, in the other order.
const SHA2: &[u8] = b"\x74\x6e\xbe\x20\x5d\x56\xa0\x70\x7a\xcb\x3e\x79\x6e\x83\x4e\x0d\xd7\xb1\xd6\x17\x43\xb2\x6b\xd5\x20\x2c\x7a\x62\x32\x30\xc7\xc9";

/// Lets in who proves his password, and answers one question.
fn serve<S: Read + Write>(mut own: Mysql<S>, proof: &[u8], answer: &[&[u8]]) -> String {
    let login = own.hear();
    if !login.windows(proof.len()).any(|part| part == proof) {
        own.say(b"\xff\x15\x04#28000Access denied");
        return String::new();
    }
    own.say(b"\0\0\0\x02\0\0\0");
    let question = own.hear();
    answer.iter().for_each(|packet| own.say(packet));
    let last = own.hear();
    format!("{} {last:?}", String::from_utf8_lossy(&question))
}

const COLUMN: &[u8] = b"\x03def\0\0\0\x011\0\x0c\x3f\0\x01\0\0\0\x08\x81\0\0\0\0";
const END: &[u8] = b"\xfe\0\0\x02\0";
const ROW: &[u8] = b"\x011";

#[test]
fn mysql_wants_a_row() {
    let rows = server(|s| {
        serve(greet(s, "mysql_native_password", false), NATIVE, &[b"\x01", COLUMN, END, ROW, END])
    });
    assert_eq!(local(rows.port, &lines("mysql", "\treceive=\"never looked for\"\n")), Outcome::up("-"));
    assert_eq!(rows.heard.recv().unwrap(), "\u{3}select 1 [1]", "the question, and goodbye");
    let none =
        server(|s| serve(greet(s, "mysql_native_password", false), NATIVE, &[b"\x01", COLUMN, END, END]));
    assert_eq!(local(none.port, &lines("mysql", "")), Outcome::down("no rows"));
    // A row that begins like an end.
    let long = server(|s| {
        let row = [b"\xfe\0\0\0\x01\0\0\0\0".as_slice(), &[7; 200]].concat();
        let answer: [&[u8]; 6] = [b"\x02", COLUMN, COLUMN, END, &row, END];
        serve(greet(s, "mysql_native_password", false), NATIVE, &answer)
    });
    assert_eq!(local(long.port, &lines("mysql", "")), Outcome::up("-"));
    let changed =
        server(|s| serve(greet(s, "mysql_native_password", false), NATIVE, &[b"\0\x05\0\x02\0\0\0"]));
    assert_eq!(local(changed.port, &lines("mysql", "")), Outcome::up("-"));
    let unchanged =
        server(|s| serve(greet(s, "mysql_native_password", false), NATIVE, &[b"\0\0\0\x02\0\0\0"]));
    assert_eq!(local(unchanged.port, &lines("mysql", "")), Outcome::down("no rows"));
    let wrong = server(|s| {
        serve(greet(s, "mysql_native_password", false), NATIVE, &[b"\xff\x28\x04#42000You have an error"])
    });
    assert_eq!(local(wrong.port, &lines("mysql", "")), Outcome::down("error 1064: You have an error"));
    let file = server(|s| serve(greet(s, "mysql_native_password", false), NATIVE, &[b"\xfb/etc/passwd"]));
    assert!(!local(file.port, &lines("mysql", "")).up);
}

/// Begins to answer with rows, and then?
fn rows_and(mut own: Mysql<TcpStream>, rows: &[&[u8]]) -> Mysql<TcpStream> {
    own.hear();
    own.say(b"\0\0\0\x02\0\0\0");
    own.hear();
    [b"\x01", COLUMN, END].iter().chain(rows).for_each(|packet| own.say(packet));
    own
}

#[test]
fn mysql_rows_count_when_the_answer_is_over() {
    let failed = server(|s| {
        let error = b"\xff\xda\x04#21000Subquery returns more than 1 row";
        rows_and(greet(s, "mysql_native_password", false), &[ROW, error]).hear();
        String::new()
    });
    let told = "error 1242: Subquery returns more than 1 row";
    assert_eq!(local(failed.port, &lines("mysql", "")), Outcome::down(told));
    let lost = server(|s| {
        rows_and(greet(s, "mysql_native_password", false), &[ROW]);
        String::new()
    });
    assert_eq!(local(lost.port, &lines("mysql", "")), Outcome::down("closed before it was decided"));
    // More than anybody wants to read: in one row, and in many.
    let long = server(|s| {
        let row = [b"\xfd\0\0\x20".as_slice(), &[7; 2 << 20]].concat();
        rows_and(greet(s, "mysql_native_password", false), &[&row]).hear();
        String::new()
    });
    assert_eq!(local(long.port, &lines("mysql", "")), Outcome::up("-"));
    let many = server(|s| {
        let row = [b"\xfd\0\0\x08".as_slice(), &[7; 8 << 16]].concat();
        rows_and(greet(s, "mysql_native_password", false), &[&row, &row]).hear();
        String::new()
    });
    assert_eq!(local(many.port, &lines("mysql", "")), Outcome::up("-"));
}

#[test]
fn mysql_procedures_may_return_rows() {
    let procedure = server(|s| {
        let mut own = greet(s, "mysql_native_password", false);
        let several = own.hear()[2] & 2 != 0;
        own.say(b"\0\0\0\x02\0\0\0");
        own.hear();
        if several {
            // Rows, more to come, and the end of the procedure.
            let answer: [&[u8]; 6] = [b"\x01", COLUMN, END, ROW, b"\xfe\0\0\x0a\0", b"\0\0\0\x02\0\0\0"];
            answer.iter().for_each(|packet| own.say(packet));
        } else {
            own.say(b"\xff\x20\x05#0A000PROCEDURE d.p can't return a result set");
        }
        own.hear();
        String::new()
    });
    assert_eq!(local(procedure.port, &lines("mysql", "")), Outcome::up("-"));
}

#[test]
fn mysql_passwords_are_proven_as_the_server_wants_it() {
    let refused = server(|s| serve(greet(s, "mysql_native_password", false), b"another", &[]));
    assert_eq!(local(refused.port, &lines("mysql", "")), Outcome::down("error 1045: Access denied"));
    // caching_sha2_password, known by heart
    let quick = server(|s| {
        let mut own = greet(s, "caching_sha2_password", false);
        assert!(own.hear().windows(SHA2.len()).any(|part| part == SHA2));
        own.say(b"\x01\x03");
        own.say(b"\0\0\0\x02\0\0\0");
        own.hear();
        own.say(b"\0\x01\0\x02\0\0\0");
        String::new()
    });
    assert_eq!(local(quick.port, &lines("mysql", "")), Outcome::up("-"));
    // another way for this user
    let switched = server(|s| {
        let mut own = greet(s, "something_new", false);
        let login = own.hear();
        assert!(login.ends_with(b"d\0mysql_native_password\0"), "{login:?}");
        let salt: Vec<u8> = (1..=20).collect();
        own.say(&[b"\xfemysql_native_password\0".as_slice(), &salt, b"\0"].concat());
        serve(own, NATIVE, &[b"\0\x01\0\x02\0\0\0"])
    });
    assert_eq!(local(switched.port, &lines("mysql", "")), Outcome::up("-"));
    let unknown = server(|s| {
        let mut own = greet(s, "mysql_native_password", false);
        own.hear();
        own.say(b"\xfeclient_ed25519\0salt");
        String::new()
    });
    let told = "the server wants client_ed25519, which cannot be spoken";
    assert_eq!(local(unknown.port, &lines("mysql", "")), Outcome::down(told));
    let bare = server(|s| {
        let mut own = greet(s, "caching_sha2_password", false);
        own.hear();
        own.say(b"\x01\x04");
        String::new()
    });
    let told = "the server wants the password encrypted, and cannot speak TLS";
    assert_eq!(local(bare.port, &lines("mysql", "")), Outcome::down(told));
}

/// A server that does not know the password by heart: it wants it as it is, and gets it in TLS only.
#[cfg(feature = "tls")]
#[test]
fn mysql_gets_the_password_itself_in_tls_only() {
    let server = server(|s| {
        let mut own = greet(s, "caching_sha2_password", true);
        let first = own.hear();
        // a wish for TLS is a login without a name
        if first.len() > 32 {
            own.say(b"\x01\x04");
            return "proof".to_owned();
        }
        let stream = super::tls::dressed(own.stream, super::tls::SELF_SIGNED);
        let mut own = Mysql { stream, number: 0 };
        own.hear();
        own.say(b"\x01\x04");
        let password = own.hear();
        own.say(b"\0\0\0\x02\0\0\0");
        own.hear();
        own.say(b"\0\x01\0\x02\0\0\0");
        own.hear();
        String::from_utf8_lossy(&password).into_owned()
    });
    assert_eq!(local(server.port, &lines("mysql", "")), Outcome::up("-"));
    assert_eq!(server.heard.recv().unwrap(), "proof");
    assert_eq!(server.heard.recv().unwrap(), "secret\0");
}

/// The other side of a PostgreSQL connection: the next message, without its length.
fn hear(stream: &mut impl Read, letter: bool) -> Vec<u8> {
    let mut header = vec![0; if letter { 5 } else { 4 }];
    if stream.read_exact(&mut header).is_err() {
        return Vec::new();
    }
    let length = u32::from_be_bytes(header[header.len() - 4..].try_into().unwrap());
    let mut content = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut content).unwrap();
    [&header[..header.len() - 4], &content].concat()
}

fn say(stream: &mut impl Write, kind: u8, content: &[u8]) {
    let length = u32::try_from(content.len() + 4).unwrap().to_be_bytes();
    // who is closed on has decided
    let _ = stream.write_all(&[&[kind], length.as_slice(), content].concat());
    let _ = stream.flush();
}

const LET_IN: &[u8] = &[0; 4];
const READY: &[u8] = b"I";
/// MD5(MD5(secret, u), 1 2 3 4), by Python.
const MD5: &str = "md5dffd2564502f75393b3854e1532b9fa6";

/// Lets anybody in who proves his password by MD5, and answers one question with these messages.
fn postgres(stream: &mut (impl Read + Write), answer: &[(u8, &[u8])]) -> String {
    let hello = hear(stream, false);
    assert_eq!(hello, b"\0\x03\0\0user\0u\0database\0d\0\0");
    say(stream, b'R', b"\0\0\0\x05\x01\x02\x03\x04");
    if hear(stream, true) != format!("p{MD5}\0").into_bytes() {
        say(stream, b'E', b"SFATAL\0C28P01\0Mpassword authentication failed\0\0");
        return String::new();
    }
    say(stream, b'R', LET_IN);
    say(stream, b'S', b"server_version\x0015\0");
    say(stream, b'Z', READY);
    let question = hear(stream, true);
    answer.iter().for_each(|(kind, content)| say(stream, *kind, content));
    let last = hear(stream, true);
    String::from_utf8_lossy(&[question, last].concat()).into_owned()
}

fn without_tls(mut stream: TcpStream, answer: &[(u8, &[u8])]) -> String {
    assert_eq!(hear(&mut stream, false), [0x04, 0xd2, 0x16, 0x2f]);
    stream.write_all(b"N").unwrap();
    postgres(&mut stream, answer)
}

const ROW_OF_ONE: (u8, &[u8]) = (b'D', b"\0\x01\0\0\0\x011");
const COLUMNS: (u8, &[u8]) = (b'T', b"\0\0");

#[test]
fn pgsql_wants_a_row() {
    let rows = server(|s| without_tls(s, &[COLUMNS, ROW_OF_ONE, (b'C', b"SELECT 1\0"), (b'Z', READY)]));
    assert_eq!(local(rows.port, &lines("pgsql", "")), Outcome::up("-"));
    assert_eq!(rows.heard.recv().unwrap(), "Qselect 1\0X");
    let wrong = lines("pgsql", "").replace("secret", "wrong");
    assert_eq!(local(rows.port, &wrong), Outcome::down("FATAL: password authentication failed"));
    let none = server(|s| without_tls(s, &[COLUMNS, (b'C', b"SELECT 0\0"), (b'Z', READY)]));
    assert_eq!(local(none.port, &lines("pgsql", "")), Outcome::down("no rows"));
    let changed = server(|s| without_tls(s, &[(b'C', b"INSERT 0 3\0"), (b'Z', READY)]));
    assert_eq!(local(changed.port, &lines("pgsql", "")), Outcome::up("-"));
    let second = server(|s| {
        let row = [COLUMNS, ROW_OF_ONE, (b'C', b"SELECT 1\0"), (b'Z', READY)];
        without_tls(s, &[[COLUMNS, (b'C', b"SELECT 0\0")].as_slice(), &row].concat())
    });
    assert_eq!(local(second.port, &lines("pgsql", "")), Outcome::up("-"), "of the second of two");
    let error = server(|s| without_tls(s, &[(b'E', b"SERROR\0C42601\0Msyntax error\0\0"), (b'Z', READY)]));
    assert_eq!(local(error.port, &lines("pgsql", "")), Outcome::down("ERROR: syntax error"));
    let strange = server(|mut s| {
        hear(&mut s, false);
        s.write_all(b"N").unwrap();
        hear(&mut s, false);
        say(&mut s, b'R', b"\0\0\0\x07");
        String::new()
    });
    let told = "the server wants a login of kind 7, which cannot be spoken";
    assert_eq!(local(strange.port, &lines("pgsql", "")), Outcome::down(told));
}

#[test]
fn pgsql_rows_count_when_the_answer_is_over() {
    let failed = server(|s| {
        let error = (b'E', b"SERROR\0C22012\0Mdivision by zero\0\0".as_slice());
        without_tls(s, &[COLUMNS, ROW_OF_ONE, error, (b'Z', READY)])
    });
    assert_eq!(local(failed.port, &lines("pgsql", "")), Outcome::down("ERROR: division by zero"));
    let lost = server(|mut s| {
        hear(&mut s, false);
        s.write_all(b"N").unwrap();
        hear(&mut s, false);
        say(&mut s, b'R', LET_IN);
        say(&mut s, b'Z', READY);
        hear(&mut s, true);
        say(&mut s, b'D', ROW_OF_ONE.1);
        String::new()
    });
    assert_eq!(local(lost.port, &lines("pgsql", "")), Outcome::down("closed before it was decided"));
    // More than anybody wants to read: in one row, and in many.
    let long = server(|s| without_tls(s, &[COLUMNS, (b'D', &[7; 2 << 20])]));
    assert_eq!(local(long.port, &lines("pgsql", "")), Outcome::up("-"));
    let many = server(|s| without_tls(s, &[COLUMNS, (b'D', &[7; 8 << 16]), (b'D', &[7; 8 << 16])]));
    assert_eq!(local(many.port, &lines("pgsql", "")), Outcome::up("-"));
}

/// A server whose proofs are much work: it is down when its time is over, and others have their turn meanwhile.
#[test]
fn pgsql_works_on_a_proof_no_longer_than_it_may() {
    let server = server(|mut s| {
        hear(&mut s, false);
        // Whoever asks may be gone at any time.
        let _ = s.write_all(b"N");
        hear(&mut s, false);
        say(&mut s, b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
        let first = hear(&mut s, true);
        let nonce = String::from_utf8_lossy(&first).split("r=").nth(1).unwrap_or_default().to_owned();
        let question = format!("r={nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000");
        say(&mut s, b'R', &[b"\0\0\0\x0b", question.as_bytes()].concat());
        // The proof, or the end of the time.
        let last = hear(&mut s, true);
        say(&mut s, b'E', b"SFATAL\0Mwrong\0\0");
        String::from_utf8_lossy(&last).into_owned()
    });
    let mut probe = probe(&format!("127.0.0.1:{} masq", server.port), &lines("pgsql", ""));
    probe.negotiate_timeout = Duration::from_millis(50);
    assert_eq!(checked(&probe), Outcome::down("500 Timeout Alarm"));
    assert_eq!(server.heard.recv().unwrap(), "");
    probe.negotiate_timeout = Duration::from_secs(60);
    assert_eq!(checked(&probe), Outcome::down("FATAL: wrong"));
    assert!(server.heard.recv().unwrap().contains(",p="));
}

#[cfg(feature = "tls")]
#[test]
fn pgsql_asks_for_tls_and_goes_without_where_it_must() {
    let dressed = server(|mut s| {
        assert_eq!(hear(&mut s, false).len(), 4);
        s.write_all(b"S").unwrap();
        let mut s = super::tls::dressed(s, super::tls::SELF_SIGNED);
        postgres(&mut s, &[ROW_OF_ONE, (b'Z', READY)])
    });
    assert_eq!(local(dressed.port, &lines("pgsql", "")), Outcome::up("-"));
    // who promises TLS and cannot, or lets nobody in that way
    let clumsy = server(|mut s| {
        if hear(&mut s, false).len() == 4 {
            s.write_all(b"Shello").unwrap();
            return "TLS".to_owned();
        }
        say(&mut s, b'R', LET_IN);
        say(&mut s, b'Z', READY);
        hear(&mut s, true);
        say(&mut s, b'D', b"\0\0");
        say(&mut s, b'Z', READY);
        "plain".to_owned()
    });
    assert_eq!(local(clumsy.port, &lines("pgsql", "")), Outcome::up("-"));
    let heard: Vec<String> = clumsy.heard.iter().take(2).collect();
    assert_eq!(heard, ["TLS", "plain"]);
    let choosy = server(|mut s| {
        if hear(&mut s, false).len() == 4 {
            s.write_all(b"S").unwrap();
            let mut s = super::tls::dressed(s, super::tls::SELF_SIGNED);
            hear(&mut s, false);
            say(&mut s, b'E', b"SFATAL\0C28000\0Mno pg_hba.conf entry\0\0");
            return "TLS".to_owned();
        }
        say(&mut s, b'E', b"SFATAL\0C28000\0Mno entry either\0\0");
        "plain".to_owned()
    });
    assert_eq!(local(choosy.port, &lines("pgsql", "")), Outcome::down("FATAL: no entry either"));
}

#[test]
fn databases_in_trouble_are_down() {
    for service in ["mysql", "pgsql"] {
        let told = |port: u16| {
            let outcome = local(port, &lines(service, ""));
            assert!(!outcome.up, "{service}: {outcome:?}");
            outcome.text
        };
        assert!(told(deserted()).contains("Connection refused"));
        assert_eq!(told(server(|mut s| until(&mut s, "never")).port), "500 Timeout Alarm");
        let hasty = told(server(|_| String::new()).port);
        assert!(hasty == "closed before it was decided" || hasty.contains("reset"), "{hasty}");
        let garbage = server(|mut s| s.write_all(b"220 hello\r\n").map(|()| until(&mut s, "never")).unwrap());
        assert!(!told(garbage.port).is_empty());
    }
    let busy = server(|stream| {
        Mysql { stream, number: 0 }.say(b"\xff\x10\x04Too many connections");
        String::new()
    });
    assert_eq!(local(busy.port, &lines("mysql", "")), Outcome::down("error 1040: Too many connections"));
    let starting = server(|mut s| {
        hear(&mut s, false);
        s.write_all(b"N").unwrap();
        hear(&mut s, false);
        say(&mut s, b'E', b"SFATAL\0C57P03\0Mthe database system is starting up\0\0");
        String::new()
    });
    let told = "FATAL: the database system is starting up";
    assert_eq!(local(starting.port, &lines("pgsql", "")), Outcome::down(told));
}

#[test]
fn without_a_name_or_a_question_no_database_is_asked() {
    for service in ["mysql", "pgsql", "oracle"] {
        let told = "Error: Must specify a login and request string for MySQL, Oracle and PostgreSQL checks. Not adding 127.0.0.1.";
        assert_eq!(local(1, &format!("\tservice={service}\n\tlogin=\"u\"\n")), Outcome::down(told));
        assert_eq!(local(1, &format!("\tservice={service}\n\trequest=\"select 1\"\n")), Outcome::down(told));
    }
}
