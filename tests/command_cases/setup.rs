//! What the daemon makes of itself: files, directories, mask; the FIFO; a start that fails late.

use super::*;
use crate::lab::stage::Stage;
use std::fs::File;
use std::io::Write;
use std::net::UdpSocket;

#[test]
fn its_files_and_its_surroundings() {
    let lab = ours("files");
    apart(&lab);
    let node = lab.node(1);
    shell(node, "cd /tmp; umask 077; /usr/libexec/heartbeat/heartbeat");
    node.wait_for_log(ALONE, 0, SOON).unwrap();
    let process = pid(node);
    assert_eq!(node.read("/run/heartbeat.pid"), format!("{process:>10}\n"));
    assert_eq!(node.read("/run/heartbeat.pid").len(), 11);
    let generation = |node: &Node| {
        let text = node.read("/var/lib/heartbeat/hb_generation");
        assert_eq!((text.len(), text.trim_start().len()), (16, 11), "{text:?}");
        text.trim().parse::<u64>().unwrap()
    };
    let first = generation(node);
    in_order(
        &node.log(),
        &[
            "WARN: No Previous generation - starting at ",
            &format!("Heartbeat generation: {first}"),
            "info: No uuid found for current node - generating a new uuid.",
        ],
    );
    let kept = "cat /var/lib/heartbeat/hb_uuid | od -An -tx1; stat -c '%n %i %F %a' /var/lib/heartbeat/fifo; stat -c '%n %s %a' /var/lib/heartbeat/hb_uuid /var/lib/heartbeat/hb_generation; stat -c '%n %a' /run/heartbeat.pid";
    let before = shell(node, kept);
    in_order(
        &before,
        &["/var/lib/heartbeat/fifo ", "hb_uuid 16 644", "hb_generation 16 644", "/run/heartbeat.pid 644"],
    );
    assert!(before.contains(" fifo 600\n"), "{before}");
    let proc = format!("/proc/{process}");
    let surroundings = shell(
        node,
        &format!(
            "readlink {proc}/cwd; grep -w Umask {proc}/status; for i in 0 1 2; do readlink {proc}/fd/$i; done; cut -d' ' -f5,6 {proc}/stat"
        ),
    );
    let wanted = format!(
        "/var/lib/heartbeat/cores/root\nUmask:\t0022\n/dev/null\n/dev/null\n/dev/null\n{process} {process}\n"
    );
    assert_eq!(surroundings, wanted);
    node.stop().unwrap();
    assert_eq!(node.read("/run/heartbeat.pid"), format!("{process:>10}\n"), "it is left behind");
    start_alone(node);
    assert_eq!(generation(node), first + 1);
    assert_eq!(shell(node, kept), before);
    assert_eq!(shell(node, "ls /run/heartbeat.pid*").trim(), "/run/heartbeat.pid");
}

#[test]
fn without_rc_d_groups_are_taken_and_let_go() {
    let lab = ours("no-hooks");
    apart(&lab);
    let node = lab.node(1);
    shell(node, "rm -r /etc/ha.d/rc.d");
    start_alone(node);
    assert!(node.log().contains("ERROR: Cannot read /etc/ha.d/rc.d: No such file"), "{}", node.log());
    node.stop().unwrap();
    assert_eq!(node.run(&["sh", "-c", "ls /run/probe*"]).unwrap().stdout, b"");
}

