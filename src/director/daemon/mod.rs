//! The daemon `ldirectord`: its command line, its life (ldirectord.md 1 to 3, 11).
//!
//! | file | pure | what it knows |
//! |---|---|---|
//! | `cli`, `texts` | yes | the command line, what the program says about itself |
//! | `place` | | which configuration is meant, how the instance is called, its files |
//! | `load` | | reading a configuration, telling what is wrong with it |
//! | `verbs` | | what each verb does, says and returns |
//! | `pidfile`, `record` | | who runs; what it does and has put into the kernel's table |
//! | `launch` | | from the verb to the daemon |
//! | `chain` | | who executes whom |
//! | `core` | yes | what is to be done next |
//! | `run` | | the loop: one thread that never waits |
//! | `side` | | what it has others do: log, e-mails, programs |
//! | `kernel`, `clerk` | | threads that may: the kernel's table, the configuration |
//! | `signals` | | signals and what they mean |

mod chain;
mod clerk;
mod cli;
mod core;
mod kernel;
mod launch;
mod load;
mod pidfile;
mod place;
mod record;
mod run;
mod side;
mod signals;
mod texts;
mod verbs;

use std::ffi::OsString;
use std::io::{self, Write};

use cli::Asked;
use place::Place;

use crate::sys::fds::close_inherited;

/// The exit code of who was not understood.
const USAGE: i32 = 255;

/// Runs ldirectord(8) with program and arguments; the exit code.
pub fn main(words: impl Iterator<Item = OsString>) -> i32 {
    // Nobody is to wait for the end of a pipe that a daemon holds open by accident.
    close_inherited();
    let mut words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let asked = cli::read(words.get(1..).unwrap_or_default());
    match asked {
        Asked::Version => say(texts::VERSION, 0),
        Asked::Help => say(texts::USAGE, 0),
        Asked::Nonsense(unknown) => {
            for name in unknown {
                // Whoever closed stderr does not want to know.
                let _ = writeln!(io::stderr(), "Unknown option: {name}");
            }
            say(texts::USAGE, USAGE)
        }
        Asked::Check(name) => match Place::find(Some(&name)) {
            Ok(place) => {
                let (text, code) = load::check(&place.path, &place.config);
                say(&text, code)
            }
            Err(lost) => say(&format!("Config file {} not found\n", lost.name), 1),
        },
        Asked::Run(command) => {
            if let Some(program) = words.first_mut().filter(|program| !program.contains('/')) {
                *program = side::itself();
            }
            verbs::run(words, command)
        }
    }
}

/// Prints. A reader that has gone away is no failure.
fn say(text: &str, code: i32) -> i32 {
    let _ = io::stdout().write_all(text.as_bytes());
    code
}
