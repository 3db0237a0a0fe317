//! The list of addresses that are up because of us, as text: one line each, and whose they are.
//!
//! ```text
//! owner 4711 88123
//! 10.0.0.5/24 eth0 broadcast=10.0.0.255 label=eth0:0
//! fd00::5/64 eth0
//! ```

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use super::ops::Wanted;
use super::snapshot::{Addr, Snapshot};

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
    /// The interface's name.
    pub nic: String,
}

/// An address on the interface of that name.
pub type Place = (IpAddr, String);

/// An address that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// The address.
    pub ip: IpAddr,
    /// From this interface; from all of them where none is named.
    pub nic: Option<String>,
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
    /// As the kernel has it.
    pub fn of(addr: &Addr, now: &Snapshot) -> Option<Self> {
        let nic = now.link_at(addr.index)?.name.clone();
        let label = addr.label.clone().filter(|label| *label != nic);
        Some(Self { wanted: Wanted { ip: addr.ip, bits: addr.bits, broadcast: addr.broadcast, label }, nic })
    }

    /// Which one of them it is.
    pub fn place(&self) -> Place {
        (self.wanted.ip, self.nic.clone())
    }

    /// This one, gone.
    pub fn gone(&self) -> Gone {
        Gone { ip: self.wanted.ip, nic: Some(self.nic.clone()) }
    }

    /// Where it is up: on its interface, with whatever prefix.
    pub fn held<'a>(&self, now: &'a Snapshot) -> Option<&'a Addr> {
        now.on(now.link(&self.nic)?, self.wanted.ip)
    }

    fn line(&self) -> String {
        let Wanted { ip, bits, broadcast, label } = &self.wanted;
        let mut line = format!("{ip}/{bits} {}", self.nic);
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
        let (mut broadcast, mut label) = (None, None);
        for word in words {
            match word.split_once('=') {
                Some(("broadcast", text)) => broadcast = Some(text.parse::<Ipv4Addr>().ok()?),
                Some(("label", text)) => label = Some(text.to_owned()),
                _ => {}
            }
        }
        Some(Self { wanted: Wanted { ip, bits, broadcast, label }, nic })
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

    /// Adds these, in place of older ones for the same addresses on the same interfaces.
    pub fn add(&mut self, new: &[Entry]) {
        let places: BTreeSet<Place> = new.iter().map(Entry::place).collect();
        self.entries.retain(|e| !places.contains(&e.place()));
        self.entries.extend_from_slice(new);
    }

    /// Strikes these out.
    pub fn strike(&mut self, gone: &[Gone]) {
        let gone: BTreeSet<(IpAddr, Option<&str>)> = gone.iter().map(|g| (g.ip, g.nic.as_deref())).collect();
        let is_gone = |e: &Entry| [None, Some(&*e.nic)].iter().any(|nic| gone.contains(&(e.wanted.ip, *nic)));
        self.entries.retain(|e| !is_gone(e));
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
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let mut full = entry("10.0.0.5", 24, "eth0");
        full.wanted.broadcast = Some("10.0.0.255".parse().unwrap());
        full.wanted.label = Some("eth0:0".into());
        let ledger = Ledger {
            owner: Some(Owner { pid: 4711, born: 88123 }),
            entries: vec![full, entry("fd00::5", 64, "bond0.7")],
        };
        let text =
            "owner 4711 88123\n10.0.0.5/24 eth0 broadcast=10.0.0.255 label=eth0:0\nfd00::5/64 bond0.7\n";
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
        let mut ledger = Ledger::default();
        ledger.add(&[entry("10.0.0.5", 24, "eth0"), entry("10.0.0.6", 24, "eth0")]);
        ledger.add(&[entry("10.0.0.5", 32, "eth0"), entry("10.0.0.6", 24, "eth1")]);
        let lines = |ledger: &Ledger| ledger.entries.iter().map(Entry::line).collect::<String>();
        assert_eq!(lines(&ledger), "10.0.0.6/24 eth0\n10.0.0.5/32 eth0\n10.0.0.6/24 eth1\n");
    }

    #[test]
    fn what_is_gone_from_one_interface_stays_on_the_others() {
        let all =
            [entry("10.0.0.5", 24, "eth0"), entry("10.0.0.5", 24, "eth1"), entry("10.0.0.6", 24, "eth0")];
        let left = |nic: Option<&str>| {
            let mut ledger = Ledger { owner: None, entries: all.to_vec() };
            ledger.strike(&[Gone { ip: "10.0.0.5".parse().unwrap(), nic: nic.map(str::to_owned) }]);
            ledger.entries
        };
        assert_eq!(left(Some("eth1")), [all[0].clone(), all[2].clone()]);
        assert_eq!(left(Some("eth9")), all);
        assert_eq!(left(None), [all[2].clone()], "from everywhere");
    }
}
