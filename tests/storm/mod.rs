//! Storms: a pair of real daemons, watched from outside, while fate does its worst.
//!
//! [`Field`] is a laboratory with a pair and a [`Watch`]; it remembers what was done to whom and
//! when. [`judge`] holds what was seen against the one rule: two owners of an address only while the
//! nodes cannot hear each other, and [`LIMIT`] longer. [`weather`] runs cases beside each other.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::indexing_slicing, reason = "in a test program a panic is a failure that points at its line")]

pub(crate) mod judge;
pub(crate) mod weather;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::lab::network::{Cable, NETWORKS};
use crate::lab::node::LOG;
use crate::lab::rest::scripts;
use crate::lab::stage;
use crate::lab::watch::Watch;
use crate::lab::{Failure, Flavour, Lab, bail};

/// The group of b1 and the group of b2.
pub(crate) const VIPS: [&str; 2] = ["10.80.0.101", "10.80.0.102"];
/// So long two nodes may go on holding the same address once they hear each other.
pub(crate) const LIMIT: Duration = Duration::from_secs(1);
/// A pair that found each other changes nothing for so long.
const CALM: Duration = ms(1500);
/// A 3.0.6 daemon begins anew two seconds after it heard of a partition.
const CALM_BESIDE_REFERENCE: Duration = ms(3500);
/// The same as [`LIMIT`] where the one that lets go may be a 3.0.6 daemon: its scripts take a second on a busy
/// machine, and it may have been stopped in the middle of them.
const LIMIT_BESIDE_REFERENCE: Duration = Duration::from_secs(4);
/// Announcements are repeated for a while.
const ANNOUNCED: Duration = Duration::from_secs(15);
/// A cold start of both takes 10 s; the rest is for a busy machine.
const START: Duration = Duration::from_secs(90);

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The dimensions of a case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) pair: [Flavour; 2],
    pub(crate) auto_failback: &'static str,
    pub(crate) keepalive: Duration,
    pub(crate) deadtime: Duration,
    /// Over how many networks heartbeats go: one or two. Addresses are on the first.
    pub(crate) networks: usize,
}

impl Setup {
    pub(crate) fn title(&self) -> String {
        format!("{}-{}-{}", self.pair[0], self.pair[1], self.auto_failback)
    }

    pub(crate) fn has_reference(&self) -> bool {
        self.pair.contains(&Flavour::Reference)
    }

    /// So long two may go on where a daemon sleeps or dies.
    pub(crate) fn limit(&self) -> Duration {
        if self.has_reference() { LIMIT_BESIDE_REFERENCE } else { LIMIT }
    }

    fn calm(&self) -> Duration {
        if self.has_reference() { CALM_BESIDE_REFERENCE } else { CALM }
    }

    fn ha_cf(&self) -> String {
        let Self { auto_failback, keepalive, deadtime, networks, .. } = self;
        let media: String = (0..*networks).map(|n| format!("bcast eth{n}\n")).collect();
        let (keepalive, deadtime) = (keepalive.as_millis(), deadtime.as_millis());
        let (warntime, initdead) = (deadtime / 2, deadtime.max(1000) * 2);
        format!(
            "logfile {LOG}\nlogfacility none\n\
             keepalive {keepalive}ms\nwarntime {warntime}ms\ndeadtime {deadtime}ms\ninitdead {initdead}ms\n\
             {media}auto_failback {auto_failback}\nnode b1 b2\n"
        )
    }
}

/// A time during which a node's daemon hears nothing whatever arrives: it sleeps or is not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Away {
    pub(crate) node: usize,
    pub(crate) from: Instant,
    pub(crate) to: Option<Instant>,
    /// So long that its peer takes over, and its addresses stay up.
    pub(crate) leaves_addresses: bool,
}

impl Away {
    /// Whether `at` lies in it, or so shortly after it.
    pub(crate) fn covers(&self, at: Instant, after: Duration) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to + after)
    }
}

/// A pair in the storm.
pub(crate) struct Field {
    // first: its threads leave the namespaces before these end
    pub(crate) watch: Watch,
    pub(crate) lab: Lab,
    pub(crate) setup: Setup,
    acts: Mutex<Vec<(Instant, String)>>,
    aways: Mutex<Vec<Away>>,
}

impl Field {
    /// Both configured and watched, nothing started.
    pub(crate) fn new(test: &str, setup: Setup) -> Result<Self, Failure> {
        let lab = Lab::new(&format!("{test}-{}", setup.title()), setup.pair)?;
        for node in lab.nodes() {
            let groups = format!("b1 IPaddr2::{}/24/eth0\nb2 IPaddr2::{}/24/eth0\n", VIPS[0], VIPS[1]);
            node.configure(&setup.ha_cf(), "auth 1\n1 sha1 ThisIsTheSharedSecretOfTheLab\n", &groups)?;
        }
        let watch = Watch::new(&lab)?;
        Ok(Self { watch, lab, setup, acts: Mutex::default(), aways: Mutex::default() })
    }

