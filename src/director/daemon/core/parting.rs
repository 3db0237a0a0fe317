//! Servers that a service has no more, while their connections end. The kernel drops the packets of connections whose
//! server is taken out, without a word to either side; so who has any gets no new ones first, and goes when the old
//! ones are over, or have had their time. Who is down, and who goes with the whole service, is not waited for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::director::plan::{Event, Step, Subject};
use crate::director::table::{Dest, Op, ServiceId, Table};

/// How soon it is looked again whether connections are over. The least that is waited, too: one that only begins does
/// not count as established yet.
const LOOK: Duration = Duration::from_secs(1);
/// So long connections may go on.
const LIMIT: Duration = Duration::from_secs(10);

/// Who is waited for, and since when.
#[derive(Debug, Default)]
pub(super) struct Parting {
    since: BTreeMap<(ServiceId, SocketAddr), Duration>,
}

impl Parting {
    /// The same steps, but for those that would cut connections: in their place are others, or none for now. `whole`:
    /// these are the steps of all services.
    pub(super) fn gently(
        &mut self,
        now: Duration,
        steps: Vec<Step>,
        table: &Table,
        whole: bool,
    ) -> Vec<Step> {
        let before = if whole { std::mem::take(&mut self.since) } else { self.since.clone() };
        steps.into_iter().filter_map(|step| self.gentle(now, step, table, &before)).collect()
    }

    fn gentle(
        &mut self,
        now: Duration,
        step: Step,
        table: &Table,
        before: &BTreeMap<(ServiceId, SocketAddr), Duration>,
    ) -> Option<Step> {
        let Some((id, at, there, active)) = stranger(&step, table) else { return Some(step) };
        let known = before.get(&(id, at)).copied();
        let since = known.unwrap_or(now);
        let waited = now.saturating_sub(since);
        let quiet = there.weight == 0;
        let over = match known {
            None => quiet || active.is_none(),
            Some(_) => waited >= LIMIT || quiet && waited >= LOOK && active.is_none_or(|active| active == 0),
        };
        if over {
            self.since.remove(&(id, at));
            return Some(step);
        }
        self.since.insert((id, at), since);
        (!quiet).then(|| {
            let event = Event::server(id, Subject::Stranger, at, "Quiescent", None);
            let dest = Dest { weight: 0, ..there };
            Step { op: Op::EditDest(id, at, dest), events: vec![Event { weight: Some(0), ..event }] }
        })
    }

    /// When to look again, if anybody is waited for.
    pub(super) fn next_look(&self, now: Duration) -> Option<Duration> {
        (!self.since.is_empty()).then_some(now + LOOK)
    }
}

/// The server that a step takes out because nobody names it any more, its row, and how many connections are
/// established; `None` where there is not even one that begins or ends.
fn stranger(step: &Step, table: &Table) -> Option<(ServiceId, SocketAddr, Dest, Option<u32>)> {
    let Op::DelDest(id, at) = step.op else { return None };
    step.events.iter().find(|event| event.server == Some((Subject::Stranger, at)))?;
    let entry = table.get(&id)?;
    let connected = entry.connected.get(&at).map(|connected| connected.active);
    Some((id, at, *entry.dests.get(&at)?, connected))
}
