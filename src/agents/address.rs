//! The typed API: an address on an interface, and whole sets of them in one conversation.

use std::fmt;
use std::net::IpAddr;

use super::netlink::{self, Conversation};
use super::plan::{Addr, Op, Snapshot, Wanted, ops};
use super::turn;

/// An address, and the interface it belongs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address with its prefix, broadcast and label.
    pub wanted: Wanted,
    /// The interface's name.
    pub nic: String,
}

/// Why an address could not be moved.
#[derive(Debug)]
pub enum Fault {
    /// There is no such interface. Nothing was changed.
    NoInterface {
        /// The address.
        ip: IpAddr,
        /// The name that exists not.
        nic: String,
    },
    /// The kernel would not, or could not be asked.
    Kernel(netlink::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoInterface { ip, nic } => write!(f, "no interface {nic} for {ip}"),
            Fault::Kernel(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<netlink::Error> for Fault {
    fn from(error: netlink::Error) -> Self {
        Fault::Kernel(error)
    }
}

impl Address {
    /// Makes it be there, the interface up. `false`: it was already.
    pub fn up(&self, talk: &mut Conversation) -> Result<bool, Fault> {
        single(up_all(talk, std::slice::from_ref(self))?)
    }

    /// Makes it be gone from its interface, whatever its prefix. `false`: it was not there.
    pub fn down(&self, talk: &mut Conversation) -> Result<bool, Fault> {
        single(down_all(talk, std::slice::from_ref(self))?)
    }

    /// Whether the interface has it, whatever its prefix.
    pub fn is_up(&self, talk: &mut Conversation) -> Result<bool, Fault> {
        let now = talk.holdings()?;
        let Some(link) = now.link(&self.nic) else {
            return Ok(false);
        };
        Ok(now.holders(self.wanted.ip).any(|a| a.index == link.index))
    }
}

/// What became of each address of a set: whether it was changed, or why not.
pub type Answers = Vec<Result<bool, Fault>>;

/// [`Address::up`] for many: one look at the kernel, then one operation after the other. A failure
/// of one does not keep the others down. An error of the whole: nothing was changed.
pub fn up_all(talk: &mut Conversation, all: &[Address]) -> Result<Answers, netlink::Error> {
    let now = talk.holdings()?;
    let one = |address: &Address| {
        let missing = || Fault::NoInterface { ip: address.wanted.ip, nic: address.nic.clone() };
        let link = now.link(&address.nic).ok_or_else(missing)?;
        let ops = ops::up(&now, &address.wanted, link, false);
        talk.apply(&ops).into_iter().collect::<Result<(), _>>()?;
        Ok(!ops.is_empty())
    };
    Ok(all.iter().map(one).collect())
}

/// [`Address::down`] for many. An interface that no longer exists holds nothing. Addresses that the
/// kernel deletes along with a primary, and that nobody asked to go, are put back.
pub fn down_all(talk: &mut Conversation, all: &[Address]) -> Result<Answers, netlink::Error> {
    let _turn = turn::take();
    let before = talk.holdings()?;
    let mut removed = Vec::new();
    let one = |address: &Address| {
        let Some(link) = before.link(&address.nic) else {
            return Ok(false);
        };
        let ops = ops::down(&before, address.wanted.ip, Some(link));
        talk.apply(&ops).into_iter().collect::<Result<(), _>>()?;
        removed.extend(ops.iter().filter_map(Op::removed).cloned());
        Ok(!ops.is_empty())
    };
    let mut answers: Answers = all.iter().map(one).collect();
    let ops: Vec<Op> = removed.into_iter().map(Op::Remove).collect();
    answers.extend(put_back(talk, &before, &ops).into_iter().map(|(_, e)| Err(e.into())));
    Ok(answers)
}

/// Takes addresses away, with the care of [`down_all`]. Answers for each removal, then the errors of putting back.
/// The caller has taken its [`turn`] before it looked.
pub fn remove(talk: &mut Conversation, before: &Snapshot, ops: &[Op]) -> Vec<Result<(), netlink::Error>> {
    let mut answers = talk.apply(ops);
    answers.extend(put_back(talk, before, ops).into_iter().map(|(_, error)| Err(error)));
    answers
}

/// What could not be put back (`None`: nobody knows what was to be), and why.
pub(super) type NotBack = Vec<(Option<Addr>, netlink::Error)>;

/// Puts back what the kernel deleted along with primaries, and nobody asked to go.
pub(super) fn put_back(talk: &mut Conversation, before: &Snapshot, ops: &[Op]) -> NotBack {
    let removed: Vec<Addr> = ops.iter().filter_map(Op::removed).cloned().collect();
    if removed.iter().all(|gone| ops::endangered(before, gone).is_empty()) {
        return Vec::new();
    }
    let after = match talk.holdings() {
        Ok(after) => after,
        Err(error) => return vec![(None, error)],
    };
    let todo = ops::restore(before, &after, &removed);
    let answers = talk.apply(&todo);
    let failed = todo.into_iter().zip(answers).filter_map(|(op, answer)| Some((op, answer.err()?)));
    let addr = |op| if let Op::Add(addr) = op { Some(addr) } else { None };
    failed.map(|(op, error)| (addr(op), error)).collect()
}

fn single(answers: Answers) -> Result<bool, Fault> {
    let all: Result<Vec<bool>, Fault> = answers.into_iter().collect();
    Ok(all?.contains(&true))
}
