//! Programs to keep running, and fencing devices (configuration.md 1.2).

use super::draft::Draft;
use super::media::missing;
use crate::config::model::{Client, Stonith, StonithSetup};
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::level::Level;

/// Longest user name 3.0.6 takes.
const USER_LENGTH: usize = 63;
/// Where versions 2.x kept their programs; files written for them still say so.
const OLD_DIRECTORIES: [&str; 2] = ["/usr/lib/heartbeat/", "/usr/lib64/heartbeat/"];
/// Where programs are now.
const DIRECTORIES: [&str; 2] = ["/usr/libexec/heartbeat/", "/usr/share/heartbeat/"];

/// `respawn USER COMMAND` and `failfast USER COMMAND`.
pub(super) fn respawn<'a>(draft: &mut Draft<'a>, name: &'static str, whole: &At<'a>, words: &[At<'a>]) {
    let line = if words.is_empty() { String::new() } else { whole.text() };
    if draft.config.logging.debug > 0 {
        draft.report.say(Level::Info, format!("{name} {line}"));
    }
    let user_at = words.first().unwrap_or(whole);
    let user = words.first().map(At::text).unwrap_or_default();
    let Some(ids) = draft.host.user(&user).filter(|_| user.chars().count() <= USER_LENGTH) else {
        let refusal = match words.is_empty() {
            true => missing("USER COMMAND"),
            false => Refusal::new(format!("there is no user {user:?}"), "the name of a user, no number"),
        };
        let said = match user.chars().count() > USER_LENGTH {
            true => "UID specified for client child is too long".to_owned(),
            false => format!("Invalid uid [{user}] specified for client child"),
        };
        draft.refuse(name, user_at, refusal.says(said));
        return check_silently(draft, name, words);
    };
    if let Some(command) = command(draft, name, whole, words, true) {
        let failfast = name == "failfast";
        draft.config.clients.push(Client { user, uid: ids.uid, gid: ids.gid, command, failfast });
    }
}

/// The program is checked even when the user is wrong, but 3.0.6 would say nothing about it.
fn check_silently<'a>(draft: &mut Draft<'a>, name: &'static str, words: &[At<'a>]) {
    if let Some(program) = words.get(1) {
        command(draft, name, program, words, false);
    }
}

/// The command, its program checked and found where it is now.
fn command<'a>(
    draft: &mut Draft<'a>,
    name: &'static str,
    whole: &At<'a>,
    words: &[At<'a>],
    aloud: bool,
) -> Option<String> {
    let at = words.get(1).unwrap_or(whole);
    let program = words.get(1).map(At::text).unwrap_or_default();
    let (refusal, said) = if words.len() < 2 {
        let said = "Client child command [] is not full pathname".to_owned();
        (missing("USER COMMAND"), said)
    } else if !program.starts_with('/') {
        let line = whole.line.at(at.range.start..whole.range.end).text();
        let said = format!("Client child command [{line}] is not full pathname");
        (Refusal::new(format!("{program:?} is not a full path"), "a path that begins with /"), said)
    } else if let Some(found) = locate(draft, &program) {
        let rest = whole.line.at(at.range.end..whole.range.end).text();
        return Some(format!("{found}{rest}"));
    } else {
        let said = format!("Client child command [{program}] is not executable");
        let message = format!("{program} does not exist or is not executable");
        (Refusal::new(message, "an executable file"), said)
    };
    draft.refuse(name, at, if aloud { refusal.says(said) } else { refusal });
    None
}

/// Where the program is: as written, or where a program of an old directory has moved to.
fn locate(draft: &Draft<'_>, program: &str) -> Option<String> {
    if draft.host.executable(program) {
        return Some(program.to_owned());
    }
    let name = OLD_DIRECTORIES.iter().find_map(|old| program.strip_prefix(old))?;
    let moved = DIRECTORIES.iter().map(|directory| format!("{directory}{name}"));
    moved.into_iter().find(|path| draft.host.executable(path))
}

/// `stonith TYPE FILE`.
pub(super) fn stonith<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    let Some(kind) = kind(draft, "stonith", whole, words.first()) else {
        return;
    };
    let file = words.get(1).map(At::text).unwrap_or_default();
    if file.is_empty() || draft.host.file_kind(&file).is_none() {
        let at = words.get(1).unwrap_or(whole);
        let refusal = Refusal::new(format!("there is no file {file:?}"), "stonith TYPE FILE");
        let said = format!("Invalid Stonith config file [{file}]");
        return draft.refuse("stonith", at, refusal.says(said));
    }
    let setup = StonithSetup::File(file.clone());
    if !draft.host.stonith_accepts(&kind, &setup) {
        let message = format!("the file {file:?} has not every parameter of {kind}");
        let refusal = Refusal::new(message, format!("one line of values; see stonith -t {kind} -n"));
        let said = format!("Invalid Stonith config file [{file}]");
        return draft.refuse("stonith", words.get(1).unwrap_or(whole), refusal.says(said));
    }
    draft.config.stonith = Some(Stonith { kind, setup });
}

/// `stonith_host HOST TYPE PARAMETER ...`; lines for other hosts are skipped unread.
pub(super) fn stonith_host<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    let Some(host) = words.first() else {
        let refusal = missing("stonith_host HOST TYPE PARAMETER ...");
        return draft.refuse("stonith_host", whole, refusal.says("No Stonith hostname argument given"));
    };
    let host = host.text().to_lowercase();
    if host != "*" && host != draft.config.this_node {
        return;
    }
    if let Some(kind) = kind(draft, "stonith_host", whole, words.get(1)) {
        let parameters: Vec<String> = words.iter().skip(2).map(At::text).collect();
        let said: String = parameters.iter().map(|word| format!(" {word}")).collect();
        let setup = StonithSetup::Parameters(parameters);
        if !draft.host.stonith_accepts(&kind, &setup) {
            let message = format!("not every parameter of {kind} is given");
            let refusal = Refusal::new(message, format!("values in the order of stonith -t {kind} -n"));
            let said = format!("Invalid Stonith configuration parameter [{said}]");
            return draft.refuse("stonith_host", whole, refusal.says(said));
        }
        draft.config.stonith = Some(Stonith { kind, setup });
    }
}

/// The type of a fencing device, if there is such a plug-in.
fn kind<'a>(
    draft: &mut Draft<'a>,
    name: &'static str,
    whole: &At<'a>,
    at: Option<&At<'a>>,
) -> Option<String> {
    let Some(at) = at else {
        draft.refuse(name, whole, missing("a fencing type").says("No Stonith type given"));
        return None;
    };
    let kind = at.text();
    if !draft.host.stonith_type(&kind) {
        let refusal = Refusal::new(format!("there is no fencing type {kind:?}"), "see stonith -L");
        draft.refuse(name, at, refusal.says(format!("Invalid Stonith type [{kind}]")));
        return None;
    }
    Some(kind)
}
