//! What is on the list ([`ledger`]) and not up was taken away by somebody else: it is put back.
//!
//! The list is compared while its [`turn`] is held, so that whoever releases an address in an orderly way is never
//! taken for somebody else. How soon and how often is decided in [`plan::guard`](super::plan::guard).

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::announce::{Announcement, Crew};
use super::netlink::{self, Conversation};
use super::plan::guard::Patience;
use super::plan::{Entry, Link, Op, Owner, Place, Schedule};
use super::{ledger, turn};
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
    /// Apart for an interface that is up and one that is down.
    patience: Patience<(Place, bool)>,
    /// Missing on an interface that was down, and not put back there any more: one that flaps is no fight.
    waiting: BTreeSet<Place>,
    /// With telling that the kernel would not.
    refused: Patience<Place>,
    /// With telling that nothing can be seen.
    blind: Patience<()>,
    /// On which interface each was last put back.
    homes: BTreeMap<Place, u32>,
    /// Addresses whose interface is gone; told once.
    homeless: BTreeSet<Place>,
}

impl Guard {
    /// For the addresses of this owner.
    pub fn new(owner: Owner, crew: Crew) -> Self {
        Self {
            owner,
            crew,
            born: Instant::now(),
            patience: Patience::default(),
            waiting: BTreeSet::new(),
            refused: Patience::default(),
            blind: Patience::default(),
            homes: BTreeMap::new(),
            homeless: BTreeSet::new(),
        }
    }

    /// Compares, and puts back. In how long to look again, if anything is missing still.
    pub fn look(&mut self, say: &mut dyn FnMut(Level, &str)) -> Option<Duration> {
        self.compare(say).unwrap_or_else(|error| {
            // Not each time: that would be for ever.
            if self.blind.try_now(&(), self.born.elapsed()) {
                say(Level::Error, &format!("Cannot see whether the addresses are up: {error}"));
            }
            Some(SOON)
        })
    }

    fn compare(&mut self, say: &mut dyn FnMut(Level, &str)) -> Result<Option<Duration>, Box<dyn Error>> {
        // Without a turn, or a list that can be read, nobody knows whether a missing address was released.
        let _turn = turn::wait().map_err(|error| format!("{RSCTMP}: {error}"))?;
        let list = ledger::read().map_err(|error| format!("{ADDRESSES}: {error}"))?;
        let ours = list.may_be_of(self.owner);
        let places: BTreeSet<Place> = list.entries.iter().filter(|_| ours).map(Entry::place).collect();
        self.forget_all_but(&places);
        if places.is_empty() {
            return Ok(None);
        }
        let mut talk = Conversation::open()?;
        let now = talk.holdings()?;
        let missing = list.entries.iter().filter(|entry| entry.held(&now).is_none());
        let missing: Vec<(&Entry, Option<&Link>)> = missing.map(|e| (e, e.link(&now))).collect();
        self.tell_of_homeless(&missing, say);
        let (due, next) = self.due(&missing);
        let all_back = self.put_back(&mut talk, &due, say);
        take_back(&mut talk, &due);
        let next = next.map(|at| at.saturating_sub(self.born.elapsed()));
        // The kernel need not tell when it would take the others.
        Ok(next.into_iter().chain((!all_back).then_some(SOON)).min())
    }

    fn forget_all_but(&mut self, places: &BTreeSet<Place>) {
        self.patience.retain(|(place, _)| places.contains(place));
        self.refused.retain(|place| places.contains(place));
        self.homeless.retain(|place| places.contains(place));
        self.waiting.retain(|place| places.contains(place));
        self.homes.retain(|place, _| places.contains(place));
    }

    fn tell_of_homeless(&mut self, missing: &[(&Entry, Option<&Link>)], say: &mut dyn FnMut(Level, &str)) {
        let homeless = missing.iter().filter(|(_, link)| link.is_none()).map(|(entry, _)| entry.place());
        let homeless: BTreeSet<Place> = homeless.collect();
        let lines = homeless.difference(&self.homeless).map(|(ip, nic)| {
            format!(
                "Interface {nic} is gone and {ip} with it: it will be put back when the interface is there"
            )
        });
        tell(lines.collect(), Level::Error, say);
        self.homeless = homeless;
    }

