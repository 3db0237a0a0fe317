//! The same words to the reference's scripts and to ours: same output, same exit code, same
//! address table after each.

use std::path::Path;

use super::lab::{REFERENCE, addresses, lab, ours, run, sh};

/// A line starting with `!` is a shell command; any other is agent, word and operation. `''` is an
/// empty word.
fn play(directory: &Path, script: &str) -> Vec<String> {
    let mut story = Vec::new();
    for line in script.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if let Some(command) = line.strip_prefix('!') {
            sh(command);
            continue;
        }
        let words: Vec<_> = line.split(' ').map(|w| if w == "''" { "" } else { w }).collect();
        let (name, arguments) = words.split_first().unwrap();
        let output = run(&directory.join(name), arguments);
        let text =
            String::from_utf8_lossy(&output.stdout).replace(&format!("{}/", directory.display()), "DIR/");
        story.push(format!("$ {line}\n{text}= {:?}\n{}", output.status.code(), addresses().join("\n")));
    }
    story
}

/// Plays the script on both sides.
fn compare(script: &'static str) {
    if let Err(reason) = reference() {
        return crate::skip::cannot(reason);
    }
    let theirs = lab(move || play(Path::new(REFERENCE), script));
    let ours = lab(move || play(&ours(), script));
    if let (Some(theirs), Some(ours)) = (theirs, ours) {
        for (theirs, ours) in theirs.iter().zip(&ours) {
            assert_eq!(ours, theirs, "\nours:\n{ours}\n\ntheirs:\n{theirs}\n");
        }
    }
}

fn reference() -> Result<(), String> {
    let path = Path::new(REFERENCE).join("IPaddr2");
    let start = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    if start.starts_with(b"#!") {
        Ok(())
    } else {
        Err(format!("{} is not the reference's script", path.display()))
    }
}

#[test]
fn ipaddr2_up_and_down() {
    compare(
        "IPaddr2 10.0.0.50 status
         IPaddr2 10.0.0.50 start
         IPaddr2 10.0.0.50 start
         IPaddr2 10.0.0.50 status
         IPaddr2 10.0.0.50 monitor
         IPaddr2 10.0.0.50 stop
         IPaddr2 10.0.0.50 stop
         IPaddr2 10.0.0.64/ start
         IPaddr2 10.0.0.64/ stop
         IPaddr2 192.168.5.9 start
         IPaddr2 192.168.5.9 status
         IPaddr2 192.168.5.9 stop",
    );
}

#[test]
fn every_agents_usage() {
    compare(
        "IPaddr2
         IPaddr2 10.0.0.50
         IPaddr2 a b c
         IPaddr2 10.0.0.50 foo
         IPaddr2 10.0.0.50 ''
         IPaddr2 10.0.0.50 usage
         IPaddr2 10.0.0.50 help
         IPaddr2 10.0.0.50 meta-data
         IPaddr2 10.0.0.50 validate-all
         IPaddr
         IPaddr x
         IPaddr 10.0.0.50 foo
         IPaddr 10.0.0.50 ''
         IPaddr 10.0.0.50 usage
         IPaddr 10.0.0.50 meta-data
         IPv6addr
         IPv6addr x
         IPv6addr fd00::50 foo
         IPv6addr fd00::50 usage
         IPv6addr fd00::50 meta-data
         SendArp
         SendArp x
         SendArp 10.0.0.50/eth0 foo
         SendArp 10.0.0.50/eth0 usage
         SendArp 10.0.0.50/eth0 meta-data",
    );
}

#[test]
fn ipaddr2_nonsense() {
    compare(
        "IPaddr2 10.0.0.300 start
         IPaddr2 10.0.0.300 stop
         IPaddr2 10.0.0.300 status
         IPaddr2 hello start
         IPaddr2 '' start
         IPaddr2 '' stop
         IPaddr2 '' status
         IPaddr2 172.16.0.1 start
         IPaddr2 172.16.0.1 stop
         IPaddr2 172.16.0.1 status
         IPaddr2 172.16.0.1/24 start
         IPaddr2 10.0.0.5/16 start
         IPaddr2 172.16.0.1/24/nonic start
         IPaddr2 172.16.0.1/24/nonic stop
         IPaddr2 172.16.0.1/24/nonic status
         IPaddr2 10.0.0.58/33/eth0 start
         IPaddr2 10.0.0.58/33/eth0 stop
         IPaddr2 10.0.0.58/33/eth0 status
         IPaddr2 10.0.0.59/abc/eth0 start
         IPaddr2 10.0.0.65/0/eth0 start
         IPaddr2 10.0.0.63//eth0 start
         IPaddr2 10.0.0.60/24/eth0:verylonglabel123 start
         IPaddr2 10.0.0.60/24/eth0:verylonglabel123 stop
         IPaddr2 10.0.0.60/24/eth0:verylonglabel123 status
         IPaddr2 10.0.0.61/24/eth0/bad start
         IPaddr2 10.0.0.66/+24/eth0 start
         IPaddr 10.0.0.66/+24/eth0 start
         IPaddr2 10.0.0.67/24/eth0/0.0.0.0 start
         IPaddr2 0.0.0.5/24/eth0 start
         IPaddr2 fd00::50 start
         IPaddr2 fd00::50 status",
    );
}

