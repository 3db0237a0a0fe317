//! Which servers somebody wants out: a directory whose files name them (ldirectord.md section 13.1).
//!
//! A thread lists the directory once a round; who checks a server asks [`Maintenance::is_out`], which looks into
//! memory. The names of addresses are asked for only while a file is there that can be no address, and not in each
//! round. A name server that does not answer delays nobody's checks, as it does in the reference, it keeps nobody
//! from being taken out by address, and it brings nobody back: a name that was known stays known.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::reverse::name_of;

/// The directory is looked at so often, or twice an interval of checks where that is more often.
const ROUND: Duration = Duration::from_secs(1);
/// The shortest round.
const SHORTEST: Duration = Duration::from_millis(100);
/// A name that was found, or not, is asked for again after this long.
const AGAIN: Duration = Duration::from_secs(60);
/// No name is asked for any more in a round that lasts so long. (One question may take longer.)
const ASKING: Duration = Duration::from_secs(2);
/// Who starts waits so long for names at most.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who is out, kept up to date by a thread that ends with this value.
#[derive(Debug)]
pub struct Maintenance {
    out: Out,
    /// Held open; the thread hears of its end.
    _alive: Sender<()>,
}

type Out = Arc<Mutex<Arc<BTreeSet<SocketAddr>>>>;

/// The names of addresses, and when each was asked for. They outlive a configuration.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<Mutex<Known>>);

type Known = BTreeMap<IpAddr, (Instant, Option<String>)>;

impl Names {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of a question now. No name is no news of one that was known: perhaps nobody has answered.
    fn learn(&self, ip: IpAddr, name: Option<String>) {
        let mut known = self.known();
        let before = known.remove(&ip).and_then(|(_, name)| name);
        known.insert(ip, (Instant::now(), name.or(before)));
    }

    fn is_fresh(&self, ip: IpAddr) -> bool {
        self.known().get(&ip).is_some_and(|(asked, _)| asked.elapsed() < AGAIN)
    }
}

impl Maintenance {
    /// Starts the thread, and waits a little for its first look: not for a thread that must not wait. `servers` are
    /// all that there are, `interval` that of their checks, `names` what is known already.
    pub fn start(
        directory: &str,
        servers: &[SocketAddr],
        interval: Duration,
        names: &Names,
    ) -> io::Result<Maintenance> {
        let look = Look::new(directory, servers, names, name_of);
        let (out, (alive, ends), (first, looked)) = (Out::default(), channel(), channel());
        let (there, round) = (Arc::clone(&out), (interval / 2).clamp(SHORTEST, ROUND));
        let watch = move || keep(look, &there, &first, &ends, round);
        thread::Builder::new().name("maintenance".into()).spawn(watch)?;
        // Whose names are not known by then is not out by name yet.
        let _ = looked.recv_timeout(PATIENCE);
        Ok(Maintenance { out, _alive: alive })
    }

    /// Whether this server (its address and port as configured) is to be out.
    pub fn is_out(&self, server: SocketAddr) -> bool {
        self.out.lock().unwrap_or_else(PoisonError::into_inner).contains(&server)
    }
}

fn keep(mut look: Look, out: &Out, first: &Sender<()>, ends: &Receiver<()>, round: Duration) {
    let publish = |found| *out.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(found);
    publish(look.now(Instant::now()));
    publish(look.now(Instant::now() + ASKING));
    // Nobody may wait for it any more.
    let _ = first.send(());
    while ends.recv_timeout(round) == Err(RecvTimeoutError::Timeout) {
        publish(look.now(Instant::now() + ASKING));
    }
}

/// What is needed to look, and what came of it last.
struct Look {
    directory: PathBuf,
    servers: Vec<SocketAddr>,
    names: Names,
    name_of: fn(IpAddr) -> Option<String>,
    files: BTreeSet<String>,
    found: BTreeSet<SocketAddr>,
}

