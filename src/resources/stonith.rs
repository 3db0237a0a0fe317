//! The fencing device, by cluster-glue's command `stonith` (wire-protocol.md 11).
//!
//! The reference loads the plug-in into itself; the command does the same in a process of its own. It gets
//! the parameters by its environment: among its arguments everybody could read the passwords. When to
//! reset whom is the engine's to say.

use super::context::Context;
use super::environment::Environment;
use super::script::{Call, Finished, Output};
use crate::config::{Stonith, StonithSetup};
use crate::level::Level;
use crate::wire::Message;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The command of cluster-glue.
pub const PROGRAM: &str = "/usr/sbin/stonith";
/// A device that has not done it by then is told to stop, and has failed. The reference waits for ever.
const RESET_LIMIT: Duration = Duration::from_secs(300);
/// The same for the question how it is.
const CHECK_LIMIT: Duration = Duration::from_secs(60);
/// The same for what only the plug-in must answer, without the device.
const PLUGIN_LIMIT: Duration = Duration::from_secs(20);
/// The command's exit code for a node that the device does not know.
const BAD_HOST: i32 = 4;

/// The configured device.
#[derive(Clone, Debug)]
pub struct Device {
    kind: String,
    setup: StonithSetup,
    /// What it calls itself, once it was asked.
    title: Arc<OnceLock<String>>,
}

impl Device {
    /// The device of ha.cf.
    pub fn new(config: &Stonith) -> Self {
        Self { kind: config.kind.clone(), setup: config.setup.clone(), title: Arc::default() }
    }

    /// What it calls itself, for the log.
    fn title(&self, environment: &Environment) -> &str {
        self.title.get_or_init(|| {
            let told = run(&["-t", &self.kind, "-m"], environment, PLUGIN_LIMIT);
            let told = told.ok().and_then(|told| title_in(&String::from_utf8_lossy(&told.output)));
            told.unwrap_or_else(|| self.kind.clone())
        })
    }

    /// Has the device do something, with its parameters.
    fn act(&self, action: &[&str], environment: &Environment, limit: Duration) -> io::Result<Finished> {
        let mut arguments = vec!["-t", self.kind.as_str()];
        let mut environment = environment.clone();
        match &self.setup {
            StonithSetup::File(file) => arguments.extend(["-F", file]),
            StonithSetup::Parameters(words) => {
                arguments.push("-E");
                let names = parameter_names(&self.kind, &environment).unwrap_or_default();
                for (name, value) in assigned(&names, words) {
                    environment.set(&name, &value);
                }
            }
        }
        arguments.extend(action);
        run(&arguments, &environment, limit)
    }
}

/// Resets a node and says so: to the log in the words of the reference, to the cluster by the message that
/// its child would have written. Whether the node is reset now.
pub(super) fn reset(node: &str, context: &Context, emit: &mut dyn FnMut(Message)) -> bool {
    let log = |level, text: &str| context.logger.log(level, text);
    let Some(device) = &context.options.stonith else { return false };
    let environment = Environment::from_pairs(&context.env);
    let title = device.title(&environment);
    log(Level::Info, &format!("Resetting node {node} with [{title}]"));
    let result = match device.act(&["-T", "reset", node], &environment, RESET_LIMIT) {
        Ok(Finished { code: 0, .. }) => {
            log(Level::Info, &format!("node {node} now reset."));
            "OK"
        }
        Ok(Finished { code: BAD_HOST, .. }) => {
            log(Level::Error, &format!("Device {title} cannot reset host {node}."));
            "badhost"
        }
        Ok(finished) => {
            let (code, seconds) = (finished.code, finished.took.as_secs());
            log(Level::Info, &format!("{PROGRAM} ended with code {code} after {seconds} s"));
            log(Level::Error, &format!("Host {node} not reset!"));
            "bad"
        }
        Err(error) => {
            log(Level::Error, &format!("cannot run {PROGRAM}: {error}"));
            log(Level::Error, &format!("Host {node} not reset!"));
            "bad"
        }
    };
    emit(Message::of("stonith").with("node", node).with("result", result));
    result == "OK"
}

