//! The command line of `drbd-peer-outdater`, as the reference reads it. Pure.

use crate::getopt::{self, Getopt, Given};
use crate::number::decimal;
use std::time::Duration;

/// What `-h` prints.
pub const USAGE: &str = "\
usage: drbd-peer-outdater -r <string> -p <string> [-t <int>]
\t-p <string>\tdrbd peer
\t-r <string>\tdrbd resource
\t-t <int>\ttimeout in seconds; default: 60

The drbd peer and drbd resource have to be specified either on the
commandline using the -p and -r options, or using the $DRBD_PEER and
$DRBD_RESOURCE environment variables. $DRBD_RESOURCE and $DRBD_PEER
will be ignored, if the command line options are used.
";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The node.
    pub peer: String,
    /// The DRBD resource.
    pub resource: String,
    /// How long to wait in all; `None` for ever (a negative number).
    pub patience: Option<Duration>,
}

/// What a command line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask dopd.
    Ask(Request),
    /// `-h`: the usage to stdout, exit 0.
    Help,
    /// The usage to stderr, exit 1.
    Wrong,
}

/// Reads the words after the program's own name, options anywhere among them, as getopt does; other words mean
/// nothing. The bytes are getopt's complaints, for stderr: they come before anything else, and `-h` after one still
/// helps. `environment` answers for `DRBD_PEER` and `DRBD_RESOURCE`.
pub fn read(
    program: &str,
    words: &[String],
    environment: impl Fn(&str) -> Option<String>,
) -> (Vec<u8>, Command) {
    let (mut peer, mut resource, mut seconds) = (None, None, 60);
    let mut complaints = Vec::new();
    for given in Getopt::new(words, "hp:r:t:") {
        match given {
            Given::Value(b'p', value) => peer = Some(text(value)),
            Given::Value(b'r', value) => resource = Some(text(value)),
            Given::Value(_, value) => seconds = decimal(&text(value)).unwrap_or(0),
            Given::Letter(_) => return (complaints, Command::Help),
            Given::Word(_) => {}
            Given::Wrong(complaint) => complaints.extend(getopt::line(program.as_bytes(), &complaint)),
        }
    }
    let peer = peer.or_else(|| environment("DRBD_PEER"));
    let resource = resource.or_else(|| environment("DRBD_RESOURCE"));
    let command = match (peer, resource) {
        (Some(peer), Some(resource)) if complaints.is_empty() => {
            let patience = u64::try_from(seconds).ok().map(Duration::from_secs);
            Command::Ask(Request { peer, resource, patience })
        }
        _ => Command::Wrong,
    };
    (complaints, command)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], environment: &[(&str, &str)]) -> Command {
        told(words, environment).1
    }

    fn told(words: &[&str], environment: &[(&str, &str)]) -> (Vec<u8>, Command) {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let get = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        read("./x", &words, get)
    }

    fn ask(peer: &str, resource: &str, seconds: Option<u64>) -> Command {
        let (peer, resource) = (peer.into(), resource.into());
        Command::Ask(Request { peer, resource, patience: seconds.map(Duration::from_secs) })
    }

    /// What the reference did with each is in tests/dopd.rs; here: that it is read.
    #[test]
    fn words_are_read_as_getopt_does() {
        assert_eq!(of(&["-r", "r0", "-p", "b2", "extra"], &[]), ask("b2", "r0", Some(60)));
        assert_eq!(of(&["extra", "-rr0", "-pb2", "-t5"], &[]), ask("b2", "r0", Some(5)));
        assert_eq!(of(&["-rr0", "-pb2", "-t", "abc"], &[]), ask("b2", "r0", Some(0)));
        assert_eq!(of(&["-rr0", "-pb2", "-t", "-5"], &[]), ask("b2", "r0", None));
        assert_eq!(of(&["-ht5"], &[]), Command::Help);
        assert_eq!(of(&["-p", "b2", "-rr1", "-h"], &[]), Command::Help);
        let complaint = |text: &str| format!("{text}\n").into_bytes();
        assert_eq!(
            told(&["-x", "-pb2", "-rr0"], &[]),
            (complaint("./x: invalid option -- 'x'"), Command::Wrong)
        );
        assert_eq!(told(&["--help"], &[]), (complaint("./x: invalid option -- '-'"), Command::Help));
        let missing = complaint("./x: option requires an argument -- 't'");
        assert_eq!(told(&["-rr0", "-pb2", "-t"], &[]), (missing, Command::Wrong));
        assert_eq!(told(&["-p", "b2"], &[]), (Vec::new(), Command::Wrong));
        assert_eq!(of(&["--", "-p", "b2", "-r", "r0"], &[]), Command::Wrong);
    }

    #[test]
    fn the_environment_stands_in() {
        let environment = [("DRBD_PEER", "b2"), ("DRBD_RESOURCE", "")];
        assert_eq!(of(&[], &environment), ask("b2", "", Some(60)));
        assert_eq!(of(&["-p", "b3", "-r", "r1"], &environment), ask("b3", "r1", Some(60)));
        assert_eq!(of(&[], &environment[..1]), Command::Wrong);
    }
}
