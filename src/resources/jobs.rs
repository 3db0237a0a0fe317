//! The engine's jobs, done in the calling thread (resources.md section 4).
//!
//! What a child of the reference would say to the daemon at its very end (`done`, `shutdone`,
//! `req_our_resources()`) is the engine's to say when the job is over; it is not emitted here.

use super::context::Context;
use super::environment::Environment;
use super::hooks::{self, Scene};
use super::leftovers;
use super::native;
use super::plan::Ahead;
use super::prepare;
use super::script::Output;
use super::stonith;
use crate::agents::announce;
use crate::agents::guard;
use crate::agents::ledger;
use crate::agents::plan::Schedule;
use crate::engine::{Hold, Job, Verb};
use crate::level::Level;
use crate::paths;
use crate::wire::Message;

/// Does one job to its end. `emit` takes the messages that scripts would have written to the FIFO
/// meanwhile. Blocks as long as scripts run. `false`: a reset failed, or groups cannot be acquired; no other job
/// tells how it ended.
pub fn run_job(job: &Job, context: &Context, emit: &mut dyn FnMut(Message)) -> bool {
    match job {
        Job::Hook { kind, env } => {
            hooks::dispatch(kind, &mut scene(context, env, emit));
        }
        Job::AcquireLocal { nice, dont_ask } => {
            acquire_local(&mut scene(context, &asking(*nice, *dont_ask), emit))
        }
        Job::Standby { verb, set } => standby(*verb, *set, &scene(context, &[], emit)),
        Job::Announce { set, for_peer } => announce(*set, *for_peer, &scene(context, &[], emit)),
        Job::ReleaseLeftovers => release_leftovers(&scene(context, &[], emit)),
        Job::GiveUpAll => give_up_all(&scene(context, &[], emit)),
        Job::Reset { node } => return stonith::reset(node, context, emit),
        Job::Prepare { set } => return can_acquire(*set, &scene(context, &[], emit)),
        Job::CheckDevice => stonith::check(context),
    }
    true
}

/// A life that goes on with `held`: the one before may have been of a version that wrote no addresses down.
pub fn adopt(held: Hold, context: &Context) {
    let mut unheard = |_| {};
    let scene = scene(context, &[], &mut unheard);
    let (manager, keys) = (scene.manager(), keys_in(held, &scene));
    let groups = manager.groups();
    let words =
        groups.iter().filter(|group| keys.iter().any(|key| key == group.key())).flat_map(|g| &g.words);
    if let Err(error) = native::adopt(words, &|word| manager.find(word)) {
        context.logger.log(Level::Error, &format!("Addresses that are up already are not guarded: {error}"));
    }
    let named = leftovers::named(&manager);
    let listed = ledger::read().unwrap_or_default().entries;
    let strangers = listed.iter().filter(|entry| !named.contains(&entry.wanted.ip));
    let lines = strangers.map(|which| {
        format!("{which} is up for no group in haresources: it stays, guarded, until heartbeat ends")
    });
    guard::tell(lines.collect(), Level::Warn, &mut |level, text| context.logger.log(level, text));
}

fn scene<'a>(context: &'a Context, env: &[(String, String)], emit: &'a mut dyn FnMut(Message)) -> Scene<'a> {
    let mut environment = Environment::from_pairs(&context.env);
    environment.set_default("HA_CURHOST", &context.host);
    environment.add_pairs(env);
    Scene { context, environment, below_hook: false, status_errors: Output::Drop, emit }
}

fn asking(nice: bool, dont_ask: bool) -> Vec<(String, String)> {
    let flags = [("HA_NICEFAILBACK", nice), ("HA_DONTASK", dont_ask)];
    flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name.to_owned(), "yes".to_owned())).collect()
}

fn manager_program() -> String {
    format!("{}/ResourceManager", paths::SHARE)
}