impl Look {
    fn new(
        directory: &str,
        servers: &[SocketAddr],
        names: &Names,
        name_of: fn(IpAddr) -> Option<String>,
    ) -> Look {
        Look {
            directory: PathBuf::from(directory),
            servers: servers.to_vec(),
            names: names.clone(),
            name_of,
            files: BTreeSet::new(),
            found: BTreeSet::new(),
        }
    }

    /// Who is out. Names are asked for until then.
    fn now(&mut self, until: Instant) -> BTreeSet<SocketAddr> {
        let files = files(&self.directory);
        let by_name = files.iter().any(|file| names::is_host(file));
        if by_name {
            self.ask(until);
        }
        if by_name || files != self.files {
            let known = self.names.known();
            let name = |at: &SocketAddr| known.get(&at.ip()).and_then(|(_, name)| name.as_deref());
            let is_there = |at: &&SocketAddr| names::names(**at, name(at)).iter().any(|n| files.contains(n));
            self.found = self.servers.iter().filter(is_there).copied().collect();
            self.files = files;
        }
        self.found.clone()
    }

    fn ask(&self, until: Instant) {
        for at in &self.servers {
            if !self.names.is_fresh(at.ip()) && Instant::now() < until {
                self.names.learn(at.ip(), (self.name_of)(at.ip()));
            }
        }
    }
}

/// The names in a directory. One that is not there, or cannot be read, holds none.
fn files(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn fake(ip: IpAddr) -> Option<String> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        (ip == IpAddr::from([10, 7, 0, 2])).then(|| "rs2.example.com".to_owned())
    }

    #[test]
    fn files_take_servers_out() {
        let dir = tempfile::tempdir().unwrap();
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let servers = ["10.7.0.1:80", "10.7.0.1:81", "10.7.0.2:80", "[fd00::1]:80"].map(at).to_vec();
        let names = Names::default();
        let mut look = Look::new(&dir.path().to_string_lossy(), &servers, &names, fake);
        let mut now = || look.now(Instant::now() + Duration::from_secs(60));
        let put = |name: &str| std::fs::write(dir.path().join(name), "").unwrap();
        assert!(now().is_empty());
        put("10.7.0.1:80");
        put("[fd00::1]");
        assert_eq!(now(), [at("10.7.0.1:80"), at("[fd00::1]:80")].into());
        assert_eq!(ASKED.load(Ordering::Relaxed), 0, "addresses need no names");
        put("rs2");
        assert_eq!(now().len(), 3);
        now();
        assert_eq!(ASKED.load(Ordering::Relaxed), 3, "each address is asked for once");
        // a name server that does not answer any more, and a new configuration
        servers.iter().for_each(|at| names.learn(at.ip(), None));
        assert_eq!(now().len(), 3);
        let mut next = Look::new(&dir.path().to_string_lossy(), &servers, &names, |_| None);
        assert_eq!(next.now(Instant::now()).len(), 3);
        std::fs::remove_file(dir.path().join("10.7.0.1:80")).unwrap();
        put("10.7.0.1");
        assert_eq!(now().len(), 4);
        std::fs::remove_dir_all(dir.path()).unwrap();
        assert!(now().is_empty());
    }

    #[test]
    fn the_thread_sees_what_changes() {
        let dir = tempfile::tempdir().unwrap();
        let server: SocketAddr = "10.7.0.1:80".parse().unwrap();
        let path = dir.path().to_string_lossy().into_owned();
        let watch =
            Maintenance::start(&path, &[server], Duration::from_millis(1), &Names::default()).unwrap();
        assert!(!watch.is_out(server));
        let file = dir.path().join("10.7.0.1");
        let deadline = Instant::now() + Duration::from_secs(20);
        let wait = |out: bool| {
            while watch.is_out(server) != out {
                assert!(Instant::now() < deadline);
                thread::sleep(Duration::from_millis(5));
            }
        };
        std::fs::write(&file, "").unwrap();
        wait(true);
        std::fs::remove_file(&file).unwrap();
        wait(false);
    }
}
