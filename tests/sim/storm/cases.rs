//! Plays each case of `tests/cases`: a script in parts, and what is expected of each part. `CASES_RECORD=1` writes
//! the expectations anew; read them before you believe them.

use super::play::{held, story_of};
use super::script::{Config, Fault, NAMES, Script, Step, read_time, show_time};
use super::world::{BEGIN, World};
use heartbeat::level::Level;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Info lines that tell how a story goes on; errors and warnings are always told.
const LANDMARKS: [&str; 21] = [
    "Comm_now_up()",
    "Heartbeat restart",
    "Status update for node",
    "Resources being acquired from",
    "mach_down takeover complete",
    "gave up resources",
    "wants to go standby",
    "can take our",
    "Local standby process completed",
    "standby: acquire",
    "Standby resource acquisition done",
    "Other node completed standby",
    "Cancelling pending standby",
    "Received shutdown notice",
    "Heartbeat shutdown in progress",
    "Resource takeover cancelled",
    "T_STARTING received",
    "have let go",
    "has let go",
    "Both nodes",
    "is on the way",
];

/// A case as it is written down.
struct Case {
    config: Config,
    parts: Vec<Part>,
    /// How long a group may run twice, all in all.
    double: Duration,
    /// In bad weather what is said is chance: only what is held is compared.
    holds_only: bool,
}

struct Part {
    heading: String,
    steps: Vec<Step>,
    /// When it ends and is looked at.
    until: Duration,
}

fn read_case(text: &str) -> Result<Case, String> {
    let mut case =
        Case { config: Config::default(), parts: Vec::new(), double: Duration::ZERO, holds_only: false };
    for (number, line) in text.lines().enumerate() {
        let told = |why: String| format!("line {}: '{line}': {why}", number + 1);
        read_line(&mut case, line).map_err(told)?;
    }
    match case.parts.iter().find(|p| p.until.is_zero()) {
        Some(part) => Err(format!("part '{}' has no 'until'", part.heading)),
        None => Ok(case),
    }
}

fn read_line(case: &mut Case, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split('#').next().unwrap_or("").split_whitespace().collect();
    if words.is_empty() {
        return Ok(());
    }
    if words[0] == "==" {
        case.parts.push(Part { heading: words[1..].join(" "), steps: Vec::new(), until: Duration::ZERO });
        return Ok(());
    }
    let Some(part) = case.parts.last_mut() else {
        return match words.as_slice() {
            ["double", "at", "most", time] => read_time(time).map(|time| case.double = time),
            ["tell", "holds"] => {
                case.holds_only = true;
                Ok(())
            }
            words if case.config.read(words)? => Ok(()),
            _ => Err("before the first '==' only the configuration stands".to_owned()),
        };
    };
    match words.as_slice() {
        ["at", time, what @ ..] => {
            part.steps.push(Step { at: read_time(time)?, what: Fault::read(what)? });
            Ok(())
        }
        ["until", time] => read_time(time).map(|time| part.until = time),
        _ => Err("'at TIME WHAT' or 'until TIME'".to_owned()),
    }
}

/// The text of `expected`: after each part who holds what, and what was said for the first time.
fn played(case: &Case) -> Result<String, String> {
    let mut world = World::new(case.config.clone(), true);
    let mut text = String::new();
    let mut said = Vec::new();
    for part in &case.parts {
        let from = world.log.len();
        play_part(&mut world, part)?;
        let _ = writeln!(text, "== {}", part.heading);
        for (at, name) in NAMES.iter().enumerate() {
            let _ = writeln!(text, "{name} holds {}", held(&world, at));
            said.clear();
            if case.holds_only {
                continue;
            }
            for (_, _, level, line) in world.log[from..].iter().filter(|(_, node, _, _)| *node == at) {
                tell_line(&mut said, name, *level, line);
            }
            text.extend(said.iter().map(|line| format!("{line}\n")));
        }
    }
    let twice = world.watch.doubled;
    if twice > case.double {
        let (twice, most) = (show_time(twice), show_time(case.double));
        return Err(format!("a group ran twice for {twice}, at most {most}\n{}", story_of(&world)));
    }
    Ok(text)
}

