//! The wall clock jumps, ours and that of a real 3.0.6: nobody dies of it, and nothing is refused.

use super::*;
use std::process::Command;

/// What a program of the node takes for the time is so many seconds off.
const OFFSET: &str = "/run/clock-offset";
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long off(void) {
    char text[32] = "";
    int fd = open("/run/clock-offset", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
    close(fd);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    int failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && clock == CLOCK_REALTIME) at->tv_sec += off();
    return failed;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"#;

/// The library that tells programs another time.
fn library() -> String {
    let place = env!("CARGO_TARGET_TMPDIR");
    let (source, library) = (format!("{place}/clock.c"), format!("{place}/clock.so"));
    fs::write(&source, SOURCE).unwrap();
    let built =
        Command::new("gcc").args(["-shared", "-fPIC", "-O1", "-o", &library, &source]).status().unwrap();
    assert!(built.success());
    library
}

const DAY: i64 = 24 * 3600;

/// The day by a clock that is so many seconds off, as a log begins its lines. There is none before 1970.
fn date(node: &Node, offset: i64) -> String {
    shell(node, &format!("at=$(($(date +%s) + {offset})); date -d @$((at > 0 ? at : 0)) '+%b %d'"))
        .trim()
        .to_owned()
}

#[test]
fn a_clock_that_jumps_kills_nobody() {
    if missing(&[Flavour::Reference]) {
        return;
    }
    let flavours = [Flavour::Ours, Flavour::Reference];
    let Some(world) = World::of("clock-jump", flavours, "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    let preload = format!("LD_PRELOAD={}", library());
    for node in world.lab.nodes() {
        node.write(OFFSET, "0", 0o644).unwrap();
        node.must(&["env", &preload, HEARTBEAT]).unwrap();
    }
    world.settle();
    let marks = [one.log().len(), two.log().len()];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    // Weeks on, back, years back (and never to a day of the same name), and ours to a time before all times.
    for (node, offset) in [
        (one, 40 * DAY),
        (two, 5 * DAY),
        (one, -75 * DAY),
        (two, -30 * DAY),
        (one, -3500 * DAY),
        (one, -now - DAY),
        (one, 0),
    ] {
        world.unharmed(&format!("{}'s clock {offset} s off", node.name()), || {
            node.write(OFFSET, &offset.to_string(), 0o644).unwrap();
            thread::sleep(DEADTIME * 3 / 2);
            if node.index() == 1 {
                let (mark, before) = (node.log().len(), date(node, offset));
                shell(node, logs::NONSENSE);
                world.until("it is logged", || logfile::after(&node.log(), mark).contains("nonsense"));
                let (log, dates) = (node.log(), [before, date(node, offset)]);
                let line = logfile::after(&log, mark).lines().find(|line| line.contains("nonsense"));
                let known = line.is_some_and(|line| dates.iter().any(|date| line.starts_with(date)));
                assert!(known, "the clock of b1 did not jump: {line:?}, not {dates:?}");
            }
        });
    }
    for (node, mark) in world.lab.nodes().iter().zip(marks) {
        let log = node.log();
        for trouble in ["is dead", "replay", "partition"] {
            let told = logfile::after(&log, mark);
            assert!(!told.contains(trouble), "{}: {trouble}\n{}", node.name(), world.logs());
        }
    }
    // And they still believe each other.
    one.hb_standby("all").unwrap();
    world.until("b2 has taken over", || two.vips().contains(VIP) && one.vips().is_empty());
}
