//! What is to be run. Pure.

use std::time::Duration;

use crate::director::config::{Global, Virtual};
use crate::director::plan::Verb;
use crate::director::table::ServiceId;

/// A fallback command may take so long.
const FALLBACK: Duration = Duration::from_secs(60);
/// A callback: it may copy the configuration to another machine.
const CALLBACK: Duration = Duration::from_secs(300);
/// The lanes of other instances begin so.
const EXECUTES: &str = "execute ";
/// A verb of another instance.
const EXECUTE: Duration = Duration::from_secs(60);

/// Something to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Errands of one lane are run one after the other.
    pub lane: String,
    /// Program and arguments.
    pub words: Vec<String>,
    /// Tried when the first fails.
    pub otherwise: Option<Vec<String>>,
    /// After this long it is ended.
    pub limit: Duration,
}

/// What an instance of another configuration is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildVerb {
    /// To start.
    Start,
    /// To stop. Who is to be warm goes on checking.
    Stop,
    /// To stand by.
    Standby,
    /// To end.
    Shutdown,
    /// To take its configuration anew.
    Reload,
    /// To tell whether it runs.
    Status,
}

impl ChildVerb {
    fn word(self) -> &'static str {
        match self {
            ChildVerb::Start => "start",
            ChildVerb::Stop => "stop",
            ChildVerb::Standby => "standby",
            ChildVerb::Shutdown => "shutdown",
            ChildVerb::Reload => "reload",
            ChildVerb::Status => "status",
        }
    }
}

impl Errand {
    /// `COMMAND start|stop ADDR:PORT PROTOCOL` by the shell. A firewall mark has neither address nor port: `:0`, as
    /// in the reference.
    pub fn fallback(virt: &Virtual, verb: Verb) -> Option<Errand> {
        let command = virt.fallback_command.as_ref()?;
        let at = match virt.id {
            ServiceId::Mark { .. } => ":0".to_owned(),
            ServiceId::Address { at, .. } => at.to_string(),
        };
        let line = format!("{command} {} {at} {}", verb.word(), virt.protocol_word());
        Some(Errand::new(&format!("fallbackcommand {}", virt.id.tagged()), shell(line), FALLBACK))
    }

    /// `CALLBACK CONFIG`, without a shell. Whether it can be run is not known here.
    pub fn callback(global: &Global, config: &str) -> Option<Errand> {
        let program = global.callback.clone()?;
        Some(Errand::new("callback", vec![program, config.to_owned()], CALLBACK))
    }

    /// `ldirectord CONF VERB` by the shell, which takes CONF apart as it would take any words.
    pub fn execute(ldirectord: &str, config: &str, verb: ChildVerb) -> Errand {
        let line = format!("{ldirectord} {config} {}", verb.word());
        Errand::new(&format!("{EXECUTES}{config}"), shell(line), EXECUTE)
    }

    /// Whether the errands of this lane tell an instance of another configuration something.
    pub fn executes(lane: &str) -> bool {
        lane.starts_with(EXECUTES)
    }

    /// What the instances of other configurations are told when the list of them changes: who is not in it any more
    /// ends, who stays reloads, who is new begins: starts, or stands by. So does who stays and does not run.
    pub fn execute_others(ldirectord: &str, old: &[String], new: &[String], begin: ChildVerb) -> Vec<Errand> {
        let errand = |config: &String, verb| Errand::execute(ldirectord, config, verb);
        let begins = |config| errand(config, begin);
        let reloads =
            |config| Errand { otherwise: Some(begins(config).words), ..errand(config, ChildVerb::Reload) };
        let gone = old.iter().filter(|config| !new.contains(config));
        let here =
            new.iter().map(|config| if old.contains(config) { reloads(config) } else { begins(config) });
        gone.map(|config| errand(config, ChildVerb::Shutdown)).chain(here).collect()
    }

    fn new(lane: &str, words: Vec<String>, limit: Duration) -> Errand {
        Errand { lane: lane.to_owned(), words, otherwise: None, limit }
    }
}

fn shell(line: String) -> Vec<String> {
    vec!["/bin/sh".to_owned(), "-c".to_owned(), line]
}

/// How the log calls it: a line for the shell as it is, anything else word by word.
pub(super) fn told(words: &[String]) -> String {
    match words {
        [shell, option, line] if shell == "/bin/sh" && option == "-c" => line.clone(),
        words => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::director::config::{self, FakeMachine};

    /// Arguments as the reference's programs got them, recorded in a guest.
    #[test]
    fn arguments_are_the_references() {
        let text = "callback=\"/etc/ha.d/cb.sh\"\nfallbackcommand=/etc/ha.d/fb.sh\n\
            virtual=10.7.0.100:80\n\treal=10.7.0.1:80 gate\n\
            virtual=10.7.0.101:53\n\treal=10.7.0.1:53 gate\n\tfallbackcommand=\"/etc/ha.d/fb.sh own\"\n\
            virtual=7\n\treal=10.7.0.1:80 gate\nvirtual6=[fd00::1]:80\n\treal6=[fd00::2]:80 gate\n";
        let source = Source::new("x.cf", text.as_bytes(), 0o600);
        let config = config::read(&source, &FakeMachine::with_hosts(&[])).config.unwrap();
        let said = |n: usize, verb| told(&Errand::fallback(&config.virtuals[n], verb).unwrap().words);
        assert_eq!(said(0, Verb::Start), "/etc/ha.d/fb.sh start 10.7.0.100:80 tcp");
        assert_eq!(said(1, Verb::Stop), "/etc/ha.d/fb.sh own stop 10.7.0.101:53 udp");
        assert_eq!(said(2, Verb::Stop), "/etc/ha.d/fb.sh stop :0 fwm");
        assert_eq!(said(3, Verb::Start), "/etc/ha.d/fb.sh start [fd00::1]:80 tcp");
        let callback = Errand::callback(&config.global, "/etc/ha.d/ldirectord.cf").unwrap();
        assert_eq!(callback.words, ["/etc/ha.d/cb.sh", "/etc/ha.d/ldirectord.cf"]);
    }

    #[test]
    fn instances_follow_the_list() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (old, new) = (list(&["a", "b"]), list(&["b", "c"]));
        let errands = Errand::execute_others("/usr/sbin/ldirectord", &old, &new, ChildVerb::Start);
        let lines: Vec<String> = errands.iter().map(|errand| told(&errand.words)).collect();
        let wanted = ["a shutdown", "b reload", "c start"].map(|rest| format!("/usr/sbin/ldirectord {rest}"));
        assert_eq!(lines, wanted);
        let second = errands[1].otherwise.as_ref().map(|words| told(words));
        assert_eq!(second.as_deref(), Some("/usr/sbin/ldirectord b start"));
        assert!(errands[0].otherwise.is_none() && errands[2].otherwise.is_none());
        assert!(errands.iter().all(|errand| Errand::executes(&errand.lane)));
    }
}