    /// What is to be put back now, and when the next of the others is.
    fn due<'a>(
        &mut self,
        missing: &[(&'a Entry, Option<&'a Link>)],
    ) -> (Vec<(&'a Entry, &'a Link)>, Option<Duration>) {
        let (mut due, mut next) = (Vec::new(), None::<Duration>);
        let now = self.born.elapsed();
        for (entry, link) in missing.iter().filter_map(|(entry, link)| Some((*entry, (*link)?))) {
            let (place, up) = (entry.place(), link.is_up());
            // What waited for its interface need not wait any longer once that is up.
            let waited = up && self.waiting.contains(&place);
            match self.patience.due(&(place.clone(), up), now).filter(|_| !waited) {
                None => due.push((entry, link)),
                Some(at) => {
                    next = Some(next.map_or(at, |next| next.min(at)));
                    if !up {
                        self.waiting.insert(place);
                    }
                }
            }
        }
        (due, next)
    }

    /// Whether all of them are back.
    fn put_back(
        &mut self,
        talk: &mut Conversation,
        due: &[(&Entry, &Link)],
        say: &mut dyn FnMut(Level, &str),
    ) -> bool {
        let ops: Vec<Op> = due.iter().map(|(entry, link)| Op::Add(entry.wanted.on(link))).collect();
        let (mut lines, mut back) = (Vec::new(), Vec::new());
        let answers = talk.apply(&ops);
        let raised = self.raise(talk, due);
        for ((entry, link), answer) in due.iter().zip(answers) {
            let removed = format!("{} is ours and was removed by somebody else", shown(entry));
            match answer {
                Ok(()) => {
                    let down = if link.is_up() || raised.contains(&link.index) {
                        String::new()
                    } else {
                        format!(", but {} is down", link.name)
                    };
                    let what = announcement(entry, &link.name, Schedule::IPADDR2);
                    back.push((what, *link));
                    lines.push(format!("{removed}: put back{}{down}", self.count(entry, link)));
                }
                Err(error) if self.refused.try_now(&entry.place(), self.born.elapsed()) => {
                    lines.push(format!("{removed}: {error}"));
                }
                Err(_) => {}
            }
        }
        let all_back = back.len() == due.len();
        // What could not be sent is sent again soon, and the address is up.
        let _ = self.crew.announce(back.into_iter().filter(|(_, link)| !link.is_loopback()).collect());
        tell(lines, Level::Error, say);
        all_back
    }

    /// Sets those up that were made anew; one that somebody set down stays down.
    fn raise(&mut self, talk: &mut Conversation, due: &[(&Entry, &Link)]) -> BTreeSet<u32> {
        let mut new = BTreeSet::new();
        for (entry, link) in due {
            let home = self.homes.insert(entry.place(), link.index).or(entry.index);
            if !link.is_up() && home.is_some_and(|home| home != link.index) {
                new.insert(link.index);
            }
        }
        let ops: Vec<Op> = new.iter().copied().map(Op::LinkUp).collect();
        let done = new.into_iter().zip(talk.apply(&ops));
        done.filter_map(|(index, answer)| answer.ok().map(|()| index)).collect()
    }

    fn count(&mut self, entry: &Entry, link: &Link) -> String {
        let what = (entry.place(), link.is_up());
        if self.waiting.remove(&what.0) && what.1 {
            return String::new();
        }
        self.patience.count(&what, self.born.elapsed());
        match self.patience.times(&what) {
            0 | 1 => String::new(),
            n => format!(" (for the {} time in a row)", ordinal(n)),
        }
    }
}

fn ordinal(n: u32) -> String {
    let end = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// Who could not wait for its turn any more may have released some of these meanwhile.
fn take_back(talk: &mut Conversation, due: &[(&Entry, &Link)]) {
    let Ok(list) = ledger::read() else { return };
    let left: BTreeSet<Place> = list.entries.iter().map(Entry::place).collect();
    let released = due.iter().filter(|(entry, _)| !left.contains(&entry.place()));
    let ops: Vec<Op> = released.map(|(entry, link)| Op::Remove(entry.wanted.on(link))).collect();
    // What is gone already is no fault.
    let _ = talk.apply(&ops);
}

/// Announces what is up once more, in one slow round.
pub fn refresh(crew: &Crew) {
    let entries = ledger::read().unwrap_or_default().entries;
    let again = |entry: &Entry| announcement(entry, &entry.nic, Schedule::new(1, 1000));
    crew.remind(entries.iter().map(again).collect());
}

fn announcement(entry: &Entry, nic: &str, schedule: Schedule) -> Announcement {
    Announcement { ip: entry.wanted.ip, nic: nic.to_owned(), schedule, while_held: true }
}

/// An address as log lines name it.
pub fn shown(entry: &Entry) -> String {
    format!("{}/{} on {}", entry.wanted.ip, entry.wanted.bits, entry.nic)
}

/// The first lines, and how many more there were.
pub fn tell(lines: Vec<String>, level: Level, say: &mut dyn FnMut(Level, &str)) {
    let more = lines.len().saturating_sub(LINES);
    lines.iter().take(LINES).for_each(|line| say(level, line));
    if more > 0 {
        say(level, &format!("and {more} more of the same"));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn ordinals() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 22, 33, 111].map(super::ordinal).join(" ");
        assert_eq!(all, "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 33rd 111th");
    }
}
