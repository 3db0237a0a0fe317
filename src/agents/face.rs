//! The command line of a resource script: `SCRIPT WORD OPERATION`.
//!
//! Everything around the agents that is the same for all of them: arguments, usage, unknown
//! operations, the final words on standard output and in the log, the exit code.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use super::announce::helper;
use super::outcome::Outcome;
use super::task::{Patron, Task};
use super::voice::{Aloud, Voice};
use super::{batch, log, sendarp};
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

    fn carry_out(self, operation: Operation, word: &str, patron: Patron<'_>, voice: &dyn Voice) -> Outcome {
        if self == Agent::SendArp {
            return sendarp::run(operation, word, patron, voice);
        }
        let task = [Task { agent: self, word, voice }];
        let outcomes = match operation {
            Operation::Start => batch::start(&task, patron, &mut |_, _| true).into_iter().flatten().collect(),
            Operation::Stop => batch::stop(&task, patron),
            Operation::Status => batch::status(&task),
        };
        outcomes.first().copied().unwrap_or(Outcome::Generic)
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
    let log = log::of_this_process(agent.name(), &instance);
    let print = |line: &str| {
        // Nobody listening is no reason to fail.
        let _ = writeln!(std::io::stdout(), "{line}");
    };
    let patron = Patron { crew: None, cluster: std::env::var_os(CLUSTER).is_some() };
    let code = run(agent, &program.to_string_lossy(), &words, patron, &Aloud { log: &log, print: &print });
    ExitCode::from(code)
}

/// The environment has it where heartbeat or its ResourceManager runs a script.
const CLUSTER: &str = "HA_CURHOST";

/// The program without its process: arguments in, lines and exit code out.
pub(super) fn run(agent: Agent, program: &str, words: &[&str], patron: Patron<'_>, voice: &dyn Voice) -> u8 {
    let usage = || voice.print(&agent.usage(program));
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
                finish(agent, Outcome::Success, false, voice)
            };
        }
        other => {
            let text = if other.is_empty() {
                "No action specfied.".to_owned()
            } else {
                format!("Unknown operation: {other}")
            };
            voice.say(Level::Error, &text);
            usage();
            return 1;
        }
    };
    let outcome = agent.carry_out(operation, word, patron, voice);
    finish(agent, outcome, operation == Operation::Status, voice)
}

/// The final words, and the exit code. `SendArp` says nothing when it does not succeed.
pub(super) fn finish(agent: Agent, outcome: Outcome, asked_status: bool, voice: &dyn Voice) -> u8 {
    if agent != Agent::SendArp || outcome == Outcome::Success {
        let (level, text) = outcome.words(asked_status);
        voice.say(level, text);
    }
    outcome.code()
}