#[test]
fn ipaddr2_prefix_label_broadcast() {
    compare(
        "IPaddr2 172.16.0.1/24/eth0 start
         IPaddr2 172.16.0.1 status
         IPaddr2 172.16.0.1/24/eth0 stop
         IPaddr2 10.0.0.51/24/eth0:web start
         IPaddr2 10.0.0.52/24/eth0:web/10.0.0.255 start
         IPaddr2 10.0.0.53/24/eth0/10.0.0.99 start
         IPaddr2 10.0.0.54/24/10.0.0.98 start
         IPaddr2 10.0.0.55/32/eth0 start
         IPaddr2 10.0.0.56/25 start
         IPaddr2 10.0.0.57/255.255.255.0/eth0 start
         IPaddr2 10.0.0.51/24/eth0:web status
         IPaddr2 10.0.0.51/24/eth0:web stop
         IPaddr2 10.0.0.58/24/:web start
         IPaddr2 10.0.0.58/24/:web status
         IPaddr2 10.0.0.58/24/:web stop
         IPaddr2 10.0.0.56/25 stop
         IPaddr2 10.0.0.57/255.255.255.0/eth0 stop
         IPaddr2 10.0.0.71/24/down0 start
         IPaddr2 10.0.0.71/24/down0 stop
         IPaddr2 10.0.0.82/32/lo start
         IPaddr2 10.0.0.82/32/lo status
         IPaddr2 10.0.0.82/32/lo stop",
    );
}

#[test]
fn ipaddr2_chooses_as_the_reference() {
    compare(
        "!ip addr add 10.50.0.1/24 dev eth0
         !ip addr add 10.50.0.2/24 brd 10.50.0.255 dev eth0
         IPaddr2 10.50.0.5 start
         !ip addr add 10.51.0.2/24 brd 10.51.0.255 dev eth0
         !ip addr add 10.51.0.3/24 brd 10.51.0.77 dev eth0
         IPaddr2 10.51.0.5 start
         !ip route add 10.51.0.0/25 dev eth0
         IPaddr2 10.51.0.6 start
         IPaddr2 10.51.0.7/24 start
         IPaddr2 10.51.0.9/24/eth1 start
         !ip addr add 10.31.0.1/24 metric 100 dev eth0
         !ip addr add 10.31.0.2/24 metric 50 dev eth1
         IPaddr2 10.31.0.5 start
         !ip addr add 10.30.0.1/16 dev eth0
         !ip addr add 10.30.1.1/24 dev eth1
         IPaddr2 10.30.1.5 start
         !ip route add default via 10.0.0.254
         IPaddr2 8.8.4.4 start
         IPaddr2 8.8.4.4/24 start
         !ip route add 172.20.0.0/16 via 10.0.0.254
         IPaddr2 172.20.0.5 start
         !ip route add 172.21.0.0/16 dev eth0 src 10.0.0.1
         IPaddr2 172.21.0.5 start
         !ip route add prohibit 172.29.0.0/16
         IPaddr2 172.29.0.1 start",
    );
}

#[test]
fn ipaddr2_knows_hosts_and_tunnels() {
    compare(
        "!ip route add 10.0.0.50 dev eth1 scope link
         IPaddr2 10.0.0.50 start
         IPaddr2 10.0.0.50 status
         IPaddr2 10.0.0.50 stop
         !ip addr add 10.0.0.20 peer 10.0.0.21 dev eth1
         IPaddr2 10.0.0.20/32/eth1 status
         IPaddr2 10.0.0.20/32/eth1 start
         IPaddr2 10.0.0.20/32/eth1 status
         IPaddr2 10.0.0.20/32/eth1 stop",
    );
}

#[test]
fn ipaddr2_on_another_interface() {
    compare(
        "!ip addr add 10.0.0.91/32 dev eth1
         IPaddr2 10.0.0.91/24/eth0 status
         IPaddr2 10.0.0.91/24/eth0 start
         IPaddr2 10.0.0.91/24/eth0 stop",
    );
}

