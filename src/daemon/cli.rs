//! The command line of heartbeat(8) (commands.md section 1).

use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Parser};

/// Exit code of a wrong command line.
pub(super) const USAGE_EXIT: i32 = 2;

const USAGE: &str = "
Usage: heartbeat [-dDkMrRsvWlVf] [-C Current-resource-state]
\t-C only valid with -R
\t-r is mutually exclusive with -R
";

/// The options, under the letters they have had for ever.
#[derive(Clone, Debug, Default, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(super) struct Options {
    /// Debug level, one for each.
    #[arg(short = 'd', action = ArgAction::Count)]
    pub(super) debug: u8,
    /// Show the table of directives.
    #[arg(short = 'D')]
    pub(super) directives: bool,
    /// Stop the running daemon.
    #[arg(short = 'k')]
    pub(super) kill: bool,
    /// Do not manage resources.
    #[arg(short = 'M')]
    pub(super) no_resources: bool,
    /// Reread the configuration.
    #[arg(short = 'r')]
    pub(super) reread: bool,
    /// Internal: go on after a restart.
    #[arg(short = 'R')]
    pub(super) resume: bool,
    /// Show the status.
    #[arg(short = 's')]
    pub(super) status: bool,
    /// Show the effective configuration.
    #[arg(short = 'v')]
    pub(super) verbose: bool,
    /// The table of `-D` as wiki markup.
    #[arg(short = 'W')]
    pub(super) wiki: bool,
    /// No real-time scheduling.
    #[arg(short = 'l')]
    pub(super) no_realtime: bool,
    /// Show the version.
    #[arg(short = 'V')]
    pub(super) version: bool,
    /// Stay in the foreground.
    #[arg(short = 'f')]
    pub(super) foreground: bool,
    /// Internal, with -R: what is held.
    #[arg(short = 'C')]
    pub(super) held: Option<String>,
    /// Ignored, as ever.
    #[arg(hide = true)]
    pub(super) ignored: Vec<String>,
}

/// Reads the command line. The error is what to print to stderr before [`USAGE_EXIT`].
pub(super) fn parse(args: impl Iterator<Item = String>) -> Result<Options, String> {
    let args: Vec<String> = args.collect();
    let program = args.first().cloned().unwrap_or_default();
    let options = Options::try_parse_from(args).map_err(|error| complaint(&program, &error))?;
    if (options.held.is_some() && !options.resume) || (options.reread && options.resume) {
        return Err(USAGE.to_owned());
    }
    Ok(options)
}

/// getopt's words, then the usage.
fn complaint(program: &str, error: &clap::Error) -> String {
    let wrong = match error.get(ContextKind::InvalidArg) {
        Some(value) => value.to_string().trim_start_matches('-').chars().next().unwrap_or('?'),
        None => return USAGE.to_owned(),
    };
    match error.kind() {
        ErrorKind::UnknownArgument => format!("{program}: invalid option -- '{wrong}'\n{USAGE}"),
        ErrorKind::InvalidValue => format!("{program}: option requires an argument -- '{wrong}'\n{USAGE}"),
        _ => USAGE.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn letters_may_be_joined_and_further_words_are_ignored() {
        let options = read("heartbeat -fddl whatever").unwrap();
        assert!(options.foreground && options.no_realtime);
        assert_eq!(options.debug, 2);
    }

    #[test]
    fn resuming_names_what_is_held() {
        let options = read("heartbeat -R -C local").unwrap();
        assert_eq!(options.held.as_deref(), Some("local"));
        assert_eq!(read("heartbeat -C local").unwrap_err(), USAGE);
        assert_eq!(read("heartbeat -rR").unwrap_err(), USAGE);
    }

    #[test]
    fn an_unknown_letter_is_named() {
        let text = read("heartbeat -h").unwrap_err();
        assert!(text.starts_with("heartbeat: invalid option -- 'h'\n\nUsage: heartbeat"), "{text}");
        let text = read("heartbeat -R -C").unwrap_err();
        assert!(text.starts_with("heartbeat: option requires an argument -- 'C'\n"), "{text}");
    }
}