/// Resident memory of the daemon in kB.
fn memory(node: &Node) -> u64 {
    let status = node.read(&format!("/proc/{}/status", pid(node)));
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Writes into the FIFO as a script does.
fn fifo(node: &Node, bytes: &[u8]) {
    let path = node.stage().path("/var/lib/heartbeat/fifo");
    File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn whatever_is_written_into_the_fifo() {
    let lab = ours("fifo");
    apart(&lab);
    let node = lab.node(1);
    start_alone(node);
    let (process, calls, before) = (pid(node), node.calls().len(), memory(node));
    let mark = node.log().len();
    fifo(node, b"garbage\n\n<<<\n=\n\0\xff\n");
    fifo(node, b">>>\nt=unheard-of\nfoo=bar\n<<<\n");
    fifo(node, b">>>\n>>>\nt=\n<<<\n");
    let log = |node: &Node| node.log().get(mark..).unwrap_or_default().to_owned();
    // said without harm
    fifo(node, b">>>\nfoo=bar\n<<<\n");
    node.wait_for_log("ERROR: Invalid message in send_cluster_msg: ", mark, SOON).unwrap();
    fifo(node, b">>>\nt=x\nno-equals-sign\n<<<\n");
    node.wait_for_log("WARN: ha_msg_add_nv_depth: line doesn't contain '='", mark, SOON).unwrap();
    // lines without end, within a message and outside of one
    fifo(node, b">>>\nt=x\nlong=");
    (0..48).for_each(|_| fifo(node, &vec![b'x'; 1 << 20]));
    fifo(node, b"\n<<<\n");
    fifo(node, &vec![b'\n'; 1 << 20]);
    (0..2000).for_each(|i| fifo(node, format!(">>>\nt=unheard-of\nn={i}\n<<<\n").as_bytes()));
    // what comes after it is heard
    let rest = node.log().len();
    fifo(node, b">>>\nfoo=bar\n<<<\n");
    node.wait_for_log("ERROR: Invalid message in send_cluster_msg: ", rest, SOON).unwrap();
    assert_eq!((pid(node), node.calls().len()), (process, calls), "{}", log(node));
    assert!(memory(node) < before + 16 * 1024, "{before} kB before, {} kB after", memory(node));
    assert!(node.daemon_runs() && !log(node).contains("CRIT"));
}

/// A socket in the node's network.
fn bound(stage: &Stage, address: &str) -> UdpSocket {
    let network = File::open(format!("/proc/{}/ns/net", stage.init())).unwrap();
    let address = address.to_owned();
    let bind = move || {
        nix::sched::setns(network, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        UdpSocket::bind(address).unwrap()
    };
    // in a thread of its own: the namespace goes with it
    std::thread::spawn(bind).join().unwrap()
}

#[test]
fn a_medium_that_cannot_be_opened_fails_the_start() {
    if !crate::lab::stage::is_root() {
        return lab::cannot("entering a network namespace needs root");
    }
    let lab = ours("busy");
    let node = lab.node(1);
    for foreground in ["", "-f"] {
        let busy = bound(node.stage(), "0.0.0.0:694");
        let said = heartbeat(node, foreground);
        drop(busy);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("eth0") && said.err.contains("Address already in use"), "{}", said.err);
        let ended = || match node.daemon_runs() || node.processes().contains(&"heartbeat".to_owned()) {
            true => Err(format!("{:?}", node.processes())),
            false => Ok(()),
        };
        // Whoever says that it failed has a moment to live.
        wait_until("nothing runs", Duration::from_secs(10), ended).unwrap();
        in_order(
            &node.log(),
            &[
                "heartbeat: version 3.0.6",
                "ERROR: make_io_childpair: cannot open bcast eth0",
                "ERROR: heartbeat cannot run: the media cannot be opened",
            ],
        );
        assert_eq!(heartbeat(node, "-s").code, Some(1));
    }
    let told = node.log().matches("ERROR: heartbeat cannot run").count();
    assert_eq!(told, 2, "once each:\n{}", node.log());
    assert!(node.calls().is_empty());
}

#[test]
fn a_pid_file_that_cannot_be_written_fails_the_start_with_4() {
    let Some(lab) = beside_the_reference("pidfile-in-the-way") else { return };
    let node = lab.node(1);
    shell(node, "mkdir /run/heartbeat.pid");
    let said = heartbeat(node, "");
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(
        said.err.contains("ERROR: heartbeat: could not create pidfile [/run/heartbeat.pid]"),
        "{}",
        said.err
    );
    assert_eq!(shell(node, "ls -d /run/heartbeat.pid*"), "/run/heartbeat.pid\n");
    assert!(node.read("/var/lib/heartbeat/hb_generation").is_empty());
}

#[test]
fn two_starts_at_once_leave_one_daemon() {
    let lab = ours("race");
    apart(&lab);
    let node = lab.node(1);
    // what an earlier one left behind must go once only
    node.write("/run/heartbeat.pid", "     99999\n", 0o644).unwrap();
    let line = format!("for i in 1 2 3 4; do {HEARTBEAT} 2>/run/said.$i & done; wait; cat /run/said.*");
    shell(node, &line);
    node.wait_for_log(ALONE, 0, SOON).unwrap();
    let running = || node.processes().iter().filter(|name| *name == "heartbeat").count();
    until("one daemon", || if running() == 1 { Ok(()) } else { Err(format!("{} run", running())) });
    assert!(node.daemon_runs());
    let starts = || node.calls().iter().filter(|c| c.arguments.ends_with("start")).count();
    until_true("each resource started", || starts() >= 2);
    assert_eq!(starts(), 2);
}
