//! What is known of the servers, the table that is wanted because of it, and the fewest changes that lead there.
//! Pure.
//!
//! | file | question it answers |
//! |---|---|
//! | [`state`] | which servers are up? what does one more check make of that? |
//! | [`wanted`] | which rows should the kernel's table have, and which may stay? |
//! | [`reconcile`] | what must the kernel be told, in which order? |
//! | [`step`] | how is it told in the log? |
//! | [`schedule`], [`combined`] | which server is to be checked now, and how thoroughly? |
//!
//! Nobody but the daemon acts. It checks, calls [`State::judge`], asks for the steps, carries them out, and
//! says [`State::applied`]. The table is read anew each time: what others changed is seen.
//!
//! What differs from the reference (ldirectord.md 15): servers are checked first and put into the table then, so
//! that nothing is pulsed at start or reload; a fallback does not push out a server that is up; a service that
//! vanished comes back with the next change.

pub mod combined;
pub mod reconcile;
pub mod schedule;
pub mod state;
pub mod step;
pub mod wanted;

pub use schedule::{Schedule, Shared};
pub use state::{Health, News, Server, State, Verb, Verdict, Watched};
pub use step::{Event, Step, Subject};
pub use wanted::Occasion;

use std::collections::BTreeSet;

use super::config::{Config, Virtual};
use super::table::{Op, ServiceId, Table};

/// The steps at start, and with the old configuration at reload: every service of ours as it should be, what does
/// not belong into it out (or later, once somebody is known to serve), and services that are in the old
/// configuration only gone. Services that were never configured are left alone.
pub fn begin(config: &Config, state: &State, actual: &Table, old: Option<&Config>) -> Vec<Step> {
    let mut steps = of_all(config, state, actual, Occasion::Begin);
    let old = old.into_iter().flat_map(|old| &old.virtuals).map(|virt| virt.id).collect();
    steps.extend(clear(config, actual, &old));
    steps
}

/// The steps that take services out that were ours once and are not any more.
pub fn clear(config: &Config, actual: &Table, once: &BTreeSet<ServiceId>) -> Vec<Step> {
    let gone = once.iter().filter(|id| !config.virtuals.iter().any(|new| new.id == **id));
    let purged = |id: &ServiceId| {
        let event = Event::virtual_server(*id, "Purged", Some("start"));
        Step { op: Op::DelService(*id), events: vec![event] }
    };
    gone.filter(|id| actual.get(id).is_some()).map(purged).collect()
}

/// The steps after something became known of a server of this service.
pub fn change(config: &Config, state: &State, index: usize, actual: &Table) -> Vec<Step> {
    match (config.virtuals.get(index), state.virtuals.get(index)) {
        (Some(virt), Some(watched)) => of_one(config, virt, watched, actual, Occasion::Change),
        _ => Vec::new(),
    }
}

/// The steps that undo what others did to services of ours.
pub fn correct(config: &Config, state: &State, actual: &Table) -> Vec<Step> {
    of_all(config, state, actual, Occasion::Correct)
}

/// The steps at the end: every service goes, but those that are to stay. A service takes its servers along.
pub fn stop(config: &Config, state: &State, actual: &Table) -> Vec<Step> {
    let watched = config.virtuals.iter().zip(&state.virtuals);
    let leaving = watched.filter(|(virt, _)| virt.clean_stop && actual.get(&virt.id).is_some());
    leaving.map(|(virt, watched)| leave(virt, watched)).collect()
}

fn leave(virt: &Virtual, watched: &Watched) -> Step {
    let up = virt.reals.iter().zip(&watched.servers).filter(|(_, server)| server.health == Health::Up);
    // Some are named twice.
    let mut told = BTreeSet::new();
    let up = up.filter(|(real, _)| told.insert(virt.key(real.at, real.forward)));
    let purged = |(real, _): (&super::config::Real, &Server)| {
        Event::server(virt.id, Subject::Real, real.at, "Purged", Some("stop"))
    };
    let mut events: Vec<Event> = up.map(purged).collect();
    events.push(Event::virtual_server(virt.id, "Purged", Some("stop")));
    Step { op: Op::DelService(virt.id), events }
}

fn of_all(config: &Config, state: &State, actual: &Table, occasion: Occasion) -> Vec<Step> {
    let watched = config.virtuals.iter().zip(&state.virtuals);
    watched.flat_map(|(virt, watched)| of_one(config, virt, watched, actual, occasion)).collect()
}

fn of_one(
    config: &Config,
    virt: &Virtual,
    watched: &Watched,
    actual: &Table,
    occasion: Occasion,
) -> Vec<Step> {
    let wanted = wanted::wanted(virt, watched, config.global.readd_quiescent, occasion);
    reconcile::reconcile(&wanted, actual.get(&virt.id))
}

#[cfg(test)]
mod tests;
