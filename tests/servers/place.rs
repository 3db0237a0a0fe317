//! A place for servers: namespaces of its own with nothing but loopback, in which this same program runs a story.
//!
//! Over /etc and /var lies a private overlay, over /run, /var/log and /mnt a private tmpfs. The place ends with the
//! story, and the kernel ends whatever runs in it.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::stage::{self, Stage};
use crate::lab::{cannot, wait_until};

/// Set in the place.
const INSIDE: &str = "HEARTBEAT_AMONG_SERVERS";
/// What the story prints when it came to its end.
const DONE: &str = "the story is told";
/// A story that takes so many seconds hangs.
const LIMIT: &str = "400";
/// Where the files of a server are.
pub(crate) const HOME: &str = "/mnt/s";
/// What makes a [`Place::certificate`].
pub(crate) const OPENSSL: (&str, &str) = ("/usr/bin/openssl", "openssl");
/// How long a server may take to start or to stop, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

const PREPARATION: &str = r#"
hostname news.heartbeat-rs.net
mount -t tmpfs -o mode=755 tmpfs /mnt
for dir in etc var; do
    mkdir -p /mnt/.$dir/up /mnt/.$dir/work
    mount -t overlay overlay -o lowerdir=/$dir,upperdir=/mnt/.$dir/up,workdir=/mnt/.$dir/work /$dir
done
for dir in /run /var/log; do mount -t tmpfs -o mode=755 tmpfs $dir; done
ip link set lo up
printf '127.0.0.1 localhost\n::1 localhost\n127.0.0.1 news.heartbeat-rs.net news\n' >/etc/hosts
: >/etc/resolv.conf
mkdir /mnt/s
"#;

/// The inside of a place.
pub(crate) struct Place;

/// Runs the test `name`: its story in a place of its own. What the story needs are programs and the packages they come
/// from; without one of them the test is skipped, but not in CI.
pub(crate) fn play(name: &str, needs: &[(&str, &str)], story: fn(&Place)) {
    if env::var_os(INSIDE).is_some() {
        story(&Place::check());
        println!("\n{DONE}");
        return;
    }
    if let Err(reason) = possible(needs) {
        return cannot(reason);
    }
    let stage = Stage::outermost(PREPARATION).unwrap();
    let mut command = stage.command("timeout");
    command.args(["--kill-after=5", LIMIT]).arg(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(INSIDE, "1");
    for (name, value) in env::vars().filter(|(name, _)| name.starts_with("SERVERS_")) {
        command.env(name, value);
    }
    let ran = command.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    println!("{told}");
    assert!(ran.status.success() && told.contains(DONE), "{name}: {}", ran.status);
}

/// An error that says what is missing.
fn possible(needs: &[(&str, &str)]) -> Result<(), String> {
    if !stage::is_root() {
        return Err("servers change to users of their own: needs root".to_owned());
    }
    stage::check_tools().map_err(|failure| failure.to_string())?;
    let missing: Vec<_> = needs.iter().filter(|(path, _)| !Path::new(path).exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let named: Vec<_> = missing.iter().map(|(path, package)| format!("{path} (package {package})")).collect();
    Err(format!("missing: {}", named.join(", ")))
}

impl Place {
    /// Nothing may be done before it is certain that this is no ordinary machine.
    fn check() -> Place {
        let holder = || match fs::read_to_string("/proc/1/comm") {
            Ok(name) if name == "cat\n" => Ok(()),
            other => Err(format!("{other:?}")),
        };
        wait_until("a place of ours", SOON, holder).unwrap();
        Place
    }

    /// A file of a server; its path. Everybody may read it.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = if name.starts_with('/') { name.to_owned() } else { format!("{HOME}/{name}") };
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// Runs a shell script to its end.
    pub(crate) fn script(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("set -e; exec 2>&1; {script}")]).current_dir(HOME).stdin(Stdio::null());
        let ran = command.output().unwrap();
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{script}\n{}\n{told}", ran.status);
        told
    }

    /// Starts a server by a line of shell. What it says goes to a file of the place.
    pub(crate) fn start(&self, line: &str) {
        let told = fs::File::options().create(true).append(true).open(format!("{HOME}/told")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{line} &")]).current_dir(HOME).stdin(Stdio::null());
        command.stdout(told.try_clone().unwrap()).stderr(told);
        assert!(command.status().unwrap().success(), "{line}");
    }

    /// A key, and a certificate that nobody vouches for.
    pub(crate) fn certificate(&self) {
        self.script(
            "test -e cert.pem && exit
             openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem \\
                 -days 2 -subj /CN=news.heartbeat-rs.net
             chmod 644 key.pem",
        );
    }

    /// Waits until nothing runs here any more. Whoever was started here is waited for by the runtime meanwhile.
    pub(crate) async fn empty(&self) {
        let deadline = Instant::now() + SOON;
        while !self.others().is_empty() {
            let line = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let left: Vec<_> = self.others().iter().map(line).collect();
            assert!(Instant::now() < deadline, "left behind: {left:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Holds every process of the servers.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
        wait_until("all are frozen", SOON, || {
            let awake: Vec<_> =
                self.states().into_iter().filter(|(_, state)| !matches!(state, 'T' | 'Z')).collect();
            if awake.is_empty() { Ok(()) } else { Err(format!("{awake:?}")) }
        })
        .unwrap();
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Ends every process of the servers.
    pub(crate) fn stop(&self) {
        wait_until("the end of all servers", SOON, || {
            self.signal(Signal::SIGKILL);
            let left = self.others();
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .unwrap();
    }

    fn signal(&self, signal: Signal) {
        for pid in self.others() {
            // one that ended meanwhile needs none
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Every process here but the first, which holds the place, this one and those it waits for.
    fn others(&self) -> Vec<i32> {
        let own = i32::try_from(std::process::id()).unwrap();
        self.states().into_iter().map(|(pid, _)| pid).filter(|pid| *pid != own).collect()
    }

    fn states(&self) -> Vec<(i32, char)> {
        let own = i32::try_from(std::process::id()).unwrap();
        let parent = nix::unistd::getppid().as_raw();
        processes()
            .into_iter()
            .filter(|(pid, _, _)| ![1, own, parent].contains(pid))
            .map(|(p, s, _)| (p, s))
            .collect()
    }
}

impl Drop for Place {
    /// What the servers said may be what went wrong.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let told = fs::read(format!("{HOME}/told")).unwrap_or_default();
            let end = told.len().saturating_sub(5000);
            eprintln!("the servers said:\n{}", String::from_utf8_lossy(&told[end..]));
        }
    }
}

/// Every process of this place: its number, its state, its parent.
pub(crate) fn processes() -> Vec<(i32, char, i32)> {
    let numbers =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
    numbers
        .filter_map(|pid: i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit(')').next()?.split_whitespace();
            Some((pid, fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
        })
        .collect()
}
