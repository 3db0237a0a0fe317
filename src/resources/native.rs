//! Address scripts without a process: where a script of `resource.d` is a link to our own agent, the daemon does
//! itself what the program would do, and does it at once for all resources of that kind that follow each other. An
//! administrator's script of the same name is no such link and runs as it is.
//!
//! What was done ahead is kept as the answers of calls to come: the plan goes on as if each resource were moved in
//! its turn, and so do its log lines, after all the addresses.

use super::context::Context;
use super::plan::Ahead;
use super::script::Finished;
use crate::agents::announce::Crew;
use crate::agents::log::word;
use crate::agents::many::{self, Done};
use crate::agents::plan::{Gone, Request};
use crate::agents::{Agent, ledger, turn};
use crate::config::haresources::Word;
use crate::logging::Logger;
use crate::paths;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Scripts whose first argument begins with an address.
pub(super) const ADDRESS_SCRIPTS: [&str; 3] = ["IPaddr", "IPaddr2", "IPv6addr"];
/// A log that is handed more lines than this at once is waited for, lest it lose some...
const MANY_LINES: usize = 1000;
/// ...but not for long.
const LOG_PATIENCE: Duration = Duration::from_millis(100);

/// A resource and an operation.
type Call = (Word, &'static str);

/// The calls that were answered ahead.
#[derive(Default)]
pub(super) struct Answers {
    kept: RefCell<HashMap<Call, (Agent, Done)>>,
    lines: Cell<usize>,
}

impl Answers {
    /// Moves those of the resources, from the first on, that our own agents handle. Not what is answered already.
    pub(super) fn prepare(
        &self,
        what: Ahead,
        resources: &[&Word],
        find: &dyn Fn(&Word) -> Option<PathBuf>,
        context: &Context,
    ) {
        let Some(crew) = &context.options.announcers else { return };
        let call = if what == Ahead::Release { "stop" } else { "status" };
        let first = resources.first().map(|word| ((*word).clone(), call));
        if first.is_none_or(|first| self.kept.borrow().contains_key(&first)) {
            return;
        }
        let ours = run_of_ours(resources, find);
        let pairs: Vec<(Agent, &str)> = ours.iter().map(|(_, agent, argument)| (*agent, *argument)).collect();
        if pairs.is_empty() {
            return;
        }
        match what {
            Ahead::Status => self.keep("status", &ours, many::ask(&pairs).into_iter().map(Some)),
            Ahead::Acquire => self.acquire(&ours, &pairs, crew),
            Ahead::Release => {
                // What a group that failed did not come to is void.
                self.forget(&ours);
                self.keep("stop", &ours, many::release(&pairs, crew).into_iter().map(Some));
            }
        }
    }

    fn acquire(&self, ours: &[Ours<'_>], pairs: &[(Agent, &str)], crew: &Crew) {
        let all = many::acquire(pairs, crew);
        let (status, start): (Vec<_>, Vec<_>) = all.into_iter().map(|a| (Some(a.status), a.start)).unzip();
        self.keep("status", ours, status.into_iter());
        self.keep("start", ours, start.into_iter());
    }

    fn keep(&self, call: &'static str, ours: &[Ours<'_>], done: impl Iterator<Item = Option<Done>>) {
        let mut kept = self.kept.borrow_mut();
        for ((word, agent, _), done) in ours.iter().zip(done) {
            if let Some(done) = done {
                kept.insert(((*word).clone(), call), (*agent, done));
            }
        }
    }

    fn forget(&self, ours: &[Ours<'_>]) {
        let mut kept = self.kept.borrow_mut();
        for (word, _, _) in ours {
            kept.remove(&((*word).clone(), "status"));
            kept.remove(&((*word).clone(), "start"));
        }
    }

    /// Does what the script at `path` would do; nothing where it is not ours, or this is no daemon.
    pub(super) fn call(
        &self,
        resource: &Word,
        op: &'static str,
        path: &Path,
        context: &Context,
    ) -> Option<Finished> {
        let ahead = self.kept.borrow_mut().remove(&(resource.clone(), op));
        let (agent, done) = match ahead {
            Some(ahead) => ahead,
            None => now(resource, op, path, context)?,
        };
        let mut args = resource.args().into_iter();
        let instance = agent.instance(args.next().unwrap_or_default());
        self.pass_on(&done, &context.logger.script(agent.name(), &instance));
        Some(Finished { code: i32::from(done.code), output: done.output, took: done.took })
    }

    fn pass_on(&self, done: &Done, voice: &Logger) {
        for (level, text) in &done.lines {
            voice.bare(*level, &format!("{}: {text}", word(*level)));
        }
        // The lines around them count, too.
        self.lines.set(self.lines.get() + done.lines.len() + 2);
        if self.lines.get() > MANY_LINES {
            self.lines.set(0);
            voice.flush(LOG_PATIENCE);
        }
    }
}

/// A resource of ours, its agent, its argument.
type Ours<'a> = (&'a Word, Agent, &'a str);

/// The resources from the first on that our agents move together.
fn run_of_ours<'a>(resources: &[&'a Word], find: &dyn Fn(&Word) -> Option<PathBuf>) -> Vec<Ours<'a>> {
    resources.iter().copied().map_while(ours(find)).collect()
}

