//! What is known of an address that is guarded, and what follows from that when it is missing: it is put back at once,
//! but not for ever at once.
//!
//! Two programs that each insist would otherwise spend the machine on each other, and fill the log.

use std::time::Duration;

use super::{Entry, Link, Snapshot};

/// So often in a row it is put back at once.
const AT_ONCE: u32 = 3;
/// The first pause after that; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(60);
/// Who lost nothing for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// How soon something may be done once more.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// How often in a row it was done.
    times: u32,
    /// When it may be done next.
    at: Duration,
    last: Duration,
}

impl Patience {
    /// When it may be done, where that is later than `now`.
    fn due(&self, now: Duration) -> Option<Duration> {
        (now < self.at).then_some(self.at)
    }

    /// It is done. How often in a row that was.
    fn count(&mut self, now: Duration) -> u32 {
        let times = if now < self.last + FORGOTTEN { self.times.saturating_add(1) } else { 1 };
        let pause = match times.saturating_sub(AT_ONCE) {
            0 => Duration::ZERO,
            n => PAUSE.saturating_mul(1 << (n - 1).min(16)).min(LONGEST),
        };
        *self = Self { times, at: now + pause, last: now };
        times
    }

    /// Whether it is due; then it counts.
    pub fn try_now(&mut self, now: Duration) -> bool {
        let due = self.due(now).is_none();
        if due {
            self.count(now);
        }
        due
    }
}

/// An address that is guarded.
#[derive(Debug)]
pub struct Ward {
    /// As it is to be.
    pub entry: Entry,
    /// With putting it back, on an interface that is up.
    up: Patience,
    /// The same on one that is down.
    down: Patience,
    /// It is missing on one that was down, and not put back there any more: one that flaps is no fight.
    waits: bool,
    /// With telling that the kernel would not.
    refused: Patience,
    /// The interface on which it was put back last.
    home: Option<u32>,
    /// It was told that there is none.
    homeless: bool,
}

/// What a look at it says.
#[derive(Debug, PartialEq, Eq)]
pub enum Finding<'a> {
    /// It is there.
    Up,
    /// Its interface is gone. What is to be told of that, the first time.
    Homeless(Option<String>),
    /// It is to be put back, there.
    Due(&'a Link),
    /// Not before then.
    Later(Duration),
}

impl Ward {
    /// Nothing is known of it yet.
    pub fn new(entry: Entry) -> Self {
        let home = entry.index;
        let (up, down, refused) = Default::default();
        Self { entry, up, down, waits: false, refused, home, homeless: false }
    }

