//! What is on the list ([`ledger`]) and not up was taken away by somebody else: it is put back.
//!
//! The list is compared while its [`turn`] is held, so that whoever releases an address in an orderly way is never
//! taken for somebody else. How soon and how often is decided in [`plan::guard`](super::plan::guard). Whoever removes
//! the list itself is somebody else, too: it is written again, with what is up.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::announce::{Announcement, Crew};
use super::ledger;
use super::netlink::{self, Conversation};
use super::plan::guard::{Finding, Patience, Ward};
use super::plan::{Entry, Ledger, Link, Op, Owner, Place, Schedule, Snapshot, Spot};
use super::turn::{self, Turn};
use crate::level::Level;
use crate::paths::{ADDRESSES, RSCTMP};

/// Lines for single addresses at once; the others are counted.
const LINES: usize = 5;
/// Who could not see, or not put back, looks again after this.
const SOON: Duration = Duration::from_secs(1);

/// The kernel's news of addresses that go, and of links.
#[derive(Debug)]
pub struct News(crate::netlink::News);

impl News {
    /// Listens from now on.
    pub fn open() -> io::Result<Self> {
        use crate::netlink::News;
        News::open(News::LINKS | News::IPV4 | News::IPV6).map(Self)
    }

    /// Takes all there is. Whether some of it calls for a look: addresses that come do not; what was lost does.
    pub fn take(&self) -> bool {
        let mut look = false;
        let lost = self.0.take(|datagram| look |= netlink::tells_of_loss(datagram));
        look || lost
    }
}

impl AsFd for News {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Puts back what is missing.
pub struct Guard {
    owner: Owner,
    crew: Crew,
    born: Instant,
    /// What is on the list, in its order.
    wards: Vec<Ward>,
    /// It said that they are this owner's.
    owned: bool,
    /// With telling that nothing can be seen.
    blind: Patience,
}

impl Guard {
    /// For the addresses of this owner.
    pub fn new(owner: Owner, crew: Crew) -> Self {
        Self {
            owner,
            crew,
            born: Instant::now(),
            wards: Vec::new(),
            owned: false,
            blind: Patience::default(),
        }
    }

    /// The list has changed. Whether that calls for a look: somebody has removed it.
    pub fn heed(&mut self) -> bool {
        match ledger::find() {
            Ok(list) if self.was_removed(list.as_ref()) => return true,
            Ok(list) => self.remember(list.unwrap_or_default()),
            // The next look tells.
            Err(_) => {}
        }
        false
    }

    /// Whoever puts an address up after that begins a list anew, and cannot know whose it was. One that could not be
    /// written was emptied.
    fn was_removed(&self, list: Option<&Ledger>) -> bool {
        let anew = |list: &Ledger| list.owner.is_none() && !list.entries.is_empty();
        self.owned && list.is_none_or(anew)
    }

    /// Compares, and puts back. In how long to look again, if anything is missing still.
    pub fn look(&mut self, say: &mut dyn FnMut(Level, &str)) -> Option<Duration> {
        self.compare(say).unwrap_or_else(|error| {
            // Not each time: that would be for ever.
            if self.blind.try_now(self.born.elapsed()) {
                say(Level::Error, &format!("Cannot see whether the addresses are up: {error}"));
            }
            Some(SOON)
        })
    }

    fn compare(&mut self, say: &mut dyn FnMut(Level, &str)) -> Result<Option<Duration>, Box<dyn Error>> {
        // Without a turn, or a list that can be read, nobody knows whether a missing address was released.
        let turn = turn::wait().map_err(|error| format!("{RSCTMP}: {error}"))?;
        let of_list = |error: io::Error| format!("{ADDRESSES}: {error}");
        let list = ledger::find().map_err(of_list)?;
        let removed = self.was_removed(list.as_ref());
        let list = list.unwrap_or_default();
        if !removed {
            self.remember(list.clone());
        }
        if self.wards.is_empty() && !removed {
            return Ok(None);
        }
        let mut talk = Conversation::open()?;
        let kernel = talk.holdings()?;
        if removed {
            self.write_again(&turn, list, &kernel, say).map_err(of_list)?;
        }
        let now = self.born.elapsed();
        let (mut lines, mut due, mut next) = (Vec::new(), Vec::new(), None::<Duration>);
        for ward in &mut self.wards {
            match ward.look(&kernel, now) {
                Finding::Up => {}
                Finding::Homeless(line) => lines.extend(line),
                Finding::Due(link) => due.push((ward, link)),
                Finding::Later(at) => next = Some(next.map_or(at, |next| next.min(at))),
            }
        }
        tell(lines, Level::Error, say);
        let all_back = put_back(&mut talk, &self.crew, &mut due, now, say);
        take_back(&mut talk, &kernel, &due);
        let next = next.map(|at| at.saturating_sub(self.born.elapsed()));
        // The kernel need not tell when it would take the others.
        Ok(next.into_iter().chain((!all_back).then_some(SOON)).min())
    }

