//! Address scripts without a process: where a script of `resource.d` is a link to our own agent, the daemon does
//! in a millisecond itself what the program would do. An administrator's script of the same name is no such link
//! and runs as it is.

use super::context::Context;
use super::script::Finished;
use crate::agents::Agent;
use crate::agents::face;
use crate::agents::log::word;
use crate::level::Level;
use crate::paths;
use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

/// Does what the script at `path` would do with these arguments; nothing where it is not ours, or this is no
/// daemon.
pub(super) fn run(path: &Path, args: &[&str], context: &Context) -> Option<Finished> {
    let crew = context.options.announcers.as_ref()?;
    let agent = agent_behind(path)?;
    let begin = Instant::now();
    let instance = agent.instance(args.first().copied().unwrap_or_default());
    let voice = context.logger.script(agent.name(), &instance);
    let log = |level: Level, text: &str| voice.bare(level, &format!("{}: {text}", word(level)));
    let output = RefCell::new(Vec::new());
    let print = |line: &str| output.borrow_mut().extend_from_slice(format!("{line}\n").as_bytes());
    let code = face::run(agent, &path.display().to_string(), args, Some(crew), &log, &print);
    Some(Finished { code: i32::from(code), output: output.into_inner(), took: begin.elapsed() })
}

fn agent_behind(path: &Path) -> Option<Agent> {
    let target = std::fs::read_link(path).ok()?;
    let name = target.strip_prefix(paths::LIBEXEC).ok()?.to_str()?;
    Agent::named(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_a_link_to_our_own_agent_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name);
        symlink("/usr/libexec/heartbeat/IPaddr2", place("IPaddr2")).unwrap();
        symlink("/usr/local/bin/IPaddr2", place("IPaddr")).unwrap();
        symlink("/usr/libexec/heartbeat/hb_tool", place("harc")).unwrap();
        std::fs::write(place("IPv6addr"), "#!/bin/sh\n").unwrap();
        assert_eq!(agent_behind(&place("IPaddr2")), Some(Agent::IPaddr2));
        for other in ["IPaddr", "harc", "IPv6addr", "nothing"] {
            assert_eq!(agent_behind(&place(other)), None, "{other}");
        }
    }
}
