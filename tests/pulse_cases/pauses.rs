//! What waits in the sockets: after a pause of the whole daemon, and in a flood.

use super::records::{RECORD, start_recorded, steps};
use super::*;
use heartbeat::engine::Input;
use heartbeat::record::Step;
use nix::sys::signal::{Signal, kill};

/// More than one burst, and not more than a socket holds with what comes after it.
const NOISE: &str = "exec 3>/dev/udp/10.80.0.1/694; for i in {1..150}; do printf noise >&3; done";
const FLOOD: &str = "exec 3>/dev/udp/10.80.0.1/694; while :; do printf noise >&3; done";

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

#[test]
fn a_flood_does_not_hold_up_the_heart() {
    let Some(world) = World::running("flood", "", HARESOURCES) else { return };
    world.unharmed("a flood", || {
        let flood = || {
            let mut command = world.lab.client().command("bash");
            command.args(["-c", FLOOD]);
            lab::node::spawn(command).unwrap()
        };
        let floods = [flood(), flood()];
        world.for_long();
        drop(floods);
    });
}
