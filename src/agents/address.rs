//! Taking addresses away. With a primary the kernel deletes its secondaries, those too that nobody asked to go, and
//! with the last of an interface all its routes, the default route too. So it is asked to promote one meanwhile; where
//! that cannot be had, they are put back, without their routes.

use std::collections::BTreeSet;
use std::fs;

use super::netlink::{self, Conversation};
use super::plan::{Addr, Op, Snapshot, ops};

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
    let _promoted: Vec<Promoting> = names.collect::<BTreeSet<_>>().into_iter().filter_map(promote).collect();
    talk.apply(ops)
}

/// While it lives the kernel promotes a secondary whose primary goes.
struct Promoting {
    file: String,
    before: String,
}

/// Has the kernel do that on an interface, where it does not already, and lets itself be told.
fn promote(nic: &str) -> Option<Promoting> {
    let file = format!("/proc/sys/net/ipv4/conf/{nic}/promote_secondaries");
    let before = fs::read_to_string(&file).ok().filter(|text| text.trim() == "0")?;
    fs::write(&file, "1").ok()?;
    Some(Promoting { file, before })
}

impl Drop for Promoting {
    fn drop(&mut self) {
        let _ = fs::write(&self.file, &self.before);
    }
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
