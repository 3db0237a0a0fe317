//! A room for one instance of ldirectord, ours or the reference: namespaces, an `/etc`, `/usr`, `/run` and `/var/log` of
//! its own, a stand-in for `ipvsadm`, and servers that are files: `/run/down-ADDRESS` is one that does not serve.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::lab::stage::Stage;
use crate::lab::{Failure, program, wait_until};

/// Longer than anything here takes, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Room {
    stage: Stage,
    /// How much of the changes was told of.
    told: AtomicUsize,
}

const PREPARE: &str = "mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir -p /mnt/etc /mnt/etc.work /mnt/usr /mnt/usr.work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/etc.work /etc
mount -t overlay overlay -o lowerdir=/usr,upperdir=/mnt/usr,workdir=/mnt/usr.work /usr
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /etc/ha.d/conf /run/lock
ip link set lo up
";

const PROBE: &str = "#!/bin/sh\n[ ! -e \"/run/down-$3\" ]\n";

impl Room {
    pub(crate) fn new(ours: bool) -> Room {
        let program = format!("ln -sf {} /usr/sbin/ldirectord\n", env!("CARGO_BIN_EXE_ldirectord"));
        let prepare = format!("{PREPARE}{}", if ours { &program } else { "" });
        let room = Room { stage: Stage::outermost(&prepare).unwrap(), told: AtomicUsize::new(0) };
        room.write("/usr/sbin/ipvsadm", include_str!("ipvsadm"));
        room.write("/etc/ha.d/probe", PROBE);
        room.script("[ -e /sbin/ipvsadm ] || ln -s /usr/sbin/ipvsadm /sbin/ipvsadm");
        room
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.stage.path(inside)
    }

    /// Writes a file in one step; a script can be run.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        program::write(&self.stage.path(path), text, mode).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.stage.path(path)).unwrap_or_default()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.stage.path(path).exists()
    }

    pub(crate) fn log(&self) -> String {
        self.read("/var/log/ldirectord.log")
    }

    /// What was changed in the table since the last time.
    pub(crate) fn told(&self) -> String {
        let all = self.read("/run/ipvsadm.log");
        let before = self.told.swap(all.len(), Ordering::Relaxed);
        all.get(before..).unwrap_or_default().to_owned()
    }

    /// Runs a shell script that must succeed.
    pub(crate) fn script(&self, script: &str) -> String {
        let output = self.stage.command("sh").args(["-c", script]).output().unwrap();
        let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{script}: {}{}", told(&output.stdout), told(&output.stderr));
        told(&output.stdout)
    }

    /// Runs ldirectord.
    pub(crate) fn ldirectord(&self, words: &[&str]) -> Output {
        let mut command = self.stage.command("env");
        // Its exec leaves no line of the environment's in the process list.
        command.args(["LDIRECTORD_IPVS=ipvsadm", "/usr/sbin/ldirectord"]).args(words).output().unwrap()
    }

    /// The same; it must end well.
    pub(crate) fn must(&self, words: &[&str]) {
        let output = self.ldirectord(words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {told}\n{}", self.log());
    }

    /// From now on the kernel does not let go of this service, or of any.
    pub(crate) fn refuse_deletion(&self, service: &str) {
        self.meddle(&format!("-D {service}"), "echo no >&2; exit 1");
    }

    /// While `/run/hold` is there, this change to a service (`-A ADDRESS`) does not come to its end.
    pub(crate) fn hold(&self, change: &str) {
        self.write("/run/hold", "");
        self.meddle(change, "while [ -e /run/hold ]; do sleep 0.05; done");
    }

    fn meddle(&self, change: &str, what: &str) {
        let meddle = format!("case \"$1 $3\" in \"{change}\"*) {what} ;; esac");
        self.replace_ipvsadm(&format!("{meddle}\nexec /usr/sbin/ipvsadm.real \"$@\"\n"));
    }

    /// This script in place of `ipvsadm`, which it finds as `ipvsadm.real`.
    pub(crate) fn replace_ipvsadm(&self, script: &str) {
        self.script("ln /usr/sbin/ipvsadm /usr/sbin/ipvsadm.real");
        self.write("/usr/sbin/ipvsadm", &format!("#!/bin/sh\n{script}"));
    }

    /// The table, as people see it.
    pub(crate) fn table(&self) -> String {
        self.script("/usr/sbin/ipvsadm -L -n | tail -n +4")
    }

    pub(crate) fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let look = || if is_so() { Ok(()) } else { Err("not yet".to_owned()) };
        let waited: Result<(), Failure> = wait_until(what, PATIENCE, look);
        waited.unwrap_or_else(|failure| panic!("{failure}\n{}\n{}", self.log(), self.table()));
    }

    /// Waits until the table is so: services and servers with their weights.
    pub(crate) fn wait_for(&self, wanted: &str) {
        self.wait(wanted, || self.rows() == wanted);
    }

    /// The table in short.
    pub(crate) fn rows(&self) -> String {
        let table = self.table();
        let words = |line: &str| line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
        let row = |line: &str| match words(line).as_slice() {
            [arrow, at, _, weight, ..] if arrow == "->" => format!("{at}/{weight}"),
            [_, at, ..] => format!("{at}:"),
            _ => String::new(),
        };
        table.lines().map(row).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn pid(&self, instance: &str) -> String {
        self.read(&format!("/run/ldirectord.{instance}.pid")).trim().to_owned()
    }

    pub(crate) fn kill(&self, signal: &str, instance: &str) {
        let pid = self.pid(instance);
        self.script(&format!("kill -{signal} {pid}"));
        if signal == "STOP" {
            // one thread gets it and has the others stop: until then they hear other signals
            let states = || self.script(&format!("grep -h ^State: /proc/{pid}/task/*/status"));
            self.wait("all to stand still", || states().lines().all(|line| line.ends_with("T (stopped)")));
        }
    }

    /// Whether the pid file is gone.
    pub(crate) fn is_over(&self, instance: &str) -> bool {
        !self.has(&format!("/run/ldirectord.{instance}.pid"))
    }
}

/// Why the reference cannot be had here.
pub(crate) fn no_reference() -> Option<String> {
    if !crate::lab::stage::is_root() {
        return Some("the reference needs root".to_owned());
    }
    let program = Path::new("/usr/sbin/ldirectord");
    (!program.is_file()).then(|| "Debian's ldirectord is not installed".to_owned())
}
