//! The list of addresses that are up because of us, as text: one line each, and whose they are.
//!
//! ```text
//! owner 4711 88123
//! 10.0.0.5/24 eth0 index=2 broadcast=10.0.0.255 label=eth0:0
//! fd00::5/64 eth0 index=2
//! ```

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};

use super::ops::{self, Op, Wanted};
use super::snapshot::{Addr, Link, Snapshot};

/// The process that answers for the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its id.
    pub pid: u32,
    /// When it was born, in the kernel's ticks since boot: ids are given out again.
    pub born: u64,
}

/// An address that is up, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Address, prefix, broadcast, label.
    pub wanted: Wanted,
    /// The interface's name, when it was put up.
    pub nic: String,
    /// The kernel's number for it: it keeps that under another name. Older versions wrote none.
    pub index: Option<u32>,
}

/// An address on the interface that had that name and that number.
pub type Place = (IpAddr, String, Option<u32>);

/// An address on the interface of that number, or of that name where there is none now.
pub type Spot<'a> = (IpAddr, Result<u32, &'a str>);

/// An address that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The address.
    pub ip: IpAddr,
    /// From this interface; from all of them where none is named.
    pub nic: Option<String>,
    /// From the one of this number only.
    pub index: Option<u32>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Whose they are.
    pub owner: Option<Owner>,
    /// In the order in which they were put up.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// An address on an interface.
    pub fn new(wanted: Wanted, link: &Link) -> Self {
        Self { wanted, nic: link.name.clone(), index: Some(link.index) }
    }

    /// As the kernel has it.
    pub fn of(addr: &Addr, now: &Snapshot) -> Option<Self> {
        let link = now.link_at(addr.index)?;
        let label = addr.label.clone().filter(|label| *label != link.name);
        Some(Self::new(Wanted { ip: addr.ip, bits: addr.bits, broadcast: addr.broadcast, label }, link))
    }

    /// Which one of them it is.
    pub fn place(&self) -> Place {
        (self.wanted.ip, self.nic.clone(), self.index)
    }

    /// Where it belongs now: one that is up there is the same.
    pub fn spot<'a>(&'a self, now: &Snapshot) -> Spot<'a> {
        (self.wanted.ip, self.link(now).map_or(Err(&self.nic), |link| Ok(link.index)))
    }

    /// This one, gone.
    pub fn gone(&self) -> Gone {
        Gone { ip: self.wanted.ip, nic: Some(self.nic.clone()), index: self.index }
    }

    /// Its interface: the one of its number, whatever the name; else the one of its name, made anew.
    pub fn link<'a>(&self, now: &'a Snapshot) -> Option<&'a Link> {
        self.links(now).next()
    }

    fn links<'a>(&self, now: &'a Snapshot) -> impl Iterator<Item = &'a Link> {
        let same = self.index.and_then(|index| now.link_at(index));
        let named = now.link(&self.nic).filter(|named| same.is_none_or(|same| same.index != named.index));
        same.into_iter().chain(named)
    }

    /// Where it is up: on its interface, with whatever prefix.
    pub fn held<'a>(&self, now: &'a Snapshot) -> Option<&'a Addr> {
        self.links(now).find_map(|link| now.on(link, self.wanted.ip))
    }

    /// What takes it down: from its interface, whatever the prefix; from all where that is gone.
    pub fn down(&self, now: &Snapshot) -> Vec<Op> {
        let from = |link| ops::down(now, self.wanted.ip, link);
        match self.link(now) {
            Some(_) => self.links(now).flat_map(|link| from(Some(link))).collect(),
            None => from(None),
        }
    }

    fn line(&self) -> String {
        let Wanted { ip, bits, broadcast, label } = &self.wanted;
        let mut line = format!("{ip}/{bits} {}", self.nic);
        if let Some(index) = self.index {
            let _ = write!(line, " index={index}");
        }
        if let Some(broadcast) = broadcast {
            let _ = write!(line, " broadcast={broadcast}");
        }
        if let Some(label) = label {
            let _ = write!(line, " label={label}");
        }
        line + "\n"
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (ip, bits) = words.next()?.split_once('/')?;
        let ip: IpAddr = ip.parse().ok()?;
        let bits = bits.parse().ok().filter(|bits| *bits <= super::prefix::width(ip))?;
        let nic = words.next()?.to_owned();
        let (mut index, mut broadcast, mut label) = (None, None, None);
        for word in words {
            match word.split_once('=') {
                Some(("index", text)) => index = Some(text.parse().ok()?),
                Some(("broadcast", text)) => broadcast = Some(text.parse::<Ipv4Addr>().ok()?),
                Some(("label", text)) => label = Some(text.to_owned()),
                _ => {}
            }
        }
        Some(Self { wanted: Wanted { ip, bits, broadcast, label }, nic, index })
    }
}