    /// Both start from cold, and each is at home.
    pub(crate) fn begin(&self) -> Result<(), Failure> {
        self.lab.nodes().iter().try_for_each(|node| node.start())?;
        self.settles_as("each node at home", START, |owners| *owners == [vec![1], vec![2]]).map(drop)
    }

    // --- what is done ------------------------------------------------------------------------

    /// Write down that something begins or ends here: what both sides heard before says nothing any more.
    pub(crate) fn note(&self, text: impl Into<String>) -> Instant {
        let now = Instant::now();
        held(&self.acts).push((now, text.into()));
        now
    }

    /// The node's daemon hears nothing from now on.
    pub(crate) fn leaves(&self, node: usize, leaves_addresses: bool) {
        let from = Instant::now();
        held(&self.aways).push(Away { node, from, to: None, leaves_addresses });
    }

    /// Whether it is away.
    pub(crate) fn is_off(&self, node: usize) -> bool {
        held(&self.aways).iter().any(|a| a.node == node && a.to.is_none())
    }

    /// It hears again.
    pub(crate) fn is_back(&self, node: usize) {
        let now = Instant::now();
        for away in held(&self.aways).iter_mut().filter(|a| a.node == node && a.to.is_none()) {
            away.to = Some(now);
        }
    }

    /// `kill -STOP` of everything on a node but the process that holds its namespaces; so `long` that the
    /// other takes over.
    pub(crate) fn pause(&self, node: usize, long: bool) -> Result<Instant, Failure> {
        self.leaves(node, long);
        self.lab.node(node).must(&["sh", "-c", "kill -STOP -1"])?;
        Ok(self.note(format!("b{node} sleeps")))
    }

    /// The same for so long only, in one go: how long it was in truth. A process started anew might come late.
    pub(crate) fn nap(&self, node: usize, long: Duration) -> Result<Duration, Failure> {
        self.leaves(node, true);
        self.note(format!("b{node} naps"));
        let script = stage::timed("kill -STOP -1", long, "kill -CONT -1");
        let took = stage::elapsed(&self.lab.node(node).must(&["sh", "-c", &script])?)?;
        self.is_back(node);
        self.note(format!("b{node} is awake after {took:?}"));
        Ok(took)
    }

    /// The longest time from then to now without a heartbeat at a node, as the watch heard them.
    pub(crate) fn longest_silence(&self, node: usize, from: Instant) -> Duration {
        let heard = self.watch.heartbeats_at(node).into_iter().filter(|at| *at > from);
        let times: Vec<Instant> = [from].into_iter().chain(heard).chain([Instant::now()]).collect();
        times.windows(2).map(|pair| pair[1].duration_since(pair[0])).max().unwrap_or_default()
    }

    /// `kill -CONT` of the same.
    pub(crate) fn wake(&self, node: usize) -> Result<Instant, Failure> {
        let at = self.note(format!("b{node} wakes"));
        self.lab.node(node).must(&["sh", "-c", "kill -CONT -1"])?;
        self.is_back(node);
        Ok(at)
    }

    /// What leaves these nodes' ends of these networks gets lost: 0 none of it, 100 all.
    pub(crate) fn loss(&self, nodes: &[usize], percent: u8) -> Result<Instant, Failure> {
        for &node in nodes {
            for network in 0..NETWORKS {
                self.lab.loss(Cable { node, network }, percent)?;
            }
        }
        Ok(self.note(format!("{percent} of 100 packets of {nodes:?} get lost")))
    }

    /// No path between the nodes for so long only, in one go: how long it was in truth.
    pub(crate) fn blink(&self, long: Duration) -> Result<Duration, Failure> {
        self.note("all paths are cut for a moment");
        let cables: Vec<Cable> = (0..NETWORKS).map(|network| Cable { node: 1, network }).collect();
        let took = self.lab.blink(&cables, long)?;
        self.note(format!("all paths are whole after {took:?}"));
        Ok(took)
    }

    /// How often each of [`VIPS`] changed hands since.
    pub(crate) fn changes(&self, from: Instant) -> [usize; 2] {
        VIPS.map(|vip| self.watch.spans(vip, Instant::now()).iter().filter(|s| s.from > from).count())
    }

    /// No path between the nodes, in either direction; the client sees b2 only.
    pub(crate) fn cut(&self) -> Result<Instant, Failure> {
        (0..NETWORKS).try_for_each(|network| self.lab.cut(Cable { node: 1, network }))?;
        Ok(self.note("all paths are cut"))
    }

    pub(crate) fn heal(&self) -> Result<Instant, Failure> {
        (0..NETWORKS).try_for_each(|network| self.lab.heal(Cable { node: 1, network }))?;
        Ok(self.note("all paths are whole"))
    }

    /// The power goes. See [`Lab::crash`].
    pub(crate) fn crash(&self, node: usize) -> Result<Instant, Failure> {
        self.leaves(node, false);
        let at = self.note(format!("b{node} loses power"));
        self.lab.crash(node)?;
        Ok(at)
    }

    /// The power comes back, and the daemon is started.
    pub(crate) fn boot(&self, node: usize) -> Result<Instant, Failure> {
        self.lab.power_on(node)?;
        self.start(node)
    }

