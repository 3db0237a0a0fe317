//! Taking addresses away. With a primary the kernel deletes its secondaries, those too that nobody asked to go, and
//! with the last of an interface all its routes, the default route too. So it is asked to promote one meanwhile; where
//! that cannot be had, they are put back, without their routes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::netlink::{self, Conversation};
use super::plan::{Addr, Op, Snapshot, ops};
use crate::paths::RSCTMP;

/// Takes them away. Answers for each removal, then the errors of putting back. The caller has taken its
/// [`turn`](super::turn) before it looked.
pub(super) fn remove(
    talk: &mut Conversation,
    before: &Snapshot,
    ops: &[Op],
) -> Vec<Result<(), netlink::Error>> {
    let mut answers = apply(talk, before, ops);
    answers.extend(put_back(talk, before, ops).into_iter().map(|(_, error)| Err(error)));
    answers
}

/// Carries out removals; [`put_back`] is to follow.
pub(super) fn apply(
    talk: &mut Conversation,
    before: &Snapshot,
    ops: &[Op],
) -> Vec<Result<(), netlink::Error>> {
    let removed: Vec<Addr> = ops.iter().filter_map(Op::removed).cloned().collect();
    let bereaved = ops::bereaved(before, &removed);
    let names = bereaved.iter().filter_map(|addr| Some(before.link_at(addr.index)?.name.as_str()));
    let _promoting = promote(names.collect());
    talk.apply(ops)
}

/// Interfaces on which the kernel promotes a secondary whose primary goes, while this lives.
struct Promoting(Vec<String>);

/// Has the kernel do that where it does not already, and lets itself be told. Which ones that are is written down: who
/// is killed meanwhile cannot take it back. The next removal does, or the next start.
fn promote(nics: BTreeSet<&str>) -> Promoting {
    settle();
    let not_yet = |nic: &&str| fs::read_to_string(switch(nic)).is_ok_and(|text| text.trim() == "0");
    let nics: Vec<String> = nics.into_iter().filter(not_yet).map(str::to_owned).collect();
    if !nics.is_empty() {
        // Without it they are promoted all the same.
        let _ = fs::create_dir_all(RSCTMP).and_then(|()| fs::write(note(), nics.join("\n")));
    }
    nics.iter().for_each(|nic| drop(fs::write(switch(nic), "1")));
    Promoting(nics)
}

impl Drop for Promoting {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            self.0.iter().for_each(|nic| drop(fs::write(switch(nic), "0")));
            let _ = fs::remove_file(note());
        }
    }
}

/// Takes back what somebody could not who was killed in the middle of a removal.
pub(super) fn settle() {
    let nics = fs::read_to_string(note()).unwrap_or_default();
    drop(Promoting(nics.lines().map(str::to_owned).collect()));
}

fn switch(nic: &str) -> PathBuf {
    Path::new("/proc/sys/net/ipv4/conf").join(nic).join("promote_secondaries")
}

fn note() -> PathBuf {
    Path::new(RSCTMP).join("promoting")
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