/// As log lines name it.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} on {}", self.wanted.ip, self.wanted.bits, self.nic)
    }
}

impl Ledger {
    /// From text. Lines that make no sense count for nothing: a half-written one was never acted on.
    pub fn parse(text: &str) -> Self {
        let mut ledger = Self::default();
        for line in text.lines() {
            match line.strip_prefix("owner ").and_then(owner) {
                Some(owner) => ledger.owner = Some(owner),
                None => ledger.entries.extend(Entry::read(line)),
            }
        }
        ledger
    }

    /// The text of it.
    pub fn text(&self) -> String {
        let head = self.owner.map(|Owner { pid, born }| format!("owner {pid} {born}\n"));
        head.into_iter().chain(self.entries.iter().map(Entry::line)).collect()
    }

    /// Whether these are this owner's. A list that says nothing of that was lost for a while, where it could not be
    /// written, and what stands on it came later.
    pub fn may_be_of(&self, owner: Owner) -> bool {
        self.owner.is_none_or(|whose| whose == owner)
    }

    /// Adds these, in place of older ones for the same addresses on the same interfaces, whatever their names were.
    pub fn add(&mut self, new: &[Entry], now: &Snapshot) {
        let spots: BTreeSet<Spot<'_>> = new.iter().map(|e| e.spot(now)).collect();
        self.entries.retain(|e| !spots.contains(&e.spot(now)));
        self.entries.extend_from_slice(new);
    }

    /// Strikes these out.
    pub fn strike(&mut self, gone: &[Gone]) {
        let gone = Self::among(gone);
        self.entries.retain(|e| !gone(e));
    }

    /// Whether one of these is listed.
    pub fn lists(&self, gone: &[Gone]) -> bool {
        self.entries.iter().any(Self::among(gone))
    }

    /// What takes these down where their interfaces have other names by now.
    pub fn renamed(&self, gone: &[Gone], now: &Snapshot) -> Vec<Op> {
        let gone = Self::among(gone);
        let places =
            self.entries.iter().filter(|e| gone(e)).filter_map(|e| Some((e, now.link_at(e.index?)?)));
        places.flat_map(|(e, link)| ops::down(now, e.wanted.ip, Some(link))).collect()
    }

    fn among(gone: &[Gone]) -> impl Fn(&Entry) -> bool {
        let gone: BTreeSet<(IpAddr, Option<&str>, Option<u32>)> =
            gone.iter().map(|g| (g.ip, g.nic.as_deref(), g.index)).collect();
        move |e| {
            let nic = Some(&*e.nic);
            [(None, None), (nic, None), (nic, e.index)]
                .iter()
                .any(|at| gone.contains(&(e.wanted.ip, at.0, at.1)))
        }
    }
}

