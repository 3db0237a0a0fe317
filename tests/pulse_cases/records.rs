//! A live run, recorded and played back.

use super::*;
use heartbeat::engine::Action;
use heartbeat::level::Level;
use heartbeat::record::{Event, Replay, Step};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

pub(super) const RECORD: &str = "/var/log/record";
const KEY: &str = "TheSecretThatNobodyShallRead";

/// Starts the daemon by a command, with a record.
pub(super) fn start_recorded(node: &Node, command: &[&str]) {
    let record = format!("HA_RECORD={RECORD}");
    let words: Vec<&str> = ["env", &record].iter().chain(command).chain(&[HEARTBEAT]).copied().collect();
    node.must(&words).unwrap();
}

fn events(record: &str) -> Vec<Event> {
    let mut replay = Replay::new();
    // The last line may be half written.
    let whole = record.rfind('\n').map_or("", |end| &record[..end]);
    whole.lines().map(|line| replay.line(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub(super) fn steps(record: &str) -> Vec<Step> {
    let step = |event| match event {
        Event::Step(step) => Some(step),
        _ => None,
    };
    events(record).into_iter().filter_map(step).collect()
}

/// What the engine has to say, played back, as in the log.
fn replayed(record: &str) -> Vec<String> {
    let notes = steps(record).into_iter().flat_map(|step| step.actions).filter_map(|action| match action {
        Action::Note(note) => Some(note.lines()),
        _ => None,
    });
    let logged = notes.flatten().filter(|(level, _)| *level != Level::Debug);
    logged.map(|(level, text)| format!("{}: {text}", level.word())).collect()
}

/// What the log has of it: every line of the daemon that is one of those.
fn logged(log: &str, replayed: &[String]) -> Vec<String> {
    let known: BTreeSet<&String> = replayed.iter().collect();
    let message = |line: &str| {
        let (head, message) = line.split_once("]: ")?;
        head.contains(" heartbeat: [").then(|| message.to_owned())
    };
    log.lines().filter_map(message).filter(|message| known.contains(message)).collect()
}

/// Take-over, standby, reload, stop: twice, and the second node lives in a time of its own.
#[test]
fn what_is_played_back_is_what_happened() {
    let Some(world) = World::new("record", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    for node in world.lab.nodes() {
        node.configure(HA_CF, &format!("auth 1\n1 sha1 {KEY}\n"), HARESOURCES).unwrap();
    }
    start_recorded(one, &[]);
    start_recorded(two, &["unshare", "-T", "--boottime", "8640000", "--monotonic", "7"]);
    world.settle();
    let held_by = |node: &Node, other: &Node| {
        world.until("the address moved", || node.vips().contains(VIP) && other.vips().is_empty());
    };
    one.hb_standby("all").unwrap();
    held_by(two, one);
    two.wait_for_log("Standby resource acquisition done [all].", 0, SOON).unwrap();
    let (own, mark) = (one.log().len(), two.log().len());
    shell(one, &format!("touch -d tomorrow /etc/ha.d/ha.cf; {HANG_UP}"));
    two.wait_for_log("Status update for node b1: status active", mark, SOON).unwrap();
    // What that leads to has an end, and all that b2 has to say of it is in its log.
    one.wait_for_log("remote resource transition completed.", own, SOON).unwrap();
    world.until("b2 is at rest", || {
        let told = replayed(&two.read(RECORD));
        logged(&two.log(), &told).len() == told.len()
    });
    world.lab.crash(2).unwrap();
    held_by(one, two);
    one.wait_for_log("mach_down takeover complete.", 0, SOON).unwrap();
    one.stop().unwrap();

    for node in world.lab.nodes() {
        let name = node.name();
        let record = node.read(RECORD);
        let told = replayed(&record);
        let mut log = logged(&node.log(), &told);
        if node.index() == 2 {
            // What was still on its way to the log when the power went.
            let known = log.len().min(told.len());
            assert!(told.len() - known <= 3, "{name}");
            log.extend_from_slice(&told[known..]);
        }
        for (at, (played, logged)) in told.iter().zip(&log).enumerate() {
            assert_eq!(played, logged, "{name}: line {at}");
        }
        assert_eq!(told.len(), log.len(), "{name}: {:?}", told.last());
        assert!(told.len() > 15, "{name}: {told:#?}");
        let mode = fs::metadata(node.stage().path(RECORD)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        assert!(!record.contains(KEY) && !record.contains("\"auth\""), "{name}");
        let story = node.must(&[HEARTBEAT, "--replay", RECORD]).unwrap();
        for part in [&format!("{name} begins"), "heard b", "    log info: Local status now set to: 'active'"]
        {
            assert!(story.contains(part), "{name}: {part}\n{story}");
        }
    }
    let lives = events(&one.read(RECORD)).iter().filter(|e| matches!(e, Event::Begin(_))).count();
    assert_eq!(lives, 2, "the life after the reload goes on in the same record");
    for line in
        ["mach_down takeover complete.", "b1 wants to go standby [all]", "Heartbeat shutdown in progress."]
    {
        assert!(replayed(&one.read(RECORD)).iter().any(|told| told.contains(line)), "{line}");
    }
}
