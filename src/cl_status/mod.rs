//! `cl_status`: asks the daemon and prints (commands.md section 6).
//!
//! | file | what it knows |
//! |---|---|
//! | `voice` | standard output and standard error |
//! | `daemon`, `nodes`, `links`, `others` | the sub-commands, by what they ask about |
//!
//! Words and exit codes are those of 3.0.6, its spelling too: scripts compare them. How one talks to the
//! daemon is in `client`.

mod daemon;
mod links;
mod nodes;
mod others;
mod voice;

use crate::client::Client;
use crate::getopt::{Getopt, Given};
use std::process::exit;
use std::time::Duration;
use voice::Voice;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Exit codes beyond 0 (good news) and 1 (bad news, or no daemon).
mod code {
    pub(super) const WRONG_USAGE: i32 = 11;
    pub(super) const TOO_LATE: i32 = 12;
    pub(super) const NO_ANSWER: i32 = 13;
}

/// A sub-command at work.
struct Talk<'a> {
    client: Client,
    voice: &'a Voice,
    /// The sub-command, in whose name getopt(3) complains.
    name: &'a str,
    /// What follows it.
    arguments: &'a [String],
}

/// Why a sub-command ends early.
type Ends<T> = Result<T, i32>;
type Command = fn(&mut Talk<'_>) -> Ends<i32>;

/// Runs with the arguments after the program's name; the exit code.
pub fn run(arguments: &[String]) -> i32 {
    let voice = Voice::new();
    if !limited() {
        return code::TOO_LATE;
    }
    let Some((name, rest)) = arguments.split_first().filter(|(name, rest)| *name != "-h" || !rest.is_empty())
    else {
        voice.say(include_str!("usage.txt").trim_end());
        return 0;
    };
    if name == "hbstatus" {
        return daemon::hbstatus(&voice, name, rest);
    }
    let Some(command) = command(name) else {
        voice.error(&format!("{name}: invalid sub-command."));
        return code::WRONG_USAGE;
    };
    match Client::sign_on(None) {
        Ok(client) => talk(Talk { client, voice: &voice, name, arguments: rest }, command),
        Err(error) => {
            voice.failure("Cannot signon with heartbeat", &daemon::reason(&error));
            1
        }
    }
}

fn talk(mut talk: Talk<'_>, command: Command) -> i32 {
    let code = command(&mut talk).unwrap_or_else(|code| code);
    talk.client.sign_off();
    code
}

fn command(name: &str) -> Option<Command> {
    Some(match name {
        "listnodes" => nodes::listnodes,
        "nodestatus" => nodes::nodestatus,
        "nodeweight" => nodes::nodeweight,
        "nodesite" => nodes::nodesite,
        "nodetype" => nodes::nodetype,
        "listhblinks" => links::listhblinks,
        "hblinkstatus" => links::hblinkstatus,
        "clientstatus" => others::clientstatus,
        "rscstatus" => others::rscstatus,
        "hbparameter" => others::hbparameter,
        "test" => others::test,
        _ => return None,
    })
}

/// Ends the program when its time is over, whatever it is waiting for then.
fn limited() -> bool {
    let watch = || {
        std::thread::sleep(LIMIT);
        exit(code::TOO_LATE)
    };
    std::thread::Builder::new().name("limit".into()).spawn(watch).is_ok()
}

impl Talk<'_> {
    /// The options, of which the sub-command has these; the first wrong one is its end. `code` is what
    /// its complaint says beyond that of others.
    fn options(&self, known: &str, code: &str) -> Ends<Options> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut options = Options { letters: Vec::new(), value: None, words: Vec::new() };
        for given in Getopt::new(self.arguments, known) {
            match given {
                Given::Letter(letter) => options.letters.push(letter),
                Given::Value(_, value) => options.value = Some(text(value)),
                Given::Word(word) => options.words.push(text(word)),
                Given::Wrong(complaint) => {
                    self.voice.getopt(self.name, &complaint);
                    self.voice.error(&format!("Error: getopt returnedcharacter {code}?."));
                    return Err(code::WRONG_USAGE);
                }
            }
        }
        Ok(options)
    }

    /// Only `-m`, and so many words.
    fn words(&self, least: usize, missing: &str) -> Ends<Options> {
        let options = self.options("m", "")?;
        if options.words.len() < least {
            self.voice.complain(missing);
            return Err(code::WRONG_USAGE);
        }
        Ok(options)
    }

    /// A value of the daemon's reply; `None` when there is none, for whatever reason.
    fn value(&mut self, request: &str, fields: &[(&str, &str)], name: &str) -> Option<String> {
        self.client.ask(request, fields).ok()?.text(name).map(str::to_owned)
    }

    /// A parameter of the daemon: two were told at the sign-on, by a 3.0.6.
    fn parameter(&mut self, name: &str) -> Option<String> {
        let hello = self.client.hello();
        let told = match name {
            "hbversion" => &hello.version,
            "pacemaker" => &hello.pacemaker,
            _ => "",
        };
        match told {
            "" => self.value("getparm", &[("pname", name)], "pvalue"),
            told => Some(told.to_owned()),
        }
    }
}

/// What a sub-command was given.
struct Options {
    letters: Vec<u8>,
    value: Option<String>,
    words: Vec<String>,
}

impl Options {
    fn has(&self, letter: u8) -> bool {
        self.letters.contains(&letter)
    }

    /// Sentences instead of bare values.
    fn human(&self) -> bool {
        self.has(b'm')
    }

    fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", String::as_str)
    }
}