fn owner(text: &str) -> Option<Owner> {
    let (pid, born) = text.split_once(' ')?;
    Some(Owner { pid: pid.parse().ok()?, born: born.trim().parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ip: &str, bits: u8, nic: &str) -> Entry {
        Entry {
            wanted: Wanted { ip: ip.parse().unwrap(), bits, broadcast: None, label: None },
            nic: nic.into(),
            index: None,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut full = entry("10.0.0.5", 24, "eth0");
        full.wanted.broadcast = Some("10.0.0.255".parse().unwrap());
        full.wanted.label = Some("eth0:0".into());
        full.index = Some(2);
        let ledger = Ledger {
            owner: Some(Owner { pid: 4711, born: 88123 }),
            entries: vec![full, entry("fd00::5", 64, "bond0.7")],
        };
        let text = "owner 4711 88123\n10.0.0.5/24 eth0 index=2 broadcast=10.0.0.255 label=eth0:0\nfd00::5/64 bond0.7\n";
        assert_eq!(ledger.text(), text);
        assert_eq!(Ledger::parse(text), ledger);
    }

    #[test]
    fn what_makes_no_sense_counts_for_nothing() {
        let text = "owner x\n10.0.0.5/99 eth0\n10.0.0.5 eth0\n10.0.0.5/24\nfd00::5/64 eth0 new=1\nrubb";
        assert_eq!(Ledger::parse(text), Ledger { owner: None, entries: vec![entry("fd00::5", 64, "eth0")] });
    }

    #[test]
    fn an_address_stands_once_for_each_interface() {
        let (mut ledger, unseen) = (Ledger::default(), Snapshot::default());
        ledger.add(&[entry("10.0.0.5", 24, "eth0"), entry("10.0.0.6", 24, "eth0")], &unseen);
        ledger.add(&[entry("10.0.0.5", 32, "eth0"), entry("10.0.0.6", 24, "eth1")], &unseen);
        let lines = |ledger: &Ledger| ledger.entries.iter().map(Entry::line).collect::<String>();
        assert_eq!(lines(&ledger), "10.0.0.6/24 eth0\n10.0.0.5/32 eth0\n10.0.0.6/24 eth1\n");
    }

    #[test]
    fn what_is_gone_from_one_interface_stays_on_the_others() {
        let all =
            [entry("10.0.0.5", 24, "eth0"), entry("10.0.0.5", 24, "eth1"), entry("10.0.0.6", 24, "eth0")];
        let left = |nic: Option<&str>| {
            let mut ledger = Ledger { owner: None, entries: all.to_vec() };
            ledger.strike(&[Gone {
                ip: "10.0.0.5".parse().unwrap(),
                nic: nic.map(str::to_owned),
                index: None,
            }]);
            ledger.entries
        };
        assert_eq!(left(Some("eth1")), [all[0].clone(), all[2].clone()]);
        assert_eq!(left(Some("eth9")), all);
        assert_eq!(left(None), [all[2].clone()], "from everywhere");
    }

    #[test]
    fn an_interface_keeps_its_number_under_another_name() {
        let link = |index, name: &str| Link { index, name: name.into(), ..Link::default() };
        let mut now = Snapshot { links: vec![link(2, "lan0"), link(7, "eth0")], ..Snapshot::default() };
        let mut ledger = Ledger::parse("10.0.0.5/24 eth0 index=2\n");
        let ops = |index| [Op::Remove(ledger.entries[0].wanted.on(now.link_at(index).unwrap()))];
        let (old, new) = (ops(2), ops(7));
        let eth0 = [Gone { index: None, ..ledger.entries[0].gone() }];
        assert_eq!(ledger.entries[0].link(&now).unwrap().name, "lan0");
        assert_eq!(ledger.entries[0].held(&now), None);
        now.addrs = old.iter().chain(&new).filter_map(Op::removed).cloned().collect();
        assert_eq!(ledger.entries[0].held(&now).unwrap().index, 2);
        assert_eq!(ledger.renamed(&eth0, &now), old);
        assert_eq!(
            ledger.renamed(&[Gone { ip: "10.0.0.6".parse().unwrap(), nic: None, index: None }], &now),
            []
        );
        assert_eq!(ledger.entries[0].down(&now), [old, new.clone()].concat(), "somebody made another eth0");
        now.links.remove(0);
        assert_eq!(ledger.entries[0].down(&now), new);
        ledger.entries[0].index = None;
        assert_eq!(ledger.renamed(&eth0, &now), [], "an older version's");
        assert_eq!(ledger.entries[0].held(&now).unwrap().index, 7);
    }

    #[test]
    fn an_interface_that_took_the_name_of_another_does_not_take_its_addresses() {
        let at = |index| Entry { index, ..entry("10.0.0.5", 24, "eth0") };
        let link = |index, name: &str| Link { index, name: name.into(), ..Link::default() };
        let now = Snapshot { links: vec![link(2, "lan0"), link(7, "eth0")], ..Snapshot::default() };
        let mut ledger = Ledger::default();
        ledger.add(&[at(Some(2))], &now);
        ledger.add(&[at(Some(7))], &now);
        assert_eq!(ledger.entries, [at(Some(2)), at(Some(7))]);
        ledger.strike(&[at(Some(7)).gone()]);
        assert_eq!(ledger.entries, [at(Some(2))], "it failed there");
        let renamed = Entry { nic: "lan0".into(), ..at(Some(2)) };
        ledger.add(std::slice::from_ref(&renamed), &now);
        assert_eq!(ledger.entries, [renamed], "the same by its new name");

        // Made anew, and of an older version.
        for old in [Some(5), None] {
            let mut ledger = Ledger { owner: None, entries: vec![at(old)] };
            ledger.add(&[at(Some(7))], &now);
            assert_eq!(ledger.entries, [at(Some(7))]);
        }
    }
}
