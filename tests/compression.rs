//! What large messages become on the wire: ours beside 3.0.6, in every setting that matters. Clients of both
//! nodes send each other the same messages; who listens on the network, and each client, must see no difference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

#[path = "api_cases/raw.rs"]
#[allow(dead_code, reason = "the API's tests use all of it")]
mod raw;

mod lab;

use heartbeat::wire::{Message, Value, encode_local_netstring};
use lab::{Flavour, Lab, missing, wait_until};
use raw::{Raw, framed, here};
use std::collections::BTreeSet;
use std::io::Read;
use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

/// Nothing in here takes longer, whatever else this machine does.
const SOON: Duration = Duration::from_secs(60);
const PLAY: &str = "COMPRESSION_PLAY";
const MARK: &str = "play: ";

fn of(name: &str) -> Message {
    Message::of("big").with("case", name)
}

fn text(length: usize) -> String {
    "All work and no play makes Jack a dull boy. ".repeat(length / 44 + 1)[..length].to_owned()
}

fn noise(length: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    (0..length).map(|_| char::from(random.u8(b'!'..b'~'))).collect()
}

fn marked(length: usize) -> Value {
    Value::Uncompressed(Message::of("inner").with("body", &text(length)))
}

/// Small and large, of every type of field. `huge`: also what only fits when it is compressed.
fn cases(huge: bool) -> Vec<Message> {
    let mut all = vec![
        of("small").with("body", "x"),
        of("text").with("body", &text(3000)),
        of("noise").with("body", &noise(3000)),
    ];
    let mut push = |name: &str, fields: Vec<Value>| {
        let mut message = of(name);
        fields.into_iter().enumerate().for_each(|(at, value)| message.push(&format!("sub{at}"), value));
        all.push(message.with("after", "x"));
    };
    push("struct", vec![Value::Struct(Message::of("inner").with("body", &text(3000)))]);
    push("marked-small", vec![marked(20)]);
    push("marked", vec![marked(5000)]);
    push("marked-huge", vec![marked(100_000)]);
    push("marked-twice", vec![marked(5000), marked(6000)]);
    let mut inner = Message::of("inner");
    inner.push("deep", marked(3000));
    push("marked-deep", vec![Value::Struct(inner)]);
    if huge {
        all.push(of("huge").with("body", &text(200_000)));
    }
    all
}

/// Not a test: what runs as a process of a node or of the client.
#[test]
#[ignore = "only as a process of a laboratory"]
fn player() {
    let play = std::env::var(PLAY).unwrap();
    let huge = play.ends_with("huge");
    let told = match play.split(' ').next().unwrap() {
        "exchange" => exchange(huge),
        _ => overhear(huge),
    };
    told.iter().for_each(|line| println!("{MARK}{line}"));
}

/// Sends every case to the client of the other node, and tells what came from there.
fn exchange(huge: bool) -> BTreeSet<String> {
    let mut raw = Raw::signed_on("tester");
    let (own, cases) = (here(), cases(huge));
    let (mut greeted, mut heard) = (false, BTreeSet::new());
    raw.send(&Message::of("ready"));
    while heard.len() < cases.len() {
        // What does not come is missed by who compares.
        let Ok(Some(came)) = raw.try_next() else { break };
        match came.kind() {
            Some("ready") if came.text("src") != Some(&own) && !greeted => {
                greeted = true;
                // it may not have been there for the first one
                raw.send(&Message::of("ready"));
                for case in &cases {
                    let body = encode_local_netstring(case).unwrap();
                    raw.bytes(&framed(&[body.as_slice(), b"\0"].concat()));
                    // a real daemon loses some of what comes all at once
                    std::thread::sleep(Duration::from_millis(150));
                }
            }
            Some("big") if came.text("src") != Some(&own) => {
                heard.insert(shown(&came));
            }
            _ => {}
        }
    }
    heard
}

