//! Which rows the kernel's table should have for a virtual service (ldirectord.md sections 9 and 10).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::state::{Health, Server, Watched};
use super::step::Subject;
use crate::director::config::{CheckKind, Real, Virtual};
use crate::director::table::{Dest, Service, ServiceId};

/// Why the table is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Start or reload.
    Begin,
    /// Something became known of a server.
    Change,
    /// Others may have changed it.
    Correct,
}

/// What should become of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is to be there, like this.
    Must,
    /// If it is there, it is to be like this.
    IfThere,
    /// It stays as it is, there or not.
    Keep,
    /// It is not to be there.
    Absent,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// What should become of it.
    pub presence: Presence,
    /// How it should be.
    pub dest: Dest,
    /// Whose row it is.
    pub subject: Subject,
    /// The server's address in the configuration: its port may be another one.
    pub named: SocketAddr,
    /// It is down, and gets nothing new. One that is up may have weight 0 too.
    pub resting: bool,
}

/// All that is wanted of one virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub id: ServiceId,
    /// How it spreads its connections.
    pub service: Service,
    /// Its rows, in the order in which they are to be dealt with.
    pub order: Vec<SocketAddr>,
    /// What should become of each.
    pub rows: BTreeMap<SocketAddr, Want>,
    /// Whether rows that are not named here go.
    pub purge: bool,
}

/// What is wanted of a service. `readd`: servers that are down are put into the table where they are missing.
pub fn wanted(virt: &Virtual, watched: &Watched, readd: bool, occasion: Occasion) -> Wanted {
    let mut wanted = Wanted {
        id: virt.id,
        service: virt.kernel.clone(),
        order: Vec::new(),
        rows: BTreeMap::new(),
        // While nobody is known to serve, what is there is left there: it may be all that clients have.
        purge: watched.fallback_on().is_some() && (occasion != Occasion::Change || !watched.swept),
    };
    for (real, server) in virt.reals.iter().zip(&watched.servers) {
        wanted.put(virt.key(real.at, real.forward), of_real(virt, real, server, readd, occasion));
    }
    if let Some(fallback) = &virt.fallback {
        let presence = match watched.fallback_on() {
            Some(true) => Presence::Must,
            Some(false) => Presence::Absent,
            None => Presence::Keep,
        };
        let (subject, named) = (Subject::Fallback, fallback.at);
        let want = Want { presence, dest: fallback.dest(), subject, named, resting: false };
        wanted.put(virt.key(fallback.at, fallback.forward), want);
    }
    wanted
}

fn of_real(virt: &Virtual, real: &Real, server: &Server, readd: bool, occasion: Occasion) -> Want {
    let up = real.dest();
    let by_hand = virt.check.kind == CheckKind::Off && !server.unplaced;
    let (presence, dest) = match server.health {
        Health::Up => (Presence::Must, up),
        Health::Unknown => (Presence::Keep, up),
        // Who is not checked comes in by hand, and counts at the next start or reload.
        Health::Down if by_hand && occasion == Occasion::Correct => (Presence::Keep, up),
        Health::Down if !virt.quiescent => (Presence::Absent, up),
        Health::Down if readd || server.unplaced => (Presence::Must, quiet(up)),
        Health::Down => (Presence::IfThere, quiet(up)),
    };
    let resting = server.health == Health::Down;
    Want { presence, dest, subject: Subject::Real, named: real.at, resting }
}

/// A server that gets nothing new. The reference tells the kernel no thresholds then, which takes them away.
fn quiet(up: Dest) -> Dest {
    Dest { weight: 0, upper: 0, lower: 0, ..up }
}

impl Want {
    /// Whose wish comes first where two have the same row: who serves, who may, who waits, who is out. A
    /// fallback that is off takes no row from anybody.
    fn rank(&self) -> u8 {
        match self.presence {
            Presence::Must if self.dest.weight > 0 => 5,
            Presence::Keep => 4,
            Presence::Must => 3,
            Presence::IfThere => 2,
            Presence::Absent if self.subject == Subject::Real => 1,
            Presence::Absent => 0,
        }
    }
}

impl Wanted {
    /// Of two servers with the same right the last one named has it, as with the reference.
    fn put(&mut self, key: SocketAddr, want: Want) {
        let same_right = |there: &Want| want.subject == Subject::Real && want.rank() == there.rank();
        match self.rows.get_mut(&key) {
            None => {
                self.order.push(key);
                self.rows.insert(key, want);
            }
            Some(there) if want.rank() > there.rank() || same_right(there) => *there = want,
            Some(_) => {}
        }
    }
}
