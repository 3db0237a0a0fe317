//! The command line of heartbeat(8) (commands.md section 1).
//!
//! Read as getopt(3) reads it, letter by letter: `-V` answers at once whatever else is wrong, every
//! unknown letter is named, and bytes that are no text are as good as any other words.

use super::watcher::Watch;
use crate::agents::plan::Owner;
use crate::getopt::{self, Getopt, Given};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Exit code of a wrong command line.
pub(super) const USAGE_EXIT: i32 = 2;

const USAGE: &str = "
Usage: heartbeat [-dDkMrRsvWlVf] [-C Current-resource-state]
\t-C only valid with -R
\t-r is mutually exclusive with -R
";

/// The options, under the letters they have had for ever.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// `-d`: debug level, one for each.
    pub(super) debug: u8,
    /// `-D`: show the table of directives.
    pub(super) directives: bool,
    /// `-k`: stop the running daemon.
    pub(super) kill: bool,
    /// `-M`: do not manage resources.
    pub(super) no_resources: bool,
    /// `-r`: reread the configuration.
    pub(super) reread: bool,
    /// `-R`: internal: go on after a restart.
    pub(super) resume: bool,
    /// `-s`: show the status.
    pub(super) status: bool,
    /// `-v`: show the effective configuration.
    pub(super) verbose: bool,
    /// `-W`: the table of `-D` as wiki markup.
    pub(super) wiki: bool,
    /// `-l`: no real-time scheduling.
    pub(super) no_realtime: bool,
    /// `-f`: stay in the foreground.
    pub(super) foreground: bool,
    /// `-C STATE`: internal, with -R: what is held.
    pub(super) held: Option<String>,
}

/// What a command line asks for.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// `-V`: the version, and nothing else.
    Version,
    /// `--replay FILE`: tell what a recorded run did.
    Replay(OsString),
    /// `--take-down`: take down addresses that a daemon that died left up.
    TakeDown,
    /// `--watch PID BORN PRIORITY`: internal, see `watcher`.
    Watch(Watch),
    /// Anything else.
    Run(Options),
    /// It is wrong: the usage, before [`USAGE_EXIT`].
    Wrong,
}

/// A command line read.
pub(super) struct Read {
    pub(super) asked: Asked,
    /// What to print to stderr: getopt's words, the usage.
    pub(super) complaint: Vec<u8>,
}

/// Reads the command line. Words that are no options are ignored, as ever.
pub(super) fn read(args: impl Iterator<Item = OsString>) -> Read {
    let args: Vec<OsString> = args.collect();
    if let [_, option, file] = args.as_slice()
        && option == "--replay"
    {
        return Read { asked: Asked::Replay(file.clone()), complaint: Vec::new() };
    }
    if let [_, option] = args.as_slice()
        && option == "--take-down"
    {
        return Read { asked: Asked::TakeDown, complaint: Vec::new() };
    }
    if let [_, option, numbers @ ..] = args.as_slice()
        && option == "--watch"
        && let Some(watch) = watch(numbers)
    {
        return Read { asked: Asked::Watch(watch), complaint: Vec::new() };
    }
    let words: Vec<Vec<u8>> = args.into_iter().map(OsString::into_vec).collect();
    let (program, words) = words.split_first().map_or((&[][..], &[][..]), |(first, rest)| (first, rest));
    let mut reader = Reader::default();
    for given in Getopt::new(words, "dDkMrRsvWlVfC:") {
        match given {
            Given::Letter(b'V') => return Read { asked: Asked::Version, complaint: reader.complaint },
            Given::Letter(letter) => reader.letter(letter),
            Given::Value(_, state) => reader.options.held = Some(String::from_utf8_lossy(state).into_owned()),
            Given::Word(_) => {}
            Given::Wrong(complaint) => reader.complaint.extend(getopt::line(program, &complaint)),
        }
    }
    reader.verdict()
}

fn watch(numbers: &[OsString]) -> Option<Watch> {
    let [pid, born, priority] = numbers else { return None };
    let owner = Owner { pid: pid.to_str()?.parse().ok()?, born: born.to_str()?.parse().ok()? };
    let priority: u8 = priority.to_str()?.parse().ok()?;
    Some(Watch { owner, priority: Some(priority).filter(|priority| *priority > 0) })
}

#[derive(Default)]
struct Reader {
    options: Options,
    complaint: Vec<u8>,
}

impl Reader {
    fn letter(&mut self, letter: u8) {
        let options = &mut self.options;
        match letter {
            b'd' => options.debug = options.debug.saturating_add(1),
            b'D' => options.directives = true,
            b'k' => options.kill = true,
            b'M' => options.no_resources = true,
            b'r' => options.reread = true,
            b'R' => options.resume = true,
            b's' => options.status = true,
            b'v' => options.verbose = true,
            b'W' => options.wiki = true,
            b'l' => options.no_realtime = true,
            b'f' => options.foreground = true,
            _ => {}
        }
    }

    fn verdict(mut self) -> Read {
        let Options { held, resume, reread, .. } = &self.options;
        let misused = (held.is_some() && !resume) || (*reread && *resume);
        if self.complaint.is_empty() && !misused {
            return Read { asked: Asked::Run(self.options), complaint: Vec::new() };
        }
        self.complaint.extend(USAGE.bytes());
        Read { asked: Asked::Wrong, complaint: self.complaint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Asked, String) {
        let read = super::read(line.split_whitespace().map(OsString::from));
        (read.asked, String::from_utf8(read.complaint).unwrap())
    }

    fn options(line: &str) -> Options {
        match read(line) {
            (Asked::Run(options), complaint) if complaint.is_empty() => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn letters_may_be_joined_and_further_words_are_ignored() {
        let options = options("heartbeat whatever -fddl whatever -- -x");
        assert!(options.foreground && options.no_realtime);
        assert_eq!(options.debug, 2);
    }

    #[test]
    fn resuming_names_what_is_held() {
        assert_eq!(options("heartbeat -R -C local").held.as_deref(), Some("local"));
        assert_eq!(options("heartbeat -fRClocal").held.as_deref(), Some("local"));
        for line in ["heartbeat -C local", "heartbeat -rR"] {
            let (asked, complaint) = read(line);
            assert!(matches!(asked, Asked::Wrong));
            assert_eq!(complaint, USAGE);
        }
    }

    #[test]
    fn every_unknown_letter_is_named() {
        let (asked, complaint) = read("heartbeat -xsy");
        assert!(matches!(asked, Asked::Wrong));
        let head = "heartbeat: invalid option -- 'x'\nheartbeat: invalid option -- 'y'\n\nUsage: heartbeat";
        assert!(complaint.starts_with(head), "{complaint}");
        let (_, complaint) = read("heartbeat -R -C");
        assert!(complaint.starts_with("heartbeat: option requires an argument -- 'C'\n"), "{complaint}");
    }

    #[test]
    fn the_version_answers_at_once() {
        let (asked, complaint) = read("heartbeat -xVy -C");
        assert!(matches!(asked, Asked::Version));
        assert_eq!(complaint, "heartbeat: invalid option -- 'x'\n");
    }
}
