//! Wanted against actual: what the kernel must be told, and in which order.
//!
//! 1. The service itself.
//! 2. Servers that come in or get another weight: the service has as many as it can before any goes.
//! 3. Servers that are down go, or get weight 0.
//! 4. The fallback comes in: after the last server that is down, as with the reference.
//! 5. The fallback goes, and what does not belong there: others serve by now.
//!
//! What is as it should be is not touched.

use std::net::SocketAddr;

use super::step::{Event, Step, Subject};
use super::wanted::{Presence, Want, Wanted};
use crate::director::table::{Dest, Entry, Op};

/// The steps that make what is there what is wanted.
pub fn reconcile(wanted: &Wanted, actual: Option<&Entry>) -> Vec<Step> {
    let mut steps: Vec<Step> = service(wanted, actual).into_iter().collect();
    let mut phased: Vec<(Phase, Step)> = Vec::new();
    for key in &wanted.order {
        let there = actual.and_then(|entry| entry.dests.get(key));
        let Some(want) = wanted.rows.get(key) else { continue };
        phased.extend(row(wanted, *key, want, there));
    }
    let strangers = actual.into_iter().flat_map(|entry| entry.dests.keys());
    for key in strangers.filter(|key| wanted.purge && !wanted.rows.contains_key(key)) {
        let event = Event::server(wanted.id, Subject::Stranger, *key, "Purged", Some("start"));
        phased.push((Phase::Leave, Step { op: Op::DelDest(wanted.id, *key), events: vec![event] }));
    }
    // stable: in each phase the order of the configuration
    phased.sort_by_key(|(phase, _)| *phase);
    steps.extend(phased.into_iter().map(|(_, step)| step));
    steps
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Come,
    Fall,
    Stand,
    Leave,
}

fn service(wanted: &Wanted, actual: Option<&Entry>) -> Option<Step> {
    let id = wanted.id;
    let (op, verb) = match actual {
        None => (Op::AddService(id, wanted.service.clone()), "Added"),
        Some(entry) if entry.service != wanted.service => {
            (Op::EditService(id, wanted.service.clone()), "Changed")
        }
        Some(_) => return None,
    };
    Some(Step { op, events: vec![Event::virtual_server(id, verb, None)] })
}

/// What becomes of one row, and when.
fn row(wanted: &Wanted, key: SocketAddr, want: &Want, there: Option<&Dest>) -> Option<(Phase, Step)> {
    let (id, dest) = (wanted.id, want.dest);
    let fallback = want.subject == Subject::Fallback;
    let come = match (fallback, dest.weight) {
        (true, _) => Phase::Stand,
        (false, 0) => Phase::Fall,
        (false, _) => Phase::Come,
    };
    let leave = if fallback { Phase::Leave } else { Phase::Fall };
    let (phase, op) = match (want.presence, there) {
        (Presence::Must, None) => (come, Op::AddDest(id, key, dest)),
        (Presence::Must | Presence::IfThere, Some(actual)) if !dest.is_met_by(actual) => {
            (come, Op::EditDest(id, key, dest))
        }
        (Presence::Absent, Some(_)) => (leave, Op::DelDest(id, key)),
        _ => return None,
    };
    let event = event(want, key, &op);
    Some((phase, Step { op, events: vec![event] }))
}

fn event(want: &Want, key: SocketAddr, op: &Op) -> Event {
    let verb = match op {
        Op::AddDest(..) if want.resting => "Readd Quiescent",
        Op::AddDest(..) => "Added",
        Op::EditDest(..) if want.resting => "Quiescent",
        Op::EditDest(..) => "Restored",
        _ => "Deleted",
    };
    let deleted = matches!(op, Op::DelDest(..));
    let at = if deleted { key } else { want.named };
    Event {
        weight: (!deleted).then_some(want.dest.weight),
        mapped_from: (deleted && key != want.named).then_some(want.named),
        ..Event::server(*op.service(), want.subject, at, verb, None)
    }
}
