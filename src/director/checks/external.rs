//! A program decides: exit status 0 is up. No shell is between.
//!
//! A file for Perl is run by a few lines of it (`external.pl`) that give it what it has in the reference.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::process::Command;

use super::program::{self, Ended};
use super::{Outcome, oracle};
use crate::director::machine::reason;

const PERL: &str = include_str!("external.pl");

pub(super) async fn external(words: &[String], limit: Duration) -> Outcome {
    let Some((program, arguments)) = words.split_first() else { return Outcome::down("no program") };
    let mut command = Command::new(program);
    command.args(arguments);
    decide(command, words, limit).await
}

pub(super) async fn perl(words: &[String], limit: Duration) -> Outcome {
    let mut command = Command::new("perl");
    command.args(["-e", PERL, "--"]).args(words);
    decide(command, words, limit).await
}

/// `words`: what is told of the program.
async fn decide(command: Command, words: &[String], limit: Duration) -> Outcome {
    match program::run(command, None, limit).await {
        Ok(Ended::Itself(status, _)) if status.success() => Outcome::up("-"),
        Ok(Ended::Itself(status, _)) => Outcome::down(status.to_string()),
        Ok(Ended::TooLong) => Outcome::down(too_long(&words.join(" "), limit)),
        Err(e) => Outcome::down(cannot_run(&words.join(" "), &e)),
    }
}

/// Asks an Oracle database by its own tool.
pub(super) async fn oracle(program: &str, at: SocketAddr, query: &oracle::Query, limit: Duration) -> Outcome {
    let (name, value) = oracle::LANGUAGE;
    let mut command = Command::new(program);
    command.args(oracle::ARGUMENTS).env(name, value);
    match program::run(command, Some(query.script(at)), limit).await {
        Ok(Ended::Itself(status, said)) => query.judge(status.success(), &said),
        Ok(Ended::TooLong) => Outcome::down(too_long(program, limit)),
        Err(e) => Outcome::down(format!("exec({program}) failed: {e}")),
    }
}

/// In the reference's words.
fn cannot_run(command: &str, error: &io::Error) -> String {
    format!("Exiting with exit_status 127: exec({command}) failed: {}", reason(error))
}

/// In the reference's words.
fn too_long(command: &str, limit: Duration) -> String {
    format!("system_timeout({}, {command}) timed out, kill -TERM child", limit.as_secs())
}
