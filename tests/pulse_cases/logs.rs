//! Logs that take nothing.

use super::*;
use std::os::unix::net::UnixDatagram;

/// A message of a script that is none: three lines in the log.
pub(super) const NONSENSE: &str = "printf '>>>\\nnonsense\\n<<<\\n' > /var/lib/heartbeat/fifo";
/// More lines than may wait for the log thread.
const FLOOD: &str = "i=0; while [ $i -lt 6000 ]; do echo '>>>
nonsense
<<<'; i=$((i+1)); done > /var/lib/heartbeat/fifo";

/// The number in the only `N log lines lost` after a mark.
fn lost(log: &str) -> Option<u64> {
    let line = log.lines().find(|line| line.contains("log lines lost"))?;
    line.split("WARN: ").nth(1)?.split(' ').next()?.parse().ok()
}

/// As if the disk of the log stood still: nothing waits for it but the log itself. Nor does the daemon restart
/// meanwhile: its next life would wait for the log before its first heartbeat.
#[test]
fn a_log_that_stands_still_costs_lines_and_nothing_else() {
    let Some(world) = World::running("log-stands", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    let mark = world.unharmed("a log that stands still", || {
        let held = Held::thread(one, "log");
        let mark = one.log().len();
        shell(one, &format!("touch -d tomorrow /etc/ha.d/ha.cf; {HANG_UP}; {FLOOD}"));
        // Longer than the log is waited for.
        world.for_long();
        world.for_long();
        assert_eq!(logfile::after(&one.log(), mark), "", "the log did not stand still");
        drop(held);
        world.until("lost lines are counted", || {
            shell(one, NONSENSE);
            lost(logfile::after(&one.log(), mark)).is_some()
        });
        mark
    });
    let count = lost(logfile::after(&one.log(), mark)).unwrap();
    assert!(count > 1000 && count < 30_000, "{count} lines lost");
    let mark = two.log().len();
    shell(one, HANG_UP);
    two.wait_for_log("Heartbeat restart on node b1", mark, SOON).unwrap();
}

/// Syslog's reader stands still, the client of ha_logd does not come back, the debug file takes nothing.
#[test]
fn targets_that_take_nothing_hold_up_nobody() {
    let more = "logfacility local0\ndebugfile /run/debug-pipe\nuse_logd yes\n";
    let Some(world) = World::new("log-targets", more, HARESOURCES) else { return };
    let one = world.one();
    shell(one, "mkfifo /run/debug-pipe");
    one.write("/usr/sbin/ha_logger", "#!/bin/sh\necho x >> /run/ha_logger-calls\nexec sleep 1000\n", 0o755)
        .unwrap();
    shell(one, PRIVATE_DEV);
    let syslog = UnixDatagram::bind(one.stage().path("/dev/log")).unwrap();
    world.lab.nodes().iter().for_each(|node| node.start().unwrap());
    world.settle();
    world.unharmed("targets that take nothing", || {
        shell(one, FLOOD);
        world.for_long();
    });
    let calls = one.read("/run/ha_logger-calls").lines().count();
    assert!(calls > 0 && calls < 60, "ha_logger was called {calls} times");
    syslog.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut buffer = [0; 4096];
    let mark = one.log().len();
    let mut told = None;
    world.until("syslog tells what it missed", || {
        shell(one, NONSENSE);
        while let Ok(length) = syslog.recv(&mut buffer) {
            let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
            told = lost(&line).or(told);
        }
        told.is_some()
    });
    assert!(one.log().len() > mark, "the file got its lines all the time");
}

/// A /dev of the node's own, with room for a socket.
const PRIVATE_DEV: &str = "\
mkdir -p /run/dev && mount -t tmpfs -o mode=755 tmpfs /run/dev
for f in null zero full random urandom tty; do
    if [ -e /dev/$f ]; then touch /run/dev/$f; mount --bind /dev/$f /run/dev/$f; fi
done
mount --rbind /run/dev /dev";

/// A supervisor that reads no more of what it is told: the next life of the daemon must not wait for it.
#[test]
fn a_supervisor_that_does_not_read_delays_no_restart() {
    let Some(world) = World::new("full-pipe", "", HARESOURCES) else { return };
    let (one, two) = (world.one(), world.two());
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = one.stage().command(HEARTBEAT);
    command.arg("-f").stdout(writer.try_clone().unwrap()).stderr(writer.try_clone().unwrap());
    let mut program = command.spawn().unwrap();
    two.start().unwrap();
    world.settle();
    fill(&mut writer);
    let (mark, other) = (one.log().len(), two.log().len());
    shell(one, &format!("touch -d tomorrow /etc/ha.d/ha.cf; {HANG_UP}"));
    two.wait_for_log("Heartbeat restart on node b1", other, SOON).unwrap();
    world.until("the next life is there", || {
        logfile::after(&one.log(), mark).contains("Local status now set to: 'active'")
    });
    assert!(!logfile::after(&two.log(), other).contains("b1: is dead"), "{}", world.logs());
    assert!(one.vips().contains(VIP) && two.vips().is_empty(), "{}", world.logs());
    world.unharmed("a full pipe", || world.for_long());
    one.stop().unwrap();
    program.wait().unwrap();
    drop(reader);
}

/// Until there is room for not one byte more.
fn fill(pipe: &mut std::io::PipeWriter) {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use std::io::Write;
    let flags = OFlag::from_bits_truncate(fcntl(&*pipe, FcntlArg::F_GETFL).unwrap());
    fcntl(&*pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).unwrap();
    while pipe.write(&[b'x'; 4096]).is_ok() {}
    while pipe.write(b"x").is_ok() {}
    fcntl(&*pipe, FcntlArg::F_SETFL(flags)).unwrap();
}
