//! Priority and memory: the pulse waits for no other process, and for no page.

use super::*;

/// Of a thread: name, whether it is real-time, its priority, niceness, and how often it had to wait for a disk
/// because of a page.
fn threads(node: &Node) -> Vec<(String, bool, u32, i32, u64)> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon(node))).unwrap().flatten();
    let look = |task: fs::DirEntry| {
        // One that has ended meanwhile is none.
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        let name = fs::read_to_string(task.path().join("comm")).ok()?.trim_end().to_owned();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let field = |number: usize| fields[number - 3];
        let policy: u32 = field(41).parse().unwrap();
        // The kernel's numbers for round robin and first in, first out.
        let realtime = policy & 0xff == 1 || policy & 0xff == 2;
        let number = |at: usize| field(at).parse::<i64>().unwrap();
        Some((name, realtime, number(40) as u32, number(19) as i32, number(12) as u64))
    };
    tasks.filter_map(look).collect()
}

#[test]
fn only_the_pulse_is_real_time_and_its_memory_is_there() {
    let Some(world) = World::running("memory", "", HARESOURCES) else { return };
    let one = world.one();
    let all = threads(one);
    let (pulses, others): (Vec<_>, Vec<_>) = all.iter().partition(|t| t.0 == "pulse");
    assert!(matches!(pulses.as_slice(), [(_, true, 1, ..)]), "{all:?}");
    assert!(others.iter().all(|t| !t.1), "{all:?}");
    let nice = |name: &str| others.iter().find(|t| t.0 == name).map(|t| t.3);
    // What was made nice stays so.
    let own = shell(one, "nice").trim().parse().unwrap();
    let preferred = if own == 0 { -20 } else { own };
    assert_eq!((nice("log"), nice("fifo")), (Some(preferred), Some(preferred)), "{all:?}");
    assert!(others.iter().any(|t| t.3 == own), "the first thread's niceness is what children get: {all:?}");
    let status = fs::read_to_string(format!("/proc/{}/status", daemon(one))).unwrap();
    let kb = |name: &str| -> u64 {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    assert!(kb("VmLck:") >= kb("RssAnon:"), "{status}");
    // All of the program is there, also what was not needed yet.
    let maps = fs::read_to_string(format!("/proc/{}/smaps", daemon(one))).unwrap();
    let (size, rss) = of_the_program(&maps);
    assert!(size > 0 && rss == size, "{rss} of {size} kB of the program are there");
    let faults = |all: &[(String, bool, u32, i32, u64)]| all.iter().find(|t| t.0 == "pulse").unwrap().4;
    let before = faults(&threads(one));
    world.unharmed("nobody reads anything", || world.for_long());
    assert_eq!(faults(&threads(one)), before, "the pulse waited for a page");
}

/// Size and resident part of the code of the program itself.
fn of_the_program(maps: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    let mut ours = false;
    for line in maps.lines() {
        if line.contains(" r-xp ") || line.split(' ').nth(1).is_some_and(|mode| mode.len() == 4) {
            ours = line.contains(" r-xp ") && line.ends_with("/heartbeat");
        }
        let kb = |name: &str| line.strip_prefix(name)?.split_whitespace().next()?.parse::<u64>().ok();
        if ours {
            sums.0 += kb("Size:").unwrap_or(0);
            sums.1 += kb("Rss:").unwrap_or(0);
        }
    }
    sums
}
