//! Two real daemons; on each a `dopd` of either kind, and a `drbdadm` that ends as it is told.

use crate::lab::{Flavour, Lab, Node};
use std::process::Output;
use std::time::Duration;

/// For whatever must happen at all.
pub(crate) const SOON: Duration = Duration::from_secs(60);
pub(crate) use Flavour::{Ours, Reference};

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 200ms
deadtime 5
initdead 6
bcast eth0
ping 10.80.0.9
auto_failback off
node b1 b2 b3
apiauth dopd uid=hacluster
";

/// Ends with the code in /etc/drbdrc; stays while there is a /run/hold-RESOURCE.
const DRBDADM: &str = "\
#!/bin/sh
echo \"$#:$*\" >>/var/log/lab/drbdadm
while [ -e \"/run/hold-$2\" ]; do sleep 0.05; done
exit $(cat /etc/drbdrc)
";

/// Keeps the dopd of /var/log/lab/which running, as the daemon would, but without ever losing patience:
/// the reference's dies of a segmentation fault after each answer that it gives to a handler.
const KEEPER: &str = "\
export HA_LOGFILE=/var/log/lab/dopd-log HA_DEBUGLOG=/var/log/lab/dopd-log HA_logfile=/var/log/lab/dopd-log HA_debugfile=/var/log/lab/dopd-log HA_debug=1
while :; do
    setpriv --reuid hacluster --regid haclient --init-groups $(cat /var/log/lab/which) &
    echo $! >/var/log/lab/pid
    wait $!
    echo $? >>/var/log/lab/ends
    sleep 0.1
done
";

/// The programs of ours lie beside the reference's, under this prefix.
fn path(flavour: Flavour, program: &str) -> String {
    match flavour {
        Ours => format!("/usr/local/ours/{program}"),
        Reference => format!("/usr/libexec/heartbeat/{program}"),
    }
}

/// The laboratory.
pub(crate) struct World(Lab);

impl World {
    /// Both daemons see each other; no dopd runs.
    pub(crate) fn new(name: &str) -> Self {
        let world = Self(Lab::new(name, [Reference; 2]).unwrap());
        for node in world.0.nodes() {
            node.configure(HA_CF, "auth 1\n1 sha1 x\n", "").unwrap();
            node.must(&["sh", "-c", "chmod 777 /var/log/lab; mkdir -p /usr/local/ours"]).unwrap();
            let ours = [
                ("dopd", env!("CARGO_BIN_EXE_dopd")),
                ("drbd-peer-outdater", env!("CARGO_BIN_EXE_drbd-peer-outdater")),
            ];
            for (program, built) in ours {
                node.copy(built, &path(Ours, program)).unwrap();
            }
            node.write("/usr/sbin/drbdadm", DRBDADM, 0o755).unwrap();
            node.write("/etc/drbdrc", "0\n", 0o644).unwrap();
            node.start().unwrap();
        }
        let status = |node: usize, of: &str| {
            let found = world.node(node).run(&["/usr/bin/cl_status", "nodestatus", of]).unwrap();
            String::from_utf8_lossy(&found.stdout).trim().to_owned()
        };
        wait_until("both are active, b3 is dead, the client answers", || {
            let mutual = status(1, "b2") == "active" && status(2, "b1") == "active";
            mutual && status(1, "b3") == "dead" && status(1, "10.80.0.9") == "ping"
        });
        world
    }

    pub(crate) fn node(&self, index: usize) -> &Node {
        self.0.node(index)
    }

    /// A dopd of this kind, freshly started, listens at a node.
    pub(crate) fn dopd(&self, index: usize, flavour: Flavour) {
        let node = self.node(index);
        let before = node.read("/var/log/lab/pid");
        node.write("/var/log/lab/which", &path(flavour, "dopd"), 0o644).unwrap();
        if before.is_empty() {
            node.write("/var/log/lab/keeper", KEEPER, 0o755).unwrap();
            node.must(&["sh", "-c", "setsid sh /var/log/lab/keeper >/dev/null 2>&1 &"]).unwrap();
        } else {
            node.run(&["kill", "-9", before.trim()]).unwrap();
        }
        // the keeper may have read the old kind just before
        let other = if flavour == Ours { Reference } else { Ours };
        let is = |pid: &str, kind: Flavour| {
            let same = ["test", &format!("/proc/{pid}/exe"), "-ef", &path(kind, "dopd")];
            node.run(&same).unwrap().status.success()
        };
        wait_until("a new dopd listens", || {
            let pid = node.read("/var/log/lab/pid");
            if !pid.ends_with('\n') || pid == before {
                return false;
            }
            let pid = pid.trim();
            if is(pid, other) {
                node.run(&["kill", "-9", pid]).unwrap();
            }
            is(pid, flavour) && listens(node)
        });
    }

    /// What a handler of this kind says at b1.
    pub(crate) fn outdater(&self, flavour: Flavour, words: &[&str]) -> Output {
        let program = path(flavour, "drbd-peer-outdater");
        self.node(1).run(&[&[program.as_str()], words].concat()).unwrap()
    }

    /// Its exit code.
    pub(crate) fn rc(&self, flavour: Flavour, peer: &str, resource: &str) -> Option<i32> {
        self.outdater(flavour, &["-p", peer, "-r", resource]).status.code()
    }

    /// As [`World::rc`], in the background; the code is to be found by [`World::rc_of`].
    pub(crate) fn start_outdater(&self, flavour: Flavour, resource: &str) {
        let program = path(flavour, "drbd-peer-outdater");
        self.node(1).must(&["rm", "-f", &format!("/var/log/lab/rc-{resource}")]).unwrap();
        let script =
            format!("({program} -p b2 -r {resource}; echo $? >/var/log/lab/rc-{resource}) >/dev/null 2>&1 &");
        self.node(1).must(&["sh", "-c", &script]).unwrap();
    }

    /// The code of a handler in the background, once it has ended.
    pub(crate) fn rc_of(&self, resource: &str) -> String {
        let path = format!("/var/log/lab/rc-{resource}");
        wait_until("the handler's end", || self.node(1).read(&path).ends_with('\n'));
        self.node(1).read(&path).trim().to_owned()
    }

    /// How `drbdadm` was called at b2: number of words, words.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.node(2).read("/var/log/lab/drbdadm").lines().map(str::to_owned).collect()
    }

    /// `drbdadm` at b2 stays with this resource, or goes on.
    pub(crate) fn hold(&self, resource: &str, held: bool) {
        let path = format!("/run/hold-{resource}");
        self.node(2).must(&[if held { "touch" } else { "rm" }, &path]).unwrap();
    }
}

/// A socket of that name that accepts connections: a stale one has no line here.
pub(crate) fn listens(node: &Node) -> bool {
    let sockets = node.must(&["cat", "/proc/net/unix"]).unwrap();
    sockets.lines().any(|line| line.ends_with("/dopd/outdater") && line.contains(" 00010000 "))
}

/// Waits for something to become true, and says what did not.
pub(crate) fn wait_until(what: &str, happened: impl FnMut() -> bool) {
    crate::lab::until(what, SOON, happened).unwrap();
}