    /// An orderly stop. A 3.0.6 daemon that is about to restart after a partition restarts nevertheless; then its
    /// administrator asks again.
    pub(crate) fn stop(&self, node: usize) -> Result<(), Failure> {
        self.note(format!("b{node} is stopped"));
        let (it, mut asked) = (self.lab.node(node), 0);
        while asked == 0 || it.flavour() == Flavour::Reference && it.daemon_runs() && asked < 5 {
            it.stop()?;
            asked += 1;
        }
        if it.daemon_runs() {
            bail!("b{node} was asked to stop, and runs");
        }
        self.leaves(node, false);
        self.note(format!("b{node} is down"));
        Ok(())
    }

    /// Start the daemon.
    pub(crate) fn start(&self, node: usize) -> Result<Instant, Failure> {
        self.note(format!("b{node} is started"));
        self.lab.node(node).start()?;
        self.is_back(node);
        Ok(self.note(format!("b{node} runs")))
    }

    // --- what is seen ------------------------------------------------------------------------

    /// Who holds each of [`VIPS`] now.
    pub(crate) fn owners(&self) -> [Vec<usize>; 2] {
        let held = self.lab.holdings();
        VIPS.map(|vip| (1..=2).filter(|n| held[n - 1].contains(vip)).collect())
    }

    /// Each address has exactly one owner and nothing moves any more.
    pub(crate) fn settles(&self, within: Duration) -> Result<[Vec<usize>; 2], Failure> {
        self.settles_as("one owner each", within, |owners| owners.iter().all(|o| o.len() == 1))
    }

    /// The owners are as wanted and nothing moves any more.
    pub(crate) fn settles_as(
        &self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&[Vec<usize>; 2]) -> bool,
    ) -> Result<[Vec<usize>; 2], Failure> {
        let look = || (self.owners(), self.lab.nodes().iter().map(|n| scripts(n).len()).sum::<usize>());
        let (mut last, mut since) = (look(), Instant::now());
        self.lab.wait_until(what, within, || {
            let now = look();
            if now != last || now.1 > 0 || !wanted(&now.0) {
                (last, since) = (now, Instant::now());
            }
            if since.elapsed() >= self.setup.calm() {
                Ok(())
            } else {
                Err(format!("owners are {:?}", last.0))
            }
        })?;
        Ok(last.0)
    }

    /// The rule of [`judge`] for everything so far, and that the watch missed nothing.
    pub(crate) fn judge(&self, limit: Duration) -> Result<judge::Tally, Failure> {
        for node in self.lab.nodes() {
            let (seen, held) = (self.watch.held(node.index()), node.vips());
            if seen != held {
                bail!("the watch missed something: b{} holds {held:?}, seen was {seen:?}", node.index());
            }
        }
        if [1, 2].iter().any(|node| self.watch.heartbeats_at(*node).is_empty()) {
            bail!("the watch heard no heartbeats: it could not see a double that lasts too long");
        }
        let mut tally = judge::Tally::default();
        let breaks: Vec<Instant> = held(&self.acts).iter().map(|(at, _)| *at).collect();
        let aways = held(&self.aways).clone();
        for vip in VIPS {
            for span in self.watch.spans(vip, Instant::now()) {
                let heard = [1, 2].map(|node| judge::awake(&self.watch.heartbeats_at(node), node, &aways));
                tally.add(vip, &span, judge::overstay(&span, &heard, &breaks), self.watch.began());
                tally.add_unserved(vip, &span, &aways, self.watch.began());
            }
        }
        if let Some((longest, text)) = &tally.worst
            && *longest > limit
        {
            bail!("two owners {:.3} s after they heard each other: {text}", longest.as_secs_f64());
        }
        Ok(tally)
    }

    /// Wait until the client was told by ARP where each address is. (A 3.0.6 daemon that had an address all the
    /// while does not announce it again when the other node has let go; ours does that for it, two real ones
    /// have nobody.)
    pub(crate) fn client_follows(&self) -> Result<(), Failure> {
        let macs = [1, 2].map(|node| self.lab.node(node).read("/sys/class/net/eth0/address"));
        self.lab.wait_until("announced to the client", ANNOUNCED, || {
            for (vip, owners) in VIPS.into_iter().zip(self.owners()) {
                let told =
                    self.watch.announced(vip).map(|(_, mac)| mac.map(|b| format!("{b:02x}")).join(":"));
                let [owner] = owners[..] else { return Err(format!("{vip} is held by {owners:?}")) };
                if self.setup.pair == [Flavour::Reference; 2] {
                    continue;
                }
                if told.as_deref() != Some(macs[owner - 1].trim()) {
                    return Err(format!(
                        "{vip} is at b{owner}, {}, the client was told {told:?}",
                        macs[owner - 1]
                    ));
                }
            }
            Ok(())
        })
    }

    /// When nodes were away.
    pub(crate) fn aways(&self) -> Vec<Away> {
        held(&self.aways).clone()
    }

    /// Acts and addresses, in the order of time.
    pub(crate) fn story(&self) -> String {
        let acts = held(&self.acts).iter().map(|(at, text)| (*at, format!("-- {text}"))).collect();
        self.watch.story(acts)
    }
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
