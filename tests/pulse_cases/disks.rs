//! A disk that is full, and one that stands still.

use super::*;

/// Resources must not be let go because a number cannot be stored.
#[test]
fn a_full_disk_forbids_a_new_life_and_ends_none() {
    let Some(world) = World::new("full-disk", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    shell(one, SMALL_DISK);
    world.lab.nodes().iter().for_each(|node| node.start().unwrap());
    world.settle();
    let mark = one.log().len();
    world.unharmed("a full disk", || {
        shell(one, FILL);
        shell(one, &format!("touch -d tomorrow /etc/ha.d/ha.cf; {HANG_UP}"));
        one.wait_for_log("cannot restart now: cannot write /var/lib/heartbeat/", mark, SOON).unwrap();
        let log = one.log();
        assert!(logfile::after(&log, mark).contains("No space left on device"), "{}", world.logs());
        world.for_long();
    });
    shell(one, "rm /var/lib/heartbeat/filler");
    let (own, mark) = (one.log().len(), two.log().len());
    shell(one, HANG_UP);
    two.wait_for_log("Heartbeat restart on node b1", mark, SOON).unwrap();
    one.wait_for_log("Local status now set to: 'active'", own, SOON).unwrap();
    one.stop().unwrap();
    shell(one, FILL);
    let (mark, start) = (one.log().len(), one.run(&[HEARTBEAT]).unwrap());
    assert!(!start.status.success(), "it started without a generation");
    let why = "cannot write /var/lib/heartbeat/hb_generation: No space left on device";
    assert!(logfile::after(&one.log(), mark).contains(why), "{}", world.logs());
    assert!(!one.daemon_runs() && one.vips().is_empty());
}

/// State on a disk of its own, so small that it is soon full.
const SMALL_DISK: &str = "\
mount -t tmpfs -o size=64k,mode=755 tmpfs /var/lib/heartbeat
mkdir -p /var/lib/heartbeat/cores/root";
const FILL: &str = "dd if=/dev/zero of=/var/lib/heartbeat/filler bs=4k 2>/dev/null; true";

/// Every thread around the pulse, one after the other, as if it waited for a disk.
#[test]
fn no_thread_around_the_pulse_is_waited_for() {
    let Some(world) = World::running("held-threads", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    for name in ["clerk", "fifo", "children", "job 0"] {
        let mark = one.log().len();
        world.unharmed(&format!("thread {name} held"), || {
            let held = Held::thread(one, name);
            shell(one, &format!("touch -d \"today + $(date +%N) seconds\" /etc/ha.d/authkeys; {HANG_UP}"));
            if name != "fifo" {
                shell(one, "timeout 5 cl_status listnodes");
            }
            world.for_long();
            drop(held);
            one.wait_for_log("Rereading authentication file.", mark, SOON).unwrap();
        });
    }
    // A stop is heard while the clerk is held.
    let held = Held::thread(one, "clerk");
    shell(one, "kill $(cat /run/heartbeat.pid)");
    world.until("b2 took over", || two.vips().contains(VIP));
    drop(held);
    world.until("b1 has ended", || !one.daemon_runs());
}

/// The end of a life waits a second for the disk: nobody acts on a signal any more, and the next life is to hear of it.
#[test]
fn a_stop_in_the_last_moment_before_a_restart_is_heard() {
    let Some(world) = World::running("last-moment", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    let (held, mark) = (Held::thread(one, "memory"), one.log().len());
    shell(one, &format!("touch -d tomorrow /etc/ha.d/ha.cf; {HANG_UP}"));
    one.wait_for_log("Heartbeats of node b2, over any link", mark, SOON).unwrap();
    shell(one, "kill $(cat /run/heartbeat.pid)");
    drop(held);
    world.until("b2 took over", || two.vips().contains(VIP));
    world.until("b1 has ended", || !one.daemon_runs());
}
