//! The command line (ldirectord.md section 1). Pure.

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something that cannot be understood; unknown options by name.
    Nonsense(Vec<String>),
    /// How it is to be used.
    Help,
    /// Who we are.
    Version,
    /// Whether a configuration is good.
    Check(String),
    /// To do something.
    Run(Command),
}

/// What to do, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// In the foreground, everything to stderr.
    pub(super) debug: bool,
    /// The configuration as it was typed; `None` when none was.
    pub(super) config: Option<String>,
    /// What to do.
    pub(super) verb: Verb,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// Become the daemon. One that only checks begins to serve.
    Start,
    /// End the daemon. One with `warmstandby` only stops serving.
    Stop,
    /// End it, keep the kernel's table, start anew.
    Restart,
    /// The same, if it runs.
    TryRestart,
    /// Read the configuration anew.
    Reload,
    /// The same, by its other name.
    ForceReload,
    /// Tell how it is.
    Status,
    /// Ours: become a daemon that only checks. One that serves stops serving.
    Standby,
    /// Ours: end the daemon, whatever it does.
    Shutdown,
}

const VERBS: [(&str, Verb); 9] = [
    ("start", Verb::Start),
    ("stop", Verb::Stop),
    ("restart", Verb::Restart),
    ("try-restart", Verb::TryRestart),
    ("reload", Verb::Reload),
    ("force-reload", Verb::ForceReload),
    ("status", Verb::Status),
    ("standby", Verb::Standby),
    ("shutdown", Verb::Shutdown),
];

impl Verb {
    /// As it was typed.
    pub(super) fn word(self) -> &'static str {
        VERBS.iter().find(|(_, verb)| *verb == self).map_or("", |(word, _)| word)
    }
}

/// Reads what stands behind the program's name. Options end at the first word that is none.
pub(super) fn read(words: &[String]) -> Asked {
    let mut flags = Flags::default();
    let mut words = words.iter();
    let mut plain: Vec<&String> = Vec::new();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some("") => {
                plain.extend(words.by_ref());
            }
            Some("check") => flags.check = Some(words.next().cloned()),
            Some(name) => flags.long(name),
            None if word.len() > 1 && word.starts_with('-') => {
                word.chars().skip(1).for_each(|letter| flags.short(letter));
            }
            None => {
                plain.push(word);
                plain.extend(words.by_ref());
            }
        }
    }
    flags.asked(&plain)
}

#[derive(Debug, Default)]
struct Flags {
    debug: bool,
    help: bool,
    version: bool,
    check: Option<Option<String>>,
    unknown: Vec<String>,
}

impl Flags {
    fn long(&mut self, name: &str) {
        match name {
            "debug" => self.debug = true,
            "help" => self.help = true,
            "version" => self.version = true,
            other => self.unknown.push(other.to_owned()),
        }
    }

    fn short(&mut self, letter: char) {
        match letter {
            'd' => self.debug = true,
            'h' | '?' => self.help = true,
            'v' => self.version = true,
            other => self.unknown.push(other.to_string()),
        }
    }

    fn asked(self, plain: &[&String]) -> Asked {
        let (config, verb) = match plain {
            [] => (None, None),
            [verb] => (None, Some(*verb)),
            [config, verb, ..] => (Some((*config).clone()), Some(*verb)),
        };
        let verb = verb.and_then(|word| VERBS.iter().find(|(known, _)| known == word)).map(|(_, verb)| *verb);
        match (self.check, verb) {
            _ if !self.unknown.is_empty() => Asked::Nonsense(self.unknown),
            _ if self.help => Asked::Help,
            _ if self.version => Asked::Version,
            (Some(file), _) => {
                let file = file.or_else(|| plain.first().map(|word| (*word).clone()));
                file.map_or(Asked::Nonsense(Vec::new()), Asked::Check)
            }
            (None, Some(verb)) => Asked::Run(Command { debug: self.debug, config, verb }),
            (None, None) => Asked::Nonsense(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        read(&line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>())
    }

    fn run(debug: bool, config: Option<&str>, verb: Verb) -> Asked {
        Asked::Run(Command { debug, config: config.map(ToOwned::to_owned), verb })
    }

    #[test]
    fn one_word_is_the_verb_and_two_are_configuration_and_verb() {
        assert_eq!(asked("start"), run(false, None, Verb::Start));
        assert_eq!(asked("web.cf stop"), run(false, Some("web.cf"), Verb::Stop));
        assert_eq!(asked("-d web.cf try-restart and more"), run(true, Some("web.cf"), Verb::TryRestart));
        assert_eq!(asked("--debug -- -x status"), run(true, Some("-x"), Verb::Status));
        assert_eq!(asked("start -d"), Asked::Nonsense(Vec::new()), "-d is taken for the verb");
        assert_eq!(asked("start stop"), run(false, Some("start"), Verb::Stop));
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert_eq!(asked("--foo start"), Asked::Nonsense(vec!["foo".to_owned()]));
        assert_eq!(asked("-xd start"), Asked::Nonsense(vec!["x".to_owned()]));
        assert_eq!(asked("--deb start"), Asked::Nonsense(vec!["deb".to_owned()]), "no abbreviations");
        assert_eq!(asked(""), Asked::Nonsense(Vec::new()));
        assert_eq!(asked("frob"), Asked::Nonsense(Vec::new()));
    }

    #[test]
    fn questions_about_ourselves_and_about_a_file() {
        assert_eq!(asked("-v"), Asked::Version);
        assert_eq!(asked("-?"), Asked::Help);
        assert_eq!(asked("--check web.cf"), Asked::Check("web.cf".to_owned()));
        assert_eq!(asked("--check"), Asked::Nonsense(Vec::new()));
    }

    #[test]
    fn verbs_say_their_word() {
        for (word, verb) in VERBS {
            assert_eq!(verb.word(), word);
        }
    }
}