    /// What is on the list is ours; of what is not, everything is forgotten.
    fn remember(&mut self, list: Ledger) {
        let ours = list.may_be_of(self.owner);
        self.owned = list.owner == Some(self.owner);
        let mut known: BTreeMap<Place, Ward> =
            self.wards.drain(..).map(|ward| (ward.entry.place(), ward)).collect();
        let wards = list.entries.into_iter().filter(|_| ours).map(|entry| {
            let mut ward = known.remove(&entry.place()).unwrap_or_else(|| Ward::new(entry.clone()));
            ward.entry = entry;
            ward
        });
        self.wards = wards.collect();
    }

    /// Somebody has removed the list. What was on it and is not up may have been released meanwhile.
    fn write_again(
        &mut self,
        turn: &Turn,
        anew: Ledger,
        kernel: &Snapshot,
        say: &mut dyn FnMut(Level, &str),
    ) -> io::Result<()> {
        let all = self.wards.iter().map(|ward| ward.entry.clone());
        let (up, others): (Vec<Entry>, Vec<Entry>) = all.partition(|entry| entry.held(kernel).is_some());
        let mut list = Ledger { owner: Some(self.owner), entries: up };
        list.add(&anew.entries, kernel);
        ledger::write_again(turn, &list)?;
        let known = list.entries.len();
        say(
            Level::Warn,
            &format!(
                "{ADDRESSES} was removed by somebody else: written again, with the {known} known addresses that are up"
            ),
        );
        let listed: BTreeSet<Spot<'_>> = anew.entries.iter().map(|entry| entry.spot(kernel)).collect();
        let doubtful = others.iter().filter(|entry| !listed.contains(&entry.spot(kernel)));
        let lines = doubtful
            .map(|entry| format!("{entry} was on it and is not up: not put back, it may have been released"));
        tell(lines.collect(), Level::Warn, say);
        self.remember(list);
        Ok(())
    }
}

/// Whether all of them are back.
fn put_back(
    talk: &mut Conversation,
    crew: &Crew,
    due: &mut [(&mut Ward, &Link)],
    now: Duration,
    say: &mut dyn FnMut(Level, &str),
) -> bool {
    let ops: Vec<Op> = due.iter().map(|(ward, link)| Op::Add(ward.entry.wanted.on(link))).collect();
    let answers = talk.apply(&ops);
    let raised = raise(talk, due);
    let (mut lines, mut back) = (Vec::new(), Vec::new());
    for ((ward, link), answer) in due.iter_mut().zip(answers) {
        match answer {
            Ok(()) => {
                back.push((announcement(&ward.entry, link, Schedule::IPADDR2), *link));
                lines.push(ward.put_back(link, raised.contains(&link.index), now));
            }
            Err(error) => lines.extend(ward.refused(&error.to_string(), now)),
        }
    }
    let all_back = back.len() == due.len();
    // What could not be sent is sent again soon, and the address is up.
    let _ = crew.announce(back.into_iter().filter(|(_, link)| !link.is_loopback()).collect());
    tell(lines, Level::Error, say);
    all_back
}

/// Sets those up that were made anew. Which ones that are.
fn raise(talk: &mut Conversation, due: &mut [(&mut Ward, &Link)]) -> BTreeSet<u32> {
    let new = due.iter_mut().filter_map(|(ward, link)| ward.settle(link).then_some(link.index));
    let new: BTreeSet<u32> = new.collect();
    let ops: Vec<Op> = new.iter().copied().map(Op::LinkUp).collect();
    let done = new.into_iter().zip(talk.apply(&ops));
    done.filter_map(|(index, answer)| answer.ok().map(|()| index)).collect()
}

/// Who could not wait for its turn any more may have released some of these meanwhile.
fn take_back(talk: &mut Conversation, kernel: &Snapshot, due: &[(&mut Ward, &Link)]) {
    let Ok(list) = ledger::read() else { return };
    let left = list.entries.iter().filter_map(|entry| Some((entry.wanted.ip, entry.link(kernel)?.index)));
    let left: BTreeSet<(IpAddr, u32)> = left.collect();
    let released = due.iter().filter(|(ward, link)| !left.contains(&(ward.entry.wanted.ip, link.index)));
    let ops: Vec<Op> = released.map(|(ward, link)| Op::Remove(ward.entry.wanted.on(link))).collect();
    // What is gone already is no fault.
    let _ = talk.apply(&ops);
}

/// Announces what is up once more, in one slow round.
pub fn refresh(crew: &Crew) {
    let entries = ledger::read().unwrap_or_default().entries;
    // Who cannot see that now can the next time.
    let Ok(kernel) = Conversation::open().and_then(|mut talk| talk.holdings()) else { return };
    let held = entries.iter().filter_map(|entry| Some((entry, kernel.link_at(entry.held(&kernel)?.index)?)));
    crew.remind(held.map(|(entry, link)| announcement(entry, link, Schedule::new(1, 1000))).collect());
}

fn announcement(entry: &Entry, link: &Link, schedule: Schedule) -> Announcement {
    Announcement { ip: entry.wanted.ip, nic: link.name.clone(), schedule, while_held: true }
}

/// The first lines, and how many more there were.
pub fn tell(lines: Vec<String>, level: Level, say: &mut dyn FnMut(Level, &str)) {
    let more = lines.len().saturating_sub(LINES);
    lines.iter().take(LINES).for_each(|line| say(level, line));
    if more > 0 {
        say(level, &format!("and {more} more of the same"));
    }
}
