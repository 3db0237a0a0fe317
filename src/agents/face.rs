//! The command line of a resource script: `SCRIPT WORD OPERATION`.
//!
//! Everything around the agents that is the same for all of them: arguments, usage, unknown
//! operations, the final words on standard output and in the log, the exit code.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use super::announce::{Crew, helper};
use super::log::{self, Sink};
use super::outcome::Outcome;
use super::{ipaddr, ipaddr2, ipv6addr, sendarp};
use crate::level::Level;

/// Which script we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// An IPv4 address under an alias label.
    IPaddr,
    /// An IPv4 address.
    IPaddr2,
    /// An IPv6 address.
    IPv6addr,
    /// Announcements without an address.
    SendArp,
}

/// What is asked of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Take it.
    Start,
    /// Give it up.
    Stop,
    /// Do we have it? (`monitor` asks the same.)
    Status,
}

/// What an agent may do besides its work: log, print, and leave announcements to somebody.
pub(super) struct Context<'a> {
    /// Who goes on with announcements; a process of its own where there is nobody.
    pub(super) crew: Option<&'a Crew>,
    pub(super) log: Sink<'a>,
    pub(super) out: &'a dyn Fn(&str),
}

impl Context<'_> {
    pub(super) fn debug(&self, text: &str) {
        (self.log)(Level::Debug, text);
    }

    pub(super) fn info(&self, text: &str) {
        (self.log)(Level::Info, text);
    }

    pub(super) fn warn(&self, text: &str) {
        (self.log)(Level::Warn, text);
    }

    /// Logs the reason of a failure and returns what it amounts to.
    pub(super) fn fail(&self, outcome: Outcome, text: &str) -> Outcome {
        (self.log)(Level::Error, text);
        outcome
    }

    /// The reference's `log_and_print`.
    fn say(&self, level: Level, text: &str) {
        (self.log)(level, text);
        (self.out)(&format!("{}: {text}", log::word(level)));
    }
}

const ACTIONS: &str = "(start|stop|status|usage|meta-data)";

impl Agent {
    /// The agent of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Agent::IPaddr, Agent::IPaddr2, Agent::IPv6addr, Agent::SendArp]
            .into_iter()
            .find(|a| a.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Agent::IPaddr => "IPaddr",
            Agent::IPaddr2 => "IPaddr2",
            Agent::IPv6addr => "IPv6addr",
            Agent::SendArp => "SendArp",
        }
    }

    fn usage(self, program: &str) -> String {
        let words = match self {
            Agent::IPaddr | Agent::IPv6addr => "<ip-address>",
            Agent::IPaddr2 => "ip-address[/netmaskbits[/interface[:label][/broadcast]]]",
            Agent::SendArp => "ip-address/interface",
        };
        format!("usage: {program} {words} {ACTIONS}")
    }

    /// `IPaddr_10.0.0.5`, as log lines name the instance.
    pub fn instance(self, word: &str) -> String {
        let instance = if self == Agent::IPv6addr { word } else { word.split('/').next().unwrap_or(word) };
        format!("{}_{instance}", self.name())
    }

    fn carry_out(self, operation: Operation, word: &str, cx: &Context<'_>) -> Outcome {
        match self {
            Agent::IPaddr => ipaddr::run(operation, word, cx),
            Agent::IPaddr2 => ipaddr2::run(operation, word, cx),
            Agent::IPv6addr => ipv6addr::run(operation, word, cx),
            Agent::SendArp => sendarp::run(operation, word, cx),
        }
    }
}

/// The whole program.
pub fn main(agent: Agent) -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    if helper::run_if_asked(&arguments) {
        return ExitCode::SUCCESS;
    }
    let words: Vec<_> = arguments.iter().map(|a| a.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let instance = agent.instance(words.first().copied().unwrap_or_default());
    let sink = log::of_this_process(agent.name(), &instance);
    let code = run(agent, &program.to_string_lossy(), &words, None, &sink, &|line| {
        // Nobody listening is no reason to fail.
        let _ = writeln!(std::io::stdout(), "{line}");
    });
    ExitCode::from(code)
}

/// The program without its process: arguments in, lines and exit code out. `crew` goes on with announcements;
/// without one a process does.
pub fn run(
    agent: Agent,
    program: &str,
    words: &[&str],
    crew: Option<&Crew>,
    log: Sink<'_>,
    out: &dyn Fn(&str),
) -> u8 {
    let cx = Context { crew, log, out };
    let usage = || out(&agent.usage(program));
    let [word, operation] = words else {
        usage();
        return 1;
    };
    let operation = match *operation {
        "start" => Operation::Start,
        "stop" => Operation::Stop,
        "status" | "monitor" => Operation::Status,
        "usage" | "help" => {
            usage();
            return if matches!(agent, Agent::IPaddr | Agent::IPv6addr) {
                1
            } else {
                finish(agent, Outcome::Success, false, &cx)
            };
        }
        other => {
            let text = if other.is_empty() {
                "No action specfied.".to_owned()
            } else {
                format!("Unknown operation: {other}")
            };
            cx.say(Level::Error, &text);
            usage();
            return 1;
        }
    };
    let outcome = agent.carry_out(operation, word, &cx);
    finish(agent, outcome, operation == Operation::Status, &cx)
}

/// The final words, and the exit code. `SendArp` says nothing when it does not succeed.
fn finish(agent: Agent, outcome: Outcome, asked_status: bool, cx: &Context<'_>) -> u8 {
    if agent != Agent::SendArp || outcome == Outcome::Success {
        let (level, text) = outcome.words(asked_status);
        cx.say(level, text);
    }
    outcome.code()
}