/// What our agents make of a resource.
fn ours<'a>(find: &dyn Fn(&Word) -> Option<PathBuf>) -> impl FnMut(&'a Word) -> Option<Ours<'a>> {
    let mut known = BTreeMap::new();
    move |word| {
        let behind = || agent_behind(&find(word)?).filter(|agent| many::fits(*agent));
        let agent = (*known.entry(word.script()).or_insert_with(behind))?;
        match word.args().as_slice() {
            [argument] => Some((word, agent, *argument)),
            _ => None,
        }
    }
}

/// Has what is up of these guarded, as if we had just put it up. Why not, where that cannot be.
pub(super) fn adopt<'a>(
    resources: impl Iterator<Item = &'a Word>,
    find: &dyn Fn(&Word) -> Option<PathBuf>,
) -> Result<(), String> {
    let ours: Vec<(Agent, &str)> =
        resources.filter_map(ours(find)).map(|(_, agent, argument)| (agent, argument)).collect();
    if ours.is_empty() { Ok(()) } else { many::adopt(&ours) }
}

fn now(resource: &Word, op: &str, path: &Path, context: &Context) -> Option<(Agent, Done)> {
    let crew = context.options.announcers.as_ref()?;
    let agent = agent_behind(path)?;
    let mut words = resource.args();
    words.push(op);
    Some((agent, many::call(agent, &path.display().to_string(), &words, crew)))
}

fn agent_behind(path: &Path) -> Option<Agent> {
    let target = std::fs::read_link(path).ok()?;
    let name = target.strip_prefix(paths::LIBEXEC).ok()?.to_str()?;
    Agent::named(name)
}

/// The address that a resource is about.
pub(super) fn address(resource: &Word) -> Option<IpAddr> {
    let ours = ADDRESS_SCRIPTS.contains(&resource.script());
    resource.args().first().filter(|_| ours)?.split('/').next()?.parse().ok()
}

/// An administrator's script takes this address away now: nobody is to put it back.
pub(super) fn let_go(resource: &Word) {
    if let (Some(ip), Some(argument)) = (address(resource), resource.args().first()) {
        let request = if ip.is_ipv4() { Request::v4(argument) } else { Request::v6(argument) };
        // Where nothing is written down there is nothing to strike out.
        let _ = ledger::strike(&turn::take(), &[Gone { ip, nic: request.nic, index: None }]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn place() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        symlink("/usr/libexec/heartbeat/IPaddr2", dir.path().join("IPaddr2")).unwrap();
        symlink("/usr/local/bin/IPaddr2", dir.path().join("IPaddr")).unwrap();
        symlink("/usr/libexec/heartbeat/hb_tool", dir.path().join("harc")).unwrap();
        symlink("/usr/libexec/heartbeat/SendArp", dir.path().join("SendArp")).unwrap();
        std::fs::write(dir.path().join("IPv6addr"), "#!/bin/sh\n").unwrap();
        dir
    }

    #[test]
    fn only_a_link_to_our_own_agent_is_ours() {
        let dir = place();
        assert_eq!(agent_behind(&dir.path().join("IPaddr2")), Some(Agent::IPaddr2));
        for other in ["IPaddr", "harc", "IPv6addr", "nothing"] {
            assert_eq!(agent_behind(&dir.path().join(other)), None, "{other}");
        }
    }

    /// How many of these are moved together.
    fn together(words: &[&str]) -> usize {
        let dir = place();
        let words: Vec<Word> = words.iter().map(|word| Word::new(*word, 1, 1)).collect();
        let find =
            |word: &Word| Some(dir.path().join(word.script())).filter(|path| path.symlink_metadata().is_ok());
        run_of_ours(&words.iter().collect::<Vec<_>>(), &find).len()
    }

    #[test]
    fn a_run_ends_at_what_is_not_ours() {
        assert_eq!(together(&["IPaddr2::10.0.0.5", "IPaddr2::10.0.0.6/24/eth0"]), 2);
        assert_eq!(together(&["IPaddr2::10.0.0.5", "IPv6addr::fd00::5", "IPaddr2::10.0.0.6"]), 1, "theirs");
        assert_eq!(together(&["10.0.0.5", "IPaddr2::10.0.0.6"]), 0, "theirs comes first");
        assert_eq!(together(&["IPaddr2::10.0.0.5", "SendArp::10.0.0.7/eth0"]), 1, "no address of its own");
        assert_eq!(together(&["IPaddr2::10.0.0.5::more", "IPaddr2::10.0.0.6"]), 0, "a mistake, to be told");
    }

    #[test]
    fn the_address_of_a_resource() {
        let of = |word: &str| address(&Word::new(word, 1, 1)).map(|ip| ip.to_string());
        assert_eq!(of("IPaddr2::10.0.0.5/24/eth0").as_deref(), Some("10.0.0.5"));
        assert_eq!(of("10.0.0.6").as_deref(), Some("10.0.0.6"));
        assert_eq!(of("apache::10.0.0.5"), None);
    }
}
