//! The command line. Pure: what the words mean, not what is done.

use crate::getopt::{Getopt, Given};
use crate::number::atoi;

/// Exit code of a program that is not to be started again, unless `-m` names another.
const MAGIC: i32 = 100;

/// What help says, on stdout.
pub(super) const HELP: &str = "\
Usage cl_respawn [<options>] <monitored_program> [<arg1>] [<arg2>] ...
Options are as below:
-m magic_exit_code
\tWhen monitored_program exit as this magic_exit_code, then cl_respawn
\twill not try to respawn it.
-i interval
\tSet the interval(ms) of application hearbeat or plumbing its client.
-w warntime
\tSet the warning time (ms) of application heartbeat.
-p pidfile
\tSet the name of a pid file to use.
-r\tRecover itself from crash. Only called by other monitor programs like\trecovery manager.
-l\tList the program monitored by cl_respawn.
\tNotice: do not support yet.
-h\tDisplay this simple help.

";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Help was asked for.
    Help,
    /// There were no words at all.
    Nothing,
    /// A wrong option: what getopt says of it.
    Wrong(Vec<u8>),
    Keep(Options),
}

/// What to keep, and how.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) magic: i32,
    pub(super) pidfile: Option<String>,
    /// The program and its arguments; may be empty.
    pub(super) command: Vec<String>,
}

/// Reads the words after the program's own name. They end with the first that is no option: whatever follows
/// is the kept program's.
pub(super) fn read(words: &[String]) -> Asked {
    if words.is_empty() {
        return Asked::Nothing;
    }
    let mut options = Options { magic: MAGIC, pidfile: None, command: Vec::new() };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut line = Getopt::new(words, "hlrm:i:w:p:");
    for given in line.by_ref() {
        match given {
            Given::Letter(b'h') => return Asked::Help,
            Given::Value(b'm', value) => options.magic = atoi(&text(value)),
            Given::Value(b'p', value) => options.pidfile = Some(text(value)),
            // Intervals of apphbd. There is no recovery manager and no list; -r starts the program as always.
            Given::Value(..) | Given::Letter(_) => {}
            Given::Wrong(complaint) => return Asked::Wrong(complaint),
            Given::Word(program) => {
                options.command.push(text(program));
                break;
            }
        }
    }
    options.command.extend(line.rest().cloned());
    Asked::Keep(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    fn kept(line: &str) -> Options {
        match asked(line) {
            Asked::Keep(options) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_end_where_the_program_begins() {
        let options = kept("-m 7 -i500 -w 1000 -p/run/x.pid -rl /bin/prog -h -m 3");
        assert_eq!(options.magic, 7);
        assert_eq!(options.pidfile.as_deref(), Some("/run/x.pid"));
        assert_eq!(options.command, ["/bin/prog", "-h", "-m", "3"]);
        assert_eq!(kept("-- -prog").command, ["-prog"]);
        assert_eq!(kept("/bin/prog").magic, 100);
        assert_eq!(kept("-m 3").command, Vec::<String>::new());
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        let magic = ["abc", "7x", "-1", "300", "4294967303"].map(|text| kept(&format!("-m {text} p")).magic);
        assert_eq!(magic, [0, 7, -1, 300, 7]);
    }

    #[test]
    fn what_is_wrong_is_told_as_getopt_tells_it() {
        assert_eq!(asked(""), Asked::Nothing);
        assert_eq!(asked("-h /bin/prog"), Asked::Help);
        assert_eq!(asked("-z"), Asked::Wrong(b"invalid option -- 'z'".to_vec()));
        assert_eq!(asked("-m"), Asked::Wrong(b"option requires an argument -- 'm'".to_vec()));
    }
}