/// Asks the device how it is.
pub(super) fn check(context: &Context) {
    let Some(device) = &context.options.stonith else { return };
    let environment = Environment::from_pairs(&context.env);
    let title = device.title(&environment);
    context.logger.log(Level::Info, &format!("Checking status of STONITH device [{title}]"));
    let well = device.act(&["-S"], &environment, CHECK_LIMIT).is_ok_and(|finished| finished.code == 0);
    if !well {
        let log = |level, text: &str| context.logger.log(level, text);
        log(Level::Error, &format!("STONITH device {title} not operational!"));
        log(Level::Error, "STONITH status operation failed.");
        log(Level::Info, "This may mean that the STONITH device has failed!");
    }
}

/// Whether the plug-in has what it needs, as far as it can tell without the device: a value for each
/// parameter.
pub fn accepts(kind: &str, setup: &StonithSetup) -> bool {
    let needed = parameter_names(kind, &Environment::of_this_process()).map(|names| names.len());
    let given = match setup {
        StonithSetup::Parameters(words) => words.len(),
        StonithSetup::File(file) => words_of(Path::new(file)),
    };
    needed.is_some_and(|needed| given >= needed)
}

/// Words in the first line of a parameter file that is not a comment.
fn words_of(file: &Path) -> usize {
    let text = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty());
    line.map_or(0, |line| line.split_whitespace().count())
}

/// The names of the parameters, in the order in which ha.cf gives their values.
fn parameter_names(kind: &str, environment: &Environment) -> Option<Vec<String>> {
    let told = run(&["-t", kind, "-n"], environment, PLUGIN_LIMIT).ok().filter(|told| told.code == 0)?;
    let told = String::from_utf8_lossy(&told.output);
    Some(told.split_whitespace().map(str::to_owned).collect())
}

/// Each name with its word; the last one gets all that remain.
fn assigned(names: &[String], words: &[String]) -> Vec<(String, String)> {
    let last = names.len().saturating_sub(1);
    let value = |at: usize| match words.get(at..).unwrap_or_default() {
        rest if at == last => rest.join(" "),
        rest => rest.first().cloned().unwrap_or_default(),
    };
    names.iter().enumerate().map(|(at, name)| (name.clone(), value(at))).collect()
}

/// The short description in the plug-in's metadata.
fn title_in(metadata: &str) -> Option<String> {
    let from = metadata.split_once("<shortdesc")?.1.split_once('>')?.1;
    let text = from.split_once("</shortdesc>")?.0.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn run(arguments: &[&str], environment: &Environment, limit: Duration) -> io::Result<Finished> {
    let call = Call {
        path: Path::new(PROGRAM),
        args: arguments.to_vec(),
        environment,
        directory: None,
        output: Output::Drop,
        capture: true,
        limit: Some(limit),
    };
    call.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_last_parameter_gets_the_rest() {
        let assigned = |names, values| assigned(&words(names), &words(values));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(assigned("hostlist", "b1 b2"), [pair("hostlist", "b1 b2")]);
        assert_eq!(assigned("ip user", "1.2.3.4 root x"), [pair("ip", "1.2.3.4"), pair("user", "root x")]);
        assert_eq!(assigned("", "x"), []);
    }

    #[test]
    fn the_title_is_the_first_short_description() {
        let metadata =
            "<a>\n<shortdesc lang=\"en\">NULL STONITH\n device\n</shortdesc><shortdesc>x</shortdesc>";
        assert_eq!(title_in(metadata).as_deref(), Some("NULL STONITH device"));
        assert_eq!(title_in("<shortdesc>"), None);
        assert_eq!(title_in("<shortdesc> </shortdesc>"), None);
    }

    #[test]
    fn comments_in_a_parameter_file_count_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("device");
        std::fs::write(&file, "# a b c\n\nb1 b2\n").unwrap();
        assert_eq!(words_of(&file), 2);
        assert_eq!(words_of(Path::new("/dev/null")), 0);
    }
}
