//! Lives and deaths in virtual time. Words and counts are those that 3.0.6 was seen to use.

use super::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A minder, its clock, and processes that are numbered from 100 on.
struct World {
    minder: Minder,
    now: Duration,
    pids: u32,
    log: Vec<String>,
    starts: Vec<(usize, Duration)>,
    signals: Vec<(u32, &'static str)>,
    reboots: usize,
    stopped: usize,
    missing: bool,
    refused: bool,
}

fn world(commands: &[&str]) -> World {
    let program = |command: &&str| Program {
        command: (*command).to_owned(),
        uid: 7,
        gid: 8,
        failfast: command.contains("failfast"),
    };
    World {
        minder: Minder::new(commands.iter().map(program)),
        now: Duration::ZERO,
        pids: 99,
        log: Vec::new(),
        starts: Vec::new(),
        signals: Vec::new(),
        reboots: 0,
        stopped: 0,
        missing: false,
        refused: false,
    }
}

impl World {
    fn feed(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let acts = self.minder.handle(self.now, event);
            let answers: Vec<Event> = acts.into_iter().filter_map(|act| self.act(act)).collect();
            events.extend(answers.into_iter().rev());
        }
    }

    fn act(&mut self, act: Act) -> Option<Event> {
        match act {
            Act::Log(level, text) => self.log.push(format!("{}: {text}", level.word())),
            Act::LogOf(pid, level, text) => self.log.push(format!("[{pid}] {}: {text}", level.word())),
            Act::Look(index) => {
                let result = if self.missing { Err("No such file or directory".to_owned()) } else { Ok(()) };
                return Some(Event::Looked(index, result));
            }
            Act::Start(index) => {
                self.starts.push((index, self.now));
                self.pids += 1;
                let result = if self.refused { Err("no process".to_owned()) } else { Ok(self.pids) };
                return Some(Event::Started(index, result));
            }
            Act::Terminate(pid) => self.signals.push((pid, "TERM")),
            Act::Kill(pid) => self.signals.push((pid, "KILL")),
            Act::Reboot => self.reboots += 1,
            Act::Stopped => self.stopped += 1,
        }
        None
    }

    fn begun(mut self) -> Self {
        self.feed(Event::Begin);
        self
    }

    fn ends(&mut self, index: usize, code: i32) {
        self.feed(Event::Ended(index, End::Code(code)));
    }