/// Names, types and, where the sender chose it, length of each field.
fn shown(message: &Message) -> String {
    let field = |name: &str, value: &Value| match value {
        Value::Text(text) if ["case", "_compression_algorithm"].contains(&name) => {
            format!("{name}={}", String::from_utf8_lossy(text))
        }
        Value::Text(text) if name == "body" => format!("{name}:text {}", text.len()),
        Value::Text(_) => format!("{name}:text"),
        Value::Binary(_) => format!("{name}:binary"),
        Value::Struct(_) => format!("{name}:struct"),
        Value::List(_) => format!("{name}:list"),
        Value::Compressed(bytes) => format!("{name}:compressed {}", form(&inflated(bytes))),
        Value::Uncompressed(_) => format!("{name}:marked"),
    };
    let fields = message.fields().iter().map(|f| field(&String::from_utf8_lossy(&f.name), &f.value));
    fields.collect::<Vec<_>>().join(" ")
}

/// What goes over the network, as a bystander reads it; each case of either node once.
fn overhear(huge: bool) -> BTreeSet<String> {
    let socket = UdpSocket::bind("0.0.0.0:694").unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let mut seen = BTreeSet::new();
    let mut scratch = vec![0; 1 << 16];
    let started = Instant::now();
    while seen.len() < 2 * cases(huge).len() && started.elapsed() < SOON {
        let Ok((length, from)) = socket.recv_from(&mut scratch) else { break };
        let fields = fields(&scratch[..length]);
        let wrapped = fields.iter().find(|(_, name, _)| name == "_compressed_payload");
        let inside = wrapped.map(|(_, _, payload)| inflated(payload));
        let Some(case) = case_in(inside.as_deref().unwrap_or(&scratch[..length])) else { continue };
        let told = fields.iter().map(|(kind, name, value)| match (kind, inside.as_deref()) {
            (b'1', Some(inside)) => format!("{name}:{}", form(inside)),
            (b'4', _) => format!("{name}:compressed {}", form(&inflated(value))),
            _ if name == "_compression_algorithm" => format!("{name}={}", String::from_utf8_lossy(value)),
            (kind, _) => format!("{name}:{}", char::from(*kind)),
        });
        let told: Vec<_> = told.collect();
        seen.insert(format!("{} {case} {}", from.ip(), told.join(" ")));
    }
    seen
}

/// The fields of a netstring message: type, name, value.
fn fields(mut bytes: &[u8]) -> Vec<(u8, String, Vec<u8>)> {
    let mut all = Vec::new();
    bytes = bytes.strip_prefix(b"###\n").unwrap_or_default();
    while bytes.first().is_some_and(u8::is_ascii_digit) {
        let colon = bytes.iter().position(|b| *b == b':').unwrap();
        let length: usize = std::str::from_utf8(&bytes[..colon]).unwrap().parse().unwrap();
        let field = &bytes[colon + 1..=colon + length];
        let equals = field.iter().position(|b| *b == b'=').unwrap();
        let name = String::from_utf8_lossy(&field[3..equals]).into_owned();
        all.push((field[1], name, field[equals + 1..].to_vec()));
        bytes = &bytes[colon + length + 2..];
    }
    all
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match bytes.starts_with(b"BZh") {
        true => bzip2::read::BzDecoder::new(bytes).read_to_end(&mut out).unwrap(),
        false => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut out).unwrap(),
    };
    out
}

/// The encoding of a message, whether a NUL is behind it, and whether it is signed inside.
fn form(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let nul = if text.ends_with('\0') { "+NUL" } else { "" };
    format!("{}{nul}{}", &text[..3], if text.contains("auth=") { "+auth" } else { "" })
}

/// The value of the first `case`, in either encoding.
fn case_in(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let value = text.split_once("case=")?.1;
    Some(value.split([',', '\n']).next()?.to_owned())
}