/// "req_our_resources": only asks; the hook `ip-request-resp` acquires.
fn acquire_local(scene: &mut Scene<'_>) {
    let log = scene.context.logger.clone();
    let keys = scene.manager().keys_of(&scene.context.host);
    if keys.is_empty() {
        let listing = format!("{} listkeys {}", manager_program(), scene.context.host);
        return log.log(Level::Info, &format!("No local resources [{listing}] to acquire."));
    }
    hooks::req_resources(&keys, scene);
    log.log(Level::Info, "Local Resource acquisition completed.");
}

/// "go_standby".
fn standby(verb: Verb, set: Hold, scene: &Scene<'_>) {
    let (doing, done) = match verb {
        Verb::Give => ("give up", "release"),
        Verb::Take => ("acquire", "acquisition"),
    };
    let log = &scene.context.logger;
    log.log(Level::Info, &format!("{doing} {} HA resources (standby).", set.word()));
    move_groups(verb, &keys_in(set, scene), scene);
    log.log(Level::Info, &format!("{} HA resource {done} completed (standby).", set.word()));
}

fn keys_in(set: Hold, scene: &Scene<'_>) -> Vec<String> {
    let own = |own: bool| {
        let groups = scene.manager().groups();
        let chosen = groups.iter().filter(|group| (group.node == scene.context.host) == own);
        chosen.map(|group| group.key().to_owned()).collect()
    };
    match set {
        Hold::None => Vec::new(),
        Hold::Local => own(true),
        Hold::Foreign => own(false),
        Hold::All => scene.manager().keys_of(".*"),
    }
}

/// A look ahead.
fn can_acquire(set: Hold, scene: &Scene<'_>) -> bool {
    let found = prepare::obstacles(&scene.manager(), &keys_in(set, scene));
    let log = &scene.context.logger;
    found.iter().for_each(|text| log.log(Level::Error, &format!("Cannot be acquired: {text}")));
    found.is_empty()
}

/// Both nodes had these addresses; now only one has.
fn announce(set: Hold, for_peer: bool, scene: &Scene<'_>) {
    let addresses = leftovers::addresses_of(&scene.manager(), &keys_in(set, scene));
    let log = &scene.context.logger;
    let (told, whose) = match for_peer {
        true => (announce::for_the_owner(&addresses, Schedule::IPADDR2), " for the other node"),
        false => (announce::again(&addresses, Schedule::IPADDR2), ""),
    };
    match told {
        Ok(told) => log.log(
            Level::Info,
            &format!("Announced {told} addresses of the {} resource groups again{whose}.", set.word()),
        ),
        Err(error) => log.log(Level::Error, &format!("Cannot announce addresses{whose}: {error}")),
    }
}

/// A daemon that died left its services running. Whoever owns them by now, it is not this life: the peer
/// may have taken them over, and would run them twice.
fn release_leftovers(scene: &Scene<'_>) {
    let keys = leftovers::keys(&scene.manager());
    for key in &keys {
        let text = format!("Resource group {key} runs before it was acquired: releasing it.");
        scene.context.logger.log(Level::Warn, &text);
    }
    move_groups(Verb::Give, &keys, scene);
    ledger::forget_left_behind();
}

/// "hb_giveup_resources".
fn give_up_all(scene: &Scene<'_>) {
    let log = &scene.context.logger;
    log.log(Level::Info, "Giving up all HA resources.");
    move_groups(Verb::Give, &scene.manager().keys_of(".*"), scene);
    log.log(Level::Info, "All HA resources relinquished.");
}

fn move_groups(verb: Verb, keys: &[String], scene: &Scene<'_>) {
    let (word, what) = match verb {
        Verb::Give => ("givegroup", Ahead::Release),
        Verb::Take => ("takegroup", Ahead::Acquire),
    };
    let mut tell = |key: &str, code: i32| {
        if code != 0 {
            let text = format!("{} {word} {key} exited with return code {code}", manager_program());
            scene.context.logger.log(Level::Error, &text);
        }
    };
    scene.manager().all(what, keys, &mut |_| (), &mut tell);
}
