//! `hbstatus`, and what can be said about a daemon that does not let us in.

use super::nodes::{self, Wanted};
use super::others;
use super::voice::Voice;
use super::{Talk, talk};
use crate::client::{Client, ClientError};
use crate::getopt::{Getopt, Given};

/// Is it there? The only sub-command to which no daemon is an answer, and a wrong option no reason to stop.
pub(super) fn hbstatus(voice: &Voice, name: &str, arguments: &[String]) -> i32 {
    let (mut human, mut verbose) = (false, false);
    for given in Getopt::new(arguments, "mv") {
        match given {
            Given::Letter(b'm') => human = true,
            Given::Letter(_) | Given::Value(..) => verbose = true,
            Given::Word(_) => {}
            Given::Wrong(complaint) => voice.getopt(name, &complaint),
        }
    }
    match Client::sign_on(None) {
        Ok(client) if verbose => {
            let details: fn(&mut Talk<'_>) -> _ = if human { details_for_humans } else { details };
            talk(Talk { client, voice, name, arguments }, details)
        }
        Ok(client) => {
            voice.say("Heartbeat is running on this machine.");
            client.sign_off();
            0
        }
        Err(error) => not_let_in(&error, voice, verbose),
    }
}

fn not_let_in(error: &ClientError, voice: &Voice, verbose: bool) -> i32 {
    let refused = matches!(error, ClientError::BadRequest { .. });
    voice.say(match refused {
        true => "Heartbeat is apparently running on this machine, but refuses my connection",
        false => "Heartbeat is stopped on this machine.",
    });
    let reason = reason(error);
    if verbose && !reason.is_empty() {
        voice.say(&format!("({reason})"));
    }
    i32::from(!refused)
}

/// Why there is no connection, as far as 3.0.6 knows.
pub(super) fn reason(error: &ClientError) -> String {
    match error {
        ClientError::NoDaemon(_) => "hb_api_signon: Can't initiate connection to heartbeat".to_owned(),
        ClientError::BadRequest { info, .. } => info.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

fn details(talk: &mut Talk<'_>) -> Result<i32, i32> {
    let version = version(talk);
    talk.voice.say(&format!("version:\t{version}"));
    match others::manager(talk) {
        None => talk.voice.say("managed by:\t\"haresources\""),
        Some(pacemaker) => talk.voice.say(&format!("managed by:\tpacemaker\t({pacemaker})")),
    }
    with_nodes(talk, false)
}

fn details_for_humans(talk: &mut Talk<'_>) -> Result<i32, i32> {
    let version = version(talk);
    talk.voice.say(&format!("Heartbeat version {version}"));
    talk.voice.say(match others::manager(talk) {
        None => "Resources controlled by \"haresources\"",
        Some(_) => "Resources controlled by Pacemaker.",
    });
    with_nodes(talk, true)
}

/// Everything about the nodes. A failure there is no bad news about the daemon.
fn with_nodes(talk: &mut Talk<'_>, human: bool) -> Result<i32, i32> {
    let _ = nodes::list(talk, Wanted { verbose: true, human, pings: true, normals: true });
    Ok(0)
}

fn version(talk: &mut Talk<'_>) -> String {
    talk.parameter("hbversion").unwrap_or_else(|| "unknown".to_owned())
}