fn play(mut command: Command, what: &str) -> Vec<String> {
    let exe = std::env::current_exe().unwrap();
    command.arg(format!("{PLAY}={what}")).arg(exe);
    command.args(["--exact", "player", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{what}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.split_once(MARK)).map(|(_, told)| told.to_owned()).collect()
}

/// A real daemon on a busy machine now and then loses messages of its own clients, before they reach the network.
const TRIES: usize = 3;

/// Both nodes with these directives; what clients and bystander tell of either is the same.
fn alike(name: &str, flavours: [Flavour; 2], directives: &str, huge: bool) {
    for tried in 1..=TRIES {
        if !alike_once(name, flavours, directives, huge, tried == TRIES) {
            return;
        }
        println!("{name}: the real daemon lost messages of its own clients; once more");
    }
}

/// Whether it shows nothing: the reference did not send what it was given, and ours did.
fn alike_once(name: &str, flavours: [Flavour; 2], directives: &str, huge: bool, last: bool) -> bool {
    if missing(&flavours) {
        return false;
    }
    let lab = Lab::new(name, flavours).unwrap();
    let ha_cf = format!(
        "logfile /var/log/ha-log\nlogfacility none\nkeepalive 200ms\nwarntime 2\ndeadtime 5\ninitdead 6\n\
         bcast eth0\nauto_failback on\n{directives}apiauth tester uid=root\nnode b1 b2\n"
    );
    for node in lab.nodes() {
        node.configure(&ha_cf, "auth 1\n1 sha1 TopSecret\n", "").unwrap();
        node.start().unwrap();
    }
    for (node, other) in lab.nodes().iter().zip(["b2", "b1"]) {
        node.wait_for_log(&format!("Status update for node {other}: status active"), 0, SOON).unwrap();
    }
    let lab = &lab;
    let (told, overheard) = std::thread::scope(|scope| {
        let what = if huge { "huge" } else { "modest" };
        let bystander = scope.spawn(move || play(lab.client().command("env"), &format!("overhear {what}")));
        let listening = || match std::fs::read_to_string(lab.client().path("/proc/1/net/udp")) {
            Ok(sockets) if sockets.contains(":02B6") => Ok(()),
            other => Err(format!("{other:?}")),
        };
        wait_until("somebody listens", SOON, listening).unwrap();
        let clients = lab
            .nodes()
            .iter()
            .map(|node| scope.spawn(move || play(node.stage().command("env"), &format!("exchange {what}"))));
        let clients: Vec<_> = clients.collect();
        let told: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        (told, bystander.join().unwrap())
    });
    let of = |node: &str| -> Vec<String> {
        overheard.iter().filter_map(|line| line.strip_prefix(node)).map(str::to_owned).collect()
    };
    let (ours, theirs) = (of("10.80.0.1 ").len(), of("10.80.0.2 ").len());
    if flavours[1] == Flavour::Reference && theirs < ours && ours == cases(huge).len() && !last {
        return true;
    }
    same(&format!("{name}: what clients heard"), &told[0], &told[1]);
    same(&format!("{name}: what went over the network"), &of("10.80.0.2 "), &of("10.80.0.1 "));
    assert_eq!(ours, cases(huge).len(), "{name}");
    false
}

/// What came from the first node and what came from the second.
fn same(what: &str, second: &[String], first: &[String]) {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    let (here, there) = (only(first, second), only(second, first));
    assert!(here.is_empty() && there.is_empty(), "{what}:\nfrom b1 {here:#?}\nfrom b2 {there:#?}");
}

const MIXED: [Flavour; 2] = [Flavour::Ours, Flavour::Reference];

#[test]
fn whole_messages_by_zlib() {
    alike("whole-zlib", MIXED, "traditional_compression yes\n", true);
}

#[test]
fn whole_messages_by_bzip2_in_netstrings() {
    let directives =
        "traditional_compression on\ncompression bz2\ncompression_threshold 1\nmsgfmt netstring\n";
    alike("whole-bz2", MIXED, directives, true);
}

#[test]
fn marked_fields_by_zlib() {
    alike("fields-zlib", MIXED, "", false);
}

#[test]
fn marked_fields_by_bzip2_between_two_of_ours() {
    alike("fields-bz2", [Flavour::Ours; 2], "compression bz2\n", false);
}
