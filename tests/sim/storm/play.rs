//! Plays a script to its end and beyond: after the last fault each group must come to exactly one live node,
//! and stay (property b), where the neighbourhood believes it to be (property f, see [`known`]).

use super::known;
use super::script::{GROUPS, Kind, Script, Step};
use super::seat::Seat;
use super::watch::Failure;
use super::world::{BEGIN, World};
use heartbeat::engine::{Failback, Input};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How often the operator looks in the end.
const GLANCE: Duration = Duration::from_millis(250);

/// What became of a script. A panic is a failure like any other.
pub fn play(script: &Script) -> Result<World, Failure> {
    let run = || {
        let mut world = World::new(script.config.clone(), false);
        play_in(&mut world, script).map(|()| world)
    };
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| Err(Failure { property: 'e', text: said(&panic) }))
}

fn said(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
    format!("panic: {}", text.unwrap_or_default())
}

/// The same for somebody who reads: with every log line.
pub fn story(script: &Script) -> String {
    let mut world = World::new(script.config.clone(), true);
    let result = catch_unwind(AssertUnwindSafe(|| play_in(&mut world, script)));
    let end = match result {
        Ok(Ok(())) => "all is well\n".to_owned(),
        Ok(Err(failure)) => format!("({}) {}\n", failure.property, failure.text),
        Err(panic) => format!("(e) {}\n", said(&panic)),
    };
    world.story(&script.steps) + &end
}

fn play_in(world: &mut World, script: &Script) -> Result<(), Failure> {
    for Step { at, what } in &script.steps {
        world.run_to(BEGIN + *at)?;
        world.apply(what);
    }
    recover(world)
}

/// One owner each, calm, and so for a while, all within the bound.
fn recover(world: &mut World) -> Result<(), Failure> {
    world.mend_all();
    world.run_to(world.everybody_awake())?;
    let bounds = world.watch.bounds;
    let limit = world.now + bounds.recover + bounds.stay;
    let mut well_since = None;
    loop {
        world.run_to(world.now + GLANCE)?;
        world.start_what_is_down();
        look_after_failures(world);
        let well = owned(world) && calm(world);
        well_since = well_since.filter(|_| well).or(well.then_some(world.now));
        match well_since {
            Some(since) if world.now - since >= bounds.stay => return known::known(world),
            None if world.now > limit => return Err(lost(world)),
            _ => {}
        }
    }
}

fn lost(world: &World) -> Failure {
    let holders = |group: usize| {
        let on: Vec<_> =
            (0..2).filter(|n| world.nodes[*n].groups[group]).map(|n| super::script::NAMES[n]).collect();
        format!("{}: {}", GROUPS[group], if on.is_empty() { "nowhere".to_owned() } else { on.join(" and ") })
    };
    let after = world.watch.bounds.recover;
    let calm = if calm(world) { "calm" } else { "not calm" };
    let text = format!("not one owner each within {after:?}: {}, {}, {calm}", holders(0), holders(1));
    Failure { property: 'b', text }
}

fn owned(world: &World) -> bool {
    let live = |n: usize, group: usize| world.nodes[n].seat.is_some() && world.nodes[n].groups[group];
    let stray = world.nodes.iter().any(|n| n.seat.is_none() && n.groups.contains(&true));
    !stray && (0..2).all(|group| (0..2).filter(|n| live(*n, group)).count() == 1)
}

fn calm(world: &World) -> bool {
    world.nodes.iter().all(|n| n.seat.as_ref().is_some_and(Seat::is_calm))
}

/// A group that could not be started stays down until somebody acts, as in 3.0.6: the operator stops the
/// daemon there, and starts it when it has ended. So does a C daemon's own group in the old mode, when the node
/// that was asked for it went away without an answer: it asks once. And what a C daemon runs twice without knowing
/// (see `Blame`) ends with its power.
fn look_after_failures(world: &mut World) {
    for at in 0..2 {
        let nowhere = |group: usize| world.nodes.iter().all(|n| !n.groups[group]);
        let node = &world.nodes[at];
        let asks_once = world.config.seats[at] == Kind::Model && world.config.failback == Failback::Legacy;
        let down = (0..2).any(|g| nowhere(g) && (node.failed[g] || (asks_once && g == at)));
        let blamed = world.watch.is_blamed(at) && !owned(world);
        let calm = node.seat.as_ref().is_some_and(Seat::is_calm);
        if !(down || blamed) || !calm || !world.watch.long_enough(at, world.now) {
            continue;
        }
        world.nodes[at].failed = [false; 2];
        match blamed {
            // It may wait for an hour before it stops.
            true => world.crash(at),
            false => world.feed(at, Input::Shutdown),
        }
    }
}

impl World {
    /// What happened and what was said about it.
    pub fn story(&self, steps: &[Step]) -> String {
        let mut lines: Vec<(Duration, String)> = steps
            .iter()
            .filter(|s| BEGIN + s.at <= self.now)
            .map(|s| (BEGIN + s.at, format!("======== {}", s.what)))
            .collect();
        lines.extend(self.log.iter().map(|(at, node, level, text)| {
            (*at, format!("{} {}: {text}", super::script::NAMES[*node], level.word()))
        }));
        lines.sort_by_key(|(at, _)| *at);
        let show = |(at, text): &(Duration, String)| format!("{:>9.3} {text}\n", (*at - BEGIN).as_secs_f64());
        let text: String = lines.iter().map(show).collect();
        let layout = format!(
            "{:>9.3} groups: {:?} {:?}\n",
            (self.now - BEGIN).as_secs_f64(),
            self.nodes[0].groups,
            self.nodes[1].groups
        );
        text + &layout
    }
}

/// `one`, `one two`, `-`.
pub fn held(world: &World, node: usize) -> String {
    let held: Vec<_> = (0..2).filter(|g| world.nodes[node].groups[*g]).map(|g| GROUPS[g]).collect();
    if held.is_empty() { "-".to_owned() } else { held.join(" ") }
}

/// `one | two`
pub fn layout(world: &World) -> String {
    format!("{} | {}", held(world, 0), held(world, 1))
}

pub fn story_of(world: &World) -> String {
    world.story(&[])
}