    /// Whether it is missing, and what is to be done about it.
    pub fn look<'a>(&mut self, kernel: &'a Snapshot, now: Duration) -> Finding<'a> {
        let link = self.entry.link(kernel);
        let told = std::mem::replace(&mut self.homeless, link.is_none());
        let Some(link) = link else {
            let Entry { wanted, nic, .. } = &self.entry;
            let line = || {
                format!(
                    "Interface {nic} is gone and {} with it: it will be put back when the interface is there",
                    wanted.ip
                )
            };
            return Finding::Homeless((!told).then(line));
        };
        if self.entry.held(kernel).is_some() {
            return Finding::Up;
        }
        // What waited for its interface need not wait any longer once that is up.
        let waited = link.is_up() && self.waits;
        match self.patience(link).due(now).filter(|_| !waited) {
            None => Finding::Due(link),
            Some(at) => {
                self.waits |= !link.is_up();
                Finding::Later(at)
            }
        }
    }

    /// It moves there. Whether that is to be set up: it was made anew; one that somebody set down stays down.
    pub fn settle(&mut self, link: &Link) -> bool {
        let home = self.home.replace(link.index);
        !link.is_up() && home.is_some_and(|home| home != link.index)
    }

    /// It is there again; what is to be told. `raised`: the interface was set up for it.
    pub fn put_back(&mut self, link: &Link, raised: bool, now: Duration) -> String {
        let waited = std::mem::take(&mut self.waits) && link.is_up();
        let times = if waited { 0 } else { self.patience(link).count(now) };
        let row =
            if times > 1 { format!(" (for the {} time in a row)", ordinal(times)) } else { String::new() };
        let down =
            if link.is_up() || raised { String::new() } else { format!(", but {} is down", link.name) };
        format!("{}: put back{row}{down}", self.removed())
    }

    /// The kernel would not; what is to be told, if anything.
    pub fn refused(&mut self, why: &str, now: Duration) -> Option<String> {
        self.refused.try_now(now).then(|| format!("{}: {why}", self.removed()))
    }

    fn removed(&self) -> String {
        format!("{} is ours and was removed by somebody else", self.entry)
    }

    fn patience(&mut self, link: &Link) -> &mut Patience {
        if link.is_up() { &mut self.up } else { &mut self.down }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::plan::Wanted;
    use crate::agents::plan::snapshot::UP;

    const START: Duration = Duration::ZERO;

    fn ward() -> Ward {
        let wanted = Wanted { ip: "10.0.0.5".parse().unwrap(), bits: 24, broadcast: None, label: None };
        Ward::new(Entry { wanted, nic: "eth0".into(), index: Some(2) })
    }

    /// One interface, without an address.
    fn host(index: u32, flags: u32) -> Snapshot {
        let link = Link { index, name: "eth0".into(), flags, ..Link::default() };
        Snapshot { links: vec![link], ..Snapshot::default() }
    }

    /// Whether it is put back, and what is told then.
    fn lose(ward: &mut Ward, kernel: &Snapshot, now: Duration) -> Result<String, Duration> {
        match ward.look(kernel, now) {
            Finding::Due(link) => {
                let raised = ward.settle(link);
                Ok(ward.put_back(link, raised, now))
            }
            Finding::Later(at) => Err(at),
            other => panic!("{other:?}"),
        }
    }

    /// Somebody removes it again as soon as it is there.
    fn fight(seconds: u64) -> Vec<u64> {
        let (mut ward, mut now, mut put_back) = (ward(), START, Vec::new());
        while now < Duration::from_secs(seconds) {
            match lose(&mut ward, &host(2, UP), now) {
                Ok(_) => put_back.push(now.as_millis() as u64),
                Err(at) => now = at,
            }
        }
        put_back
    }

    #[test]
    fn a_fight_is_slow() {
        assert_eq!(fight(10), [0, 0, 0, 0, 500, 1500, 3500, 7500]);
        assert!(fight(3600).len() < 75, "one a minute in the end");
    }

    #[test]
    fn how_often_in_a_row_is_told_and_forgotten_in_peace() {
        let (mut ward, eth0) = (ward(), host(2, UP));
        let removed = "10.0.0.5/24 on eth0 is ours and was removed by somebody else: put back";
        assert_eq!(lose(&mut ward, &eth0, START).unwrap(), removed);
        assert_eq!(lose(&mut ward, &eth0, START).unwrap(), format!("{removed} (for the 2nd time in a row)"));
        assert_eq!(lose(&mut ward, &eth0, FORGOTTEN).unwrap(), removed);
    }

    /// The kernel takes it away with each time that goes down.
    #[test]
    fn an_interface_that_flaps_is_no_fight() {
        let mut ward = ward();
        for n in 0..12 {
            assert_eq!(lose(&mut ward, &host(2, 0), START).is_ok(), n < 4, "{n}");
            if n >= 4 {
                assert!(!lose(&mut ward, &host(2, UP), START).unwrap().contains("in a row"));
            }
        }
    }

    #[test]
    fn an_interface_made_anew_is_set_up_and_one_that_was_set_down_is_not() {
        let mut ward = ward();
        assert!(lose(&mut ward, &host(2, 0), START).unwrap().ends_with(", but eth0 is down"));
        assert!(!lose(&mut ward, &host(3, 0), START).unwrap().contains("is down"));
        assert!(lose(&mut ward, &host(3, 0), START).unwrap().ends_with(", but eth0 is down"));
    }

    #[test]
    fn an_interface_that_goes_is_told_once_each_time() {
        let (mut ward, mut eth0, none) = (ward(), host(2, UP), Snapshot::default());
        for _ in 0..2 {
            assert!(matches!(ward.look(&none, START), Finding::Homeless(Some(_))));
            assert_eq!(ward.look(&none, START), Finding::Homeless(None));
            eth0.addrs = vec![ward.entry.wanted.on(&eth0.links[0])];
            assert_eq!(ward.look(&eth0, START), Finding::Up);
        }
    }

    #[test]
    fn what_the_kernel_refuses_is_told_more_and_more_seldom_and_is_no_fight() {
        let (mut ward, eth0) = (ward(), host(2, UP));
        let told = (0..60).filter_map(|second| ward.refused("no", Duration::from_secs(second))).count();
        assert!((1..12).contains(&told), "{told}");
        assert!(lose(&mut ward, &eth0, Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn ordinals() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 22, 33, 111].map(ordinal).join(" ");
        assert_eq!(all, "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 33rd 111th");
    }
}
