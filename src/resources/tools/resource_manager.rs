//! `ResourceManager VERB [ARGUMENT]` (resources.md section 3).

use super::Args;
use super::setting::Setting;
use crate::config::haresources;
use crate::level::Level;
use crate::resources::Manager;
use crate::resources::script::Output;
use std::io::Write;

const RUNNING: i32 = 0;
const NOT_RUNNING: i32 = 3;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    let below_hook = setting.environment.get("HA_RESOURCEDIR").is_some_and(|dir| dir.contains("//"));
    let manager = Manager::new(&setting.context, &setting.environment, below_hook, Output::Inherit);
    let (word, host) = (args.get(1), setting.context.host.as_str());
    match args.get(0) {
        "listkeys" => print(manager.keys_of(word)),
        "allkeys" => print(manager.keys_of(".*")),
        "ourkeys" => print(haresources::our_keys(&manager.groups(), host)),
        "otherkeys" => print(haresources::other_keys(&manager.groups(), host)),
        "status" if manager.runs(word) => RUNNING,
        "status" => NOT_RUNNING,
        "takegroup" => manager.take(word),
        "givegroup" => manager.give(word),
        "statgroup" => stat_group(word, &manager),
        "verifyallidle" => verify_all_idle(&manager, setting),
        _ => usage(args.program),
    }
}

fn print(lines: Vec<String>) -> i32 {
    let mut out = std::io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    0
}

/// The word goes to the debug log, like all output of group operations.
fn stat_group(key: &str, manager: &Manager<'_>) -> i32 {
    let extent = manager.extent(key);
    if let (Some(extent), Output::Append(path)) = (extent, manager.debug_log())
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = writeln!(file, "{}", extent.word());
    }
    0
}

/// Before heartbeat starts: nothing should run yet. The exit code counts what does.
fn verify_all_idle(manager: &Manager<'_>, setting: &Setting) -> i32 {
    let active: Vec<_> = manager
        .keys_of(".*")
        .into_iter()
        .filter(|key| manager.runs(key).then(|| complain(key, setting)).is_some())
        .collect();
    if !active.is_empty() {
        let log = setting.log();
        log.bare(Level::Info, "CRITICAL: Non-idle resources will affect resource takeback!");
        log.bare(Level::Info, "CRITICAL: Non-idle resources may affect data integrity!");
    }
    i32::try_from(active.len().min(255)).unwrap_or(255)
}

fn complain(key: &str, setting: &Setting) {
    let log = setting.log();
    let read = |source: &str| {
        format!("Read the docs and/or {source} to {}/ResourceManager for more details.", crate::paths::SHARE)
    };
    let lines = [
        format!("CRITICAL: Resource {key} is active, and should not be!"),
        "CRITICAL: Non-idle resources can affect data integrity!".to_owned(),
    ];
    for line in &lines {
        log.bare(Level::Info, line);
    }
    let help = "If you don't know what this means, then get help!";
    log.log(Level::Info, help);
    log.log(Level::Info, &read("source"));
    let mut err = std::io::stderr().lock();
    for line in &lines {
        let _ = writeln!(err, "{line}");
    }
    let _ = writeln!(err, "info: {help}\ninfo: {}", read("the source"));
}

fn usage(program: &str) -> i32 {
    eprintln!("usage: {program} listkeys machine | takegroup key | givegroup key|status resource\n");
    1
}