fn play_part(world: &mut World, part: &Part) -> Result<(), String> {
    let wrong = |world: &World, text: String| format!("{}: {text}\n{}", part.heading, story_of(world));
    for step in &part.steps {
        world.run_to(BEGIN + step.at).map_err(|f| f.text).map_err(|text| wrong(world, text))?;
        world.apply(&step.what);
    }
    world.run_to(BEGIN + part.until).map_err(|f| f.text).map_err(|text| wrong(world, text))
}

/// Once a part, and without numbers that depend on chance.
fn tell_line(said: &mut Vec<String>, node: &str, level: Level, line: &str) {
    let worth = level <= Level::Warn || LANDMARKS.iter().any(|mark| line.contains(mark));
    let chance = ["lost packet(s)", "Cannot rexmit", "did not run for"];
    let line = format!("{node} says  {}: {}", level.word(), blur(line));
    if worth && !said.contains(&line) && !chance.iter().any(|c| line.contains(c)) {
        said.push(line);
    }
}

/// `interval 5012 ms` is `interval N ms`.
fn blur(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| {
        words[at].parse::<u64>().is_ok() && words.get(at + 1).is_some_and(|w| w.starts_with("ms"))
    };
    let blurred = (0..words.len()).map(|at| if number(at) { "N" } else { words[at] });
    blurred.collect::<Vec<_>>().join(" ")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn check(home: &Path) -> Result<(), String> {
    let text = fs::read_to_string(home.join("case")).map_err(|e| e.to_string())?;
    let told = played(&read_case(&text)?)?;
    let file = home.join("expected");
    if std::env::var_os("CASES_RECORD").is_some() {
        return fs::write(&file, told).map_err(|e| e.to_string());
    }
    let expected = fs::read_to_string(&file).map_err(|e| e.to_string())?;
    if expected == told { Ok(()) } else { Err(differences(&expected, &told)) }
}

fn differences(expected: &str, told: &str) -> String {
    let (a, b): (Vec<_>, Vec<_>) = (expected.lines().collect(), told.lines().collect());
    let at = (0..a.len().max(b.len())).find(|at| a.get(*at) != b.get(*at)).unwrap_or(0);
    let (wanted, found) = (a.get(at).unwrap_or(&"(the end)"), b.get(at).unwrap_or(&"(the end)"));
    format!("line {}: expected\n  {wanted}\nbut it was\n  {found}\nall of it:\n{told}", at + 1)
}

#[test]
fn every_case_goes_as_it_is_written() {
    let mut homes: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    homes.retain(|path| path.is_dir());
    homes.sort();
    assert!(homes.len() >= 10, "only {} cases found", homes.len());
    let name = |home: &Path| home.file_name().unwrap().to_string_lossy().into_owned();
    let wrong: Vec<String> = homes
        .iter()
        .filter_map(|home| check(home).err().map(|why| format!("---- {}: {why}\n", name(home))))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// A script reads as it is printed: what shrinking prints can be played.
#[test]
fn a_script_is_read_as_it_is_printed() {
    for seed in 0..200 {
        let script = super::random::script(seed);
        assert_eq!(read_script(&script.to_string()).unwrap(), script, "seed {seed}");
    }
    assert!(read_script("seats ours").is_err());
    assert!(read_script("at 3 start a1").is_err());
    assert!(read_script("at 3s start a3").is_err());
}

/// A script without parts.
pub fn read_script(text: &str) -> Result<Script, String> {
    let case = read_case(&(insert_part(text) + "until 1s\n"))?;
    let steps = case.parts.into_iter().flat_map(|part| part.steps).collect();
    Ok(Script { config: case.config, steps })
}

/// The events of a printed script begin with `at`.
fn insert_part(text: &str) -> String {
    let at = text.lines().position(|l| l.starts_with("at ")).unwrap_or(usize::MAX);
    let mut out = String::new();
    for (number, line) in text.lines().enumerate() {
        if number == at {
            out.push_str("== a script\n");
        }
        out.push_str(line);
        out.push('\n');
    }
    if at == usize::MAX { out + "== nothing happens\n" } else { out }
}
