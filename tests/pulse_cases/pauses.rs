//! What waits in the sockets: after a pause of the whole daemon, and in a flood.

use super::records::{RECORD, start_recorded, steps};
use super::*;
use heartbeat::engine::Input;
use heartbeat::record::Step;
use heartbeat::wire::{self, Format, Key, Keys, Message, Method, Value};
use nix::sys::signal::{Signal, kill};

/// More than one burst, and not more than a socket holds with what comes after it.
const NOISE: &str = "exec 3>/dev/udp/10.80.0.1/694; for i in {1..150}; do printf noise >&3; done";
/// Sends without end, from the client's place and before all others, what takes long to be refused: it is signed.
fn flood(init: u32, over: &AtomicBool) {
    let place = fs::File::open(format!("/proc/{init}/ns/net")).unwrap();
    nix::sched::setns(place, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    heartbeat::sys::realtime::prefer();
    let keys = Keys::new(1, [(1, Key::new(Method::Sha1, "x"))]).unwrap();
    let mut message = Message::of("status").with("src", "stranger").with("ts", "1").with("seq", "1");
    (0..250).for_each(|_| message.push("a", Value::Text(b"b".to_vec())));
    wire::seal(&mut message, Format::Classic, &keys);
    let datagram = wire::encode(&message, &keys).unwrap();
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    while !over.load(Ordering::Relaxed) {
        let _ = socket.send_to(&datagram, "10.80.0.1:694");
    }
}

fn is_status(step: &Step) -> bool {
    matches!(&step.input, Input::Received { message, .. }
        if message.kind() == Some("status") && message.text("src") == Some("b2"))
}

/// The first step after which so much time passed.
fn pause(steps: &[Step], long: Duration) -> Option<usize> {
    steps.windows(2).position(|pair| pair[1].now.mono.saturating_sub(pair[0].now.mono) > long)
}

/// All that the peer said meanwhile is heard before a timer may say that it was silent, also behind noise.
#[test]
fn after_a_pause_all_that_waits_is_heard_first() {
    let Some(world) = World::new("pause", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    start_recorded(one, &[]);
    two.start().unwrap();
    world.settle();
    let (pid, mark) = (Pid::from_raw(daemon(one) as i32), one.log().len());
    kill(pid, Signal::SIGSTOP).unwrap();
    world.lab.client().command("bash").args(["-c", NOISE]).status().unwrap();
    world.for_long();
    kill(pid, Signal::SIGCONT).unwrap();
    let long = DEADTIME * 3 / 2;
    let (mut all, mut gap) = (Vec::new(), 0);
    world.until("a timer after the pause", || {
        all = steps(&one.read(RECORD));
        gap = pause(&all, long).unwrap_or(all.len());
        all.iter().skip(gap + 1).any(|step| step.input == Input::Tick)
    });
    let after: Vec<&Step> = all[gap + 1..].iter().take_while(|step| step.input != Input::Tick).collect();
    let heard = after.iter().filter(|step| is_status(step)).count();
    // Half of what was sent in that time, for a busy machine.
    assert!(heard >= 10, "{heard} heartbeats heard before the timer\n{}", world.logs());
    let before = after.iter().take_while(|step| matches!(step.input, Input::Received { .. })).count();
    assert!(before >= heard, "something else was done first: {:?}", after[before].input);
    assert!(!logfile::after(&one.log(), mark).contains("node b2: is dead"), "{}", world.logs());
}

/// More than can be refused, all the time. What the other node says is lost in it; that is not the question here,
/// so there is much time to hear something of it.
#[test]
fn a_flood_does_not_hold_up_the_heart() {
    if let Some(reason) = lab::watch::Watch::unavailable() {
        return lab::cannot(reason);
    }
    let Some(world) = World::new("flood", "", HARESOURCES) else { return };
    let patient = HA_CF.replace("deadtime 2", "deadtime 60").replace("initdead 4", "initdead 120");
    for node in world.lab.nodes() {
        node.configure(&patient, "auth 1\n1 sha1 x\n", HARESOURCES).unwrap();
        node.start().unwrap();
    }
    world.settle();
    let (over, init) = (AtomicBool::new(false), world.lab.client().init());
    world.unharmed("a flood", || {
        thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(|| flood(init, &over))));
            world.for_long();
            over.store(true, Ordering::Relaxed);
        });
    });
}
