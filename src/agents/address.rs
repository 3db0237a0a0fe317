//! Taking addresses away. With a primary the kernel deletes its secondaries, those too that nobody asked to go: they
//! are put back.

use super::netlink::{self, Conversation};
use super::plan::{Addr, Op, Snapshot, ops};

/// Takes them away. Answers for each removal, then the errors of putting back. The caller has taken its
/// [`turn`](super::turn) before it looked.
pub(super) fn remove(
    talk: &mut Conversation,
    before: &Snapshot,
    ops: &[Op],
) -> Vec<Result<(), netlink::Error>> {
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