    /// To the next deadline, if there is one.
    fn on(&mut self) -> bool {
        let Some(at) = self.minder.next_deadline() else { return false };
        self.now = self.now.max(at);
        self.feed(Event::Tick);
        true
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

#[test]
fn they_start_in_file_order_and_only_once_a_life() {
    let mut world = world(&["/a", "/b x"]).begun();
    let wanted = [
        "info: Starting child client \"/a\" (7,8)",
        "info: Starting child client \"/b x\" (7,8)",
        "[100] info: Starting \"/a\" as uid 7  gid 8 (pid 100)",
        "[101] info: Starting \"/b x\" as uid 7  gid 8 (pid 101)",
    ];
    assert_eq!(world.said(), wanted);
    world.feed(Event::Begin);
    assert_eq!(world.said(), [""; 0]);
    assert_eq!(world.minder.next_deadline(), None, "nothing to wait for but deaths");
}

#[test]
fn after_a_short_life_it_pauses_for_a_second() {
    let mut world = world(&["/a"]).begun();
    world.said();
    world.ends(0, 3);
    let wanted = [
        "WARN: Managed /a process 100 exited with return code 3.",
        "ERROR: Respawning client \"/a\":",
        "info: Starting child client \"/a\" (7,8)",
    ];
    assert_eq!(world.said(), wanted);
    world.feed(Event::Tick);
    assert_eq!(world.starts.len(), 1, "a tick too early does no harm");
    assert!(world.on());
    assert_eq!(world.starts, [(0, Duration::ZERO), (0, SECOND)]);
    assert_eq!(world.said(), ["[101] info: Starting \"/a\" as uid 7  gid 8 (pid 101)"]);
}

#[test]
fn the_eleventh_short_life_in_a_row_is_the_last() {
    let mut world = world(&["/a"]).begun();
    (0..10).for_each(|_| {
        world.ends(0, 0);
        assert!(world.on());
    });
    world.said();
    world.ends(0, 0);
    let wanted = [
        "info: Managed /a process 110 exited with return code 0.",
        "ERROR: Client /a \"respawning too fast\"",
    ];
    assert_eq!(world.said(), wanted);
    assert_eq!((world.starts.len(), world.minder.next_deadline()), (11, None));
    assert_eq!(world.now, 10 * SECOND);
}

#[test]
fn a_long_life_clears_the_account_and_needs_no_pause() {
    let mut world = world(&["/a"]).begun();
    for _ in 0..3 {
        world.ends(0, 1);
        world.on();
    }
    // The second of pause counts: 29.4 s after a pause were a long life, 28.4 s were none.
    world.now += Duration::from_millis(28_400);
    world.ends(0, 1);
    world.on();
    assert_eq!(world.starts.len(), 5);
    world.now += Duration::from_millis(29_400);
    let before = world.now;
    world.ends(0, 1);
    assert_eq!(world.starts.last(), Some(&(0, before)), "at once");
    for _ in 0..10 {
        world.ends(0, 1);
        assert!(world.on());
    }
    world.ends(0, 1);
    assert!(!world.on() && world.said().last().unwrap().ends_with("\"respawning too fast\""));
}

#[test]
fn a_code_of_100_is_respected() {
    let mut world = world(&["/a"]).begun();
    world.said();
    world.ends(0, 100);
    assert_eq!(world.said(), ["WARN: Managed /a process 100 exited with return code 100."]);
    assert!(!world.on());
}

#[test]
fn signals_are_told_by_name_and_cores_too() {
    let mut world = world(&["/a", "/b", "/c"]).begun();
    world.said();
    for (index, number, core) in [(0, 9, false), (1, 11, true), (2, 34, false)] {
        world.feed(Event::Ended(index, End::Signal { number, core }));
    }
    let said = world.said();
    assert_eq!(said[0], "WARN: Managed /a process 100 killed by signal 9 [SIGKILL - Kill, unblockable].");
    assert_eq!(
        said[3],
        "WARN: Managed /b process 101 killed by signal 11 [SIGSEGV - Segmentation violation]."
    );
    assert_eq!(said[4], "ERROR: Managed /b process 101 dumped core");
    assert_eq!(said[7], "WARN: Managed /c process 102 killed by signal 34.");
}

#[test]
fn what_cannot_be_executed_is_not_started() {
    let mut world = world(&["/a x"]).begun();
    world.missing = true;
    world.said();
    world.ends(0, 7);
    let said = world.said();
    assert_eq!(
        said[2..],
        ["info: Starting child client \"/a x\" (7,8)", "ERROR: Cannot exec /a x: No such file or directory"]
    );
    assert!(!world.on());
}

#[test]
fn where_no_process_can_be_had_it_tries_a_while() {
    let mut world = world(&["/a"]);
    world.refused = true;
    let mut world = world.begun();
    while world.on() {}
    assert_eq!((world.starts.len(), world.now), (11, 10 * SECOND));
    assert_eq!(world.said().last().unwrap(), "ERROR: Client /a \"respawning too fast\"");
}

#[test]
fn a_failfast_program_takes_the_node_with_it_unless_it_ends_well() {
    for end in [End::Code(1), End::Code(100), End::Signal { number: 9, core: false }] {
        let mut world = world(&["/failfast"]).begun();
        world.feed(Event::Ended(0, end));
        assert_eq!(world.reboots, 1, "{end:?}");
        assert_eq!(world.said().last().unwrap(), "EMERG: Rebooting system.  Reason: /failfast");
        assert!(!world.on());
    }
    let mut world = world(&["/failfast"]).begun();
    world.ends(0, 0);
    assert!(world.on() && world.reboots == 0 && world.starts.len() == 2);
}

#[test]
fn who_dies_while_the_daemon_leaves_is_let_rest() {
    let mut world = world(&["/failfast", "/a", "/b"]).begun();
    world.ends(2, 1);
    world.feed(Event::Leave);
    world.said();
    world.ends(0, 4);
    world.ends(1, 4);
    let wanted = [
        "WARN: Managed /failfast process 100 exited with return code 4.",
        "WARN: Managed /a process 101 exited with return code 4.",
    ];
    assert_eq!(world.said(), wanted);
    assert!(!world.on() && world.reboots == 0 && world.starts.len() == 3, "the pause of /b is over too");
}

#[test]
fn they_stop_one_after_the_other_last_first() {
    let mut world = world(&["/a", "/b", "/c", "/d"]).begun();
    world.ends(2, 100);
    world.said();
    world.feed(Event::Stop);
    assert_eq!(world.signals, [(103, "TERM")]);
    world.feed(Event::Stop);
    world.ends(0, 1);
    assert_eq!(world.signals.len(), 1, "its turn has not come, and it makes no difference");
    world.ends(3, 0);
    assert_eq!(world.signals, [(103, "TERM"), (101, "TERM")]);
    assert_eq!(world.stopped, 0);
    world.feed(Event::Ended(1, End::Signal { number: 15, core: false }));
    assert_eq!(world.stopped, 1);
    let wanted = [
        "info: killing /d process group 103 with signal 15",
        "info: client [/c] is not running.",
        "info: killing /b process group 101 with signal 15",
        "info: client [/a] is not running.",
    ];
    assert_eq!(world.said(), wanted);
    assert!(!world.on());
}

#[test]
fn one_that_resists_is_killed_in_the_end() {
    let mut world = world(&["/a", "/b"]).begun();
    world.feed(Event::Stop);
    world.now += 299 * SECOND;
    world.feed(Event::Tick);
    assert_eq!(world.signals, [(101, "TERM")]);
    assert!(world.on());
    assert_eq!((world.now, world.signals.last()), (300 * SECOND, Some(&(101, "KILL"))));
    assert_eq!(
        world.said().last().unwrap(),
        "WARN: killing /b process group 101 with signal 9: it did not end"
    );
    world.feed(Event::Ended(1, End::Signal { number: 9, core: false }));
    assert_eq!(world.signals.last(), Some(&(100, "TERM")));
    world.ends(0, 0);
    assert_eq!(world.stopped, 1);
}

#[test]
fn a_stop_is_always_answered() {
    for begin in [false, true] {
        let mut world = world(&[]);
        if begin {
            world.feed(Event::Begin);
        }
        world.feed(Event::Stop);
        assert_eq!(world.stopped, 1, "no programs");
    }
    let mut world = world(&["/a"]);
    world.feed(Event::Stop);
    world.feed(Event::Begin);
    assert_eq!((world.stopped, world.starts.len()), (1, 0), "nothing starts after a stop");
    world.feed(Event::Stop);
    assert_eq!(world.stopped, 2);
    assert_eq!(world.said(), [""; 0]);
}

#[test]
fn answers_about_nobody_do_nothing() {
    let mut world = world(&["/a"]).begun();
    world.said();
    for event in [
        Event::Ended(9, End::Code(0)),
        Event::Started(0, Ok(5)),
        Event::Looked(0, Err("x".to_owned())),
        Event::Looked(9, Ok(())),
    ] {
        world.feed(event);
    }
    assert_eq!((world.said().len(), world.starts.len()), (0, 1));
}