#[test]
fn ipaddr2_lvs_loopback() {
    compare(
        "!ip addr add 10.0.0.80/32 dev lo
         IPaddr2 10.0.0.80 status
         IPaddr2 10.0.0.80 start
         IPaddr2 10.0.0.80 status
         !test \"$(cat /run/resource-agents/10.0.0.80)\" = '10.0.0.80 32 255.255.255.255 lo'
         IPaddr2 10.0.0.80 stop
         !test ! -e /run/resource-agents/10.0.0.80
         IPaddr2 10.0.0.80 stop
         !ip addr add 10.0.0.81/32 brd 10.0.0.255 label lo:0 dev lo
         IPaddr2 10.0.0.81/24/eth0 start
         IPaddr2 10.0.0.81/24/eth0 stop",
    );
}

#[test]
fn ipaddr_up_and_down() {
    compare(
        "IPaddr 10.0.0.50 status
         IPaddr 10.0.0.50 start
         IPaddr 10.0.0.50 start
         IPaddr 10.0.0.50 status
         IPaddr 10.0.0.51/24/eth0:7 start
         IPaddr 10.0.0.52/255.255.255.0/eth0 start
         IPaddr 10.0.0.51/24/eth0:7 status
         IPaddr 10.0.0.50 stop
         IPaddr 10.0.0.50 stop
         IPaddr 10.0.0.53 start
         IPaddr 192.168.5.9/25/eth1 start
         IPaddr 192.168.5.9/25/eth1 status
         IPaddr 192.168.5.9/25/eth0 status
         IPaddr 192.168.5.9/25/eth1 stop
         IPaddr 10.0.0.54/25 start
         IPaddr 10.0.0.55/24/eth0/10.0.0.99 start
         IPaddr 10.0.0.56/24/10.0.0.98 start
         IPaddr 10.0.0.58/32/eth0 start
         IPaddr 172.16.0.1/24/eth0 start
         IPaddr 10.0.0.1 status
         !ip route add default via 10.0.0.1
         IPaddr 8.8.4.4 start
         IPaddr 8.8.4.5/24 start",
    );
}

#[test]
fn ipaddr_nonsense() {
    compare(
        "IPaddr 172.16.0.1 start
         IPaddr 172.16.0.1/24 start
         IPaddr 172.16.0.2/24/nonic start
         IPaddr 172.16.0.2/24/nonic status
         IPaddr 172.16.0.2/24/nonic stop
         IPaddr 10.0.0.300 start
         IPaddr 10.0.0.300 status
         IPaddr 10.0.0.300 stop
         IPaddr hello start
         IPaddr hello status
         IPaddr hello stop
         IPaddr '' start
         IPaddr '' status
         IPaddr '' stop
         IPaddr 10.0.0.59/33 start
         IPaddr 10.0.0.59/33 status
         IPaddr 10.0.0.59/33 stop
         IPaddr 10.0.0.59/abc start
         IPaddr 10.0.0.61/24/eth0/bad start",
    );
}

/// No successful start here: the reference takes seven seconds over it, and sets no `nodad`.
#[test]
fn ipv6addr_words() {
    compare(
        "IPv6addr fd00::50 status
         IPv6addr fd00::50 stop
         IPv6addr fd11::1 start
         IPv6addr fd11::1 status
         IPv6addr fd11::1 stop
         IPv6addr fd11::1/64/nonic start
         IPv6addr fd11::1/64/nonic stop
         IPv6addr fd11::1/129/eth0 start
         IPv6addr fd11::1/129/eth0 status
         IPv6addr hello start
         IPv6addr hello stop
         IPv6addr hello status
         IPv6addr '' start
         IPv6addr '' stop
         IPv6addr 10.0.0.5 start
         !ip addr add fd00::60/60 dev eth1 nodad
         IPv6addr fd00::60 start
         IPv6addr fd00::60/64/eth0 status
         IPv6addr fd00::60/ status
         IPv6addr fd00::60 stop",
    );
}

#[test]
fn sendarp_words() {
    compare(
        "SendArp 10.0.0.50/eth0 status
         SendArp 10.0.0.50/eth0 start
         SendArp 10.0.0.50/eth0 start
         SendArp 10.0.0.50/eth0 status
         SendArp 10.0.0.50/eth0 monitor
         SendArp 10.0.0.50/eth0 stop
         SendArp 10.0.0.50/eth0 stop
         SendArp 10.0.0.50/eth0 status
         SendArp 10.0.0.50/nonic start
         SendArp 10.0.0.50/nonic status
         SendArp 10.0.0.50/nonic stop
         SendArp 10.0.0.51 start
         SendArp 10.0.0.52/ start
         SendArp hello/eth0 start
         SendArp hello/eth0 stop",
    );
}
