//! A played-back line in words.

use super::line::Begin;
use super::replay::{Event, Step};
use crate::engine::{Action, Input, NodeKind};
use crate::wire::{Message, Value};

/// Fields that every message has.
const COMMON: [&str; 9] = ["t", "src", "srcuuid", "destuuid", "seq", "hg", "ts", "ttl", "ld"];

/// What an event was, in lines. Nothing for heartbeats, and for timers after which nothing happened, unless
/// `everything` is wanted.
pub fn tell(event: &Event, everything: bool) -> Vec<String> {
    match event {
        Event::Begin(begin) => vec![beginning(begin)],
        Event::Lost(count) => {
            vec![format!(
                "{count} inputs were not recorded: what follows may differ from what the daemon did"
            )]
        }
        Event::Full => vec!["the record was full".to_owned()],
        Event::Step(step) if !everything && is_dull(step) => Vec::new(),
        Event::Step(step) => {
            let mut lines = vec![format!("+{:.3} {}", step.now.mono.as_secs_f64(), input(&step.input))];
            let actions = step.actions.iter().filter(|a| everything || !is_routine(a));
            lines.extend(actions.flat_map(action).map(|line| format!("    {line}")));
            lines
        }
    }
}

fn beginning(begin: &Begin) -> String {
    let s = &begin.settings;
    let nodes = |kind| {
        let names: Vec<&str> = s.nodes.iter().filter(|n| n.kind == kind).map(|n| n.name.as_str()).collect();
        names.join(" ")
    };
    format!(
        "{} begins: process {}, generation {}, nodes [{}], ping nodes [{}], links [{}], keepalive {:?}, deadtime \
         {:?}, failback {:?}, resumed {:?}{} ({})",
        s.me,
        s.pid,
        s.generation,
        nodes(NodeKind::Normal),
        nodes(NodeKind::Ping),
        s.links.join(" "),
        s.keepalive,
        s.deadtime,
        s.failback,
        s.resumed,
        if s.failed { " but for what did not start" } else { "" },
        begin.program
    )
}

fn is_dull(step: &Step) -> bool {
    let routine = match &step.input {
        Input::Tick | Input::Load(_) | Input::Listeners(_) => true,
        Input::Received { message, .. } => is_heartbeat(message),
        _ => false,
    };
    routine && step.actions.iter().all(is_routine)
}

fn is_routine(action: &Action) -> bool {
    match action {
        Action::Send(message) => is_heartbeat(message),
        Action::Deliver { .. } => true,
        _ => false,
    }
}

fn is_heartbeat(message: &Message) -> bool {
    message.kind().is_some_and(|kind| kind == "status" || kind.starts_with("NS_"))
}

fn input(input: &Input) -> String {
    match input {
        Input::Received { link, message } => {
            format!("heard {} over {link}: {}", message.text("src").unwrap_or("?"), summary(message))
        }
        Input::Local(message) => format!("told: {}", summary(message)),
        Input::Remembered(marks) => format!("{} peers are remembered from the last life", marks.len()),
        Input::Start => "the media are open".to_owned(),
        Input::Tick => "a timer".to_owned(),
        Input::JobDone(id) => format!("job {} ended", id.0),
        Input::JobFailed(id) => format!("job {} failed", id.0),
        Input::Load(load) => format!("load {load}"),
        Input::Shutdown => "asked to stop".to_owned(),
        Input::Reload => "ha.cf changed".to_owned(),
        Input::Listeners(mask) => format!("clients listen to {mask:#x}"),
        Input::ClientsStopped => "the programs of respawn have ended".to_owned(),
    }
}

fn action(action: &Action) -> Vec<String> {
    match action {
        Action::Note(note) => {
            note.lines().iter().map(|(l, text)| format!("log {}: {text}", l.word())).collect()
        }
        Action::Send(message) => vec![format!("send {}", summary(message))],
        Action::Run { id, job } => vec![format!("run job {}: {job:?}", id.0)],
        Action::Deliver { message, treatment } => {
            vec![format!("give to clients ({treatment:?}): {}", summary(message))]
        }
        other => vec![format!("{other:?}")],
    }
}

/// A message in a line: its type, and what is its own.
fn summary(message: &Message) -> String {
    let mut text = message.kind().unwrap_or("?").to_owned();
    for field in message.fields() {
        let name = String::from_utf8_lossy(&field.name);
        match &field.value {
            _ if COMMON.contains(&&*name) => {}
            Value::Text(value) => text.push_str(&format!(" {name}={}", String::from_utf8_lossy(value))),
            _ => text.push_str(&format!(" {name}=…")),
        }
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
