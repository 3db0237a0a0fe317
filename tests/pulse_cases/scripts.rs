//! Scripts, programs and clients that take all they can get.

use super::*;
use std::io::Write;
use std::os::unix::net::UnixStream;

/// Starts a crowd that eats the CPU, and stays itself when `hang` is started.
const GREEDY: &str = r#"#!/bin/sh
case ${0##*/}:$1 in
*:status) if [ -e "/run/${0##*/}" ]; then echo running; else echo stopped; fi ;;
greedy:start)
    { chrt -p $$; nice; ulimit -l; grep -E 'SigBlk|VmLck' /proc/$$/status; } | sed 's/^pid [0-9]*//' > /run/dress
    for i in 1 2 3 4 5 6; do nice -n -20 sh -c 'while :; do :; done' & echo $! >> /run/crowd; done
    touch /run/greedy ;;
hang:start) touch /run/hangs; exec sleep 100000 ;;
greedy:stop) kill $(cat /run/crowd); rm -f /run/greedy ;;
esac
"#;

/// More that want the CPU than there are, among them one of `respawn`; and a start that never ends.
#[test]
fn those_who_eat_the_cpu_do_not_eat_heartbeats() {
    let more = "respawn root /bin/sh -c while_:;do_:;done\n"
        .replace("/bin/sh -c while_:;do_:;done", "/etc/ha.d/eater");
    let groups = format!("{HARESOURCES}b1 greedy hang\n");
    let Some(world) = World::new("cpu", &more, &groups) else { return };
    let one = world.one();
    one.write("/etc/ha.d/eater", "#!/bin/sh\nwhile :; do :; done\n", 0o755).unwrap();
    for node in world.lab.nodes() {
        for name in ["greedy", "hang"] {
            node.write(&format!("/etc/ha.d/resource.d/{name}"), GREEDY, 0o755).unwrap();
        }
        node.start().unwrap();
    }
    world.until("all of them run", || one.stage().path("/run/hangs").exists() && one.vips().contains(VIP));
    world.unharmed("a crowd", || world.for_long());
    let expected = "'s current scheduling policy: SCHED_OTHER\n's current scheduling priority: 0\n0\n";
    let dress = one.read("/run/dress");
    assert!(dress.starts_with(expected), "a script is an ordinary process: {dress}");
    assert!(dress.contains("VmLck:\t       0 kB\nSigBlk:\t0000000000000000\n"), "{dress}");
    shell(one, "kill $(cat /run/crowd)");
}

/// A FIFO writer that never stops, and clients that never read.
#[test]
fn those_who_talk_without_end_are_not_all_that_is_heard() {
    let Some(world) = World::running("talkers", "", HARESOURCES) else { return };
    let one = world.one();
    let register = one.stage().path("/run/heartbeat/register");
    world.unharmed("talkers", || {
        let mut writer = one.stage().command("sh");
        writer.args(["-c", "yes '>>>\nt=nonsense\nsrc=b1\n<<<' > /var/lib/heartbeat/fifo"]);
        let writer = lab::node::spawn(writer).unwrap();
        let mut clients: Vec<UnixStream> = (0..50).map(|_| UnixStream::connect(&register).unwrap()).collect();
        for client in &mut clients {
            client.set_nonblocking(true).unwrap();
            while client.write(&[7; 4096]).is_ok_and(|count| count == 4096) {}
        }
        world.for_long();
        drop(writer);
    });
    world.unharmed("afterwards", || {
        world.until("clients are served", || shell(one, "cl_status listnodes").contains("b2"))
    });
}
