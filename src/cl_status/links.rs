//! Sub-commands about heartbeat links.

use super::{Ends, Talk, code};
use crate::client::ClientError;

pub(super) fn listhblinks(talk: &mut Talk<'_>) -> Ends<i32> {
    let options = talk.options("mv", "code ")?;
    let Some(node) = options.words.first() else {
        talk.voice.complain("No enough parameter.");
        return Err(code::WRONG_USAGE);
    };
    list(talk, node, options.has(b'v'), options.human())?;
    Ok(0)
}

/// The links of a node, last first as the nodes are.
pub(super) fn list(talk: &mut Talk<'_>, node: &str, verbose: bool, human: bool) -> Ends<()> {
    let links = talk.client.walk("iflist", &[("node", node)]).map_err(|error| {
        let reason = match &error {
            ClientError::BadRequest { info: Some(info), .. } => info,
            _ => "",
        };
        talk.voice.failure("Cannot start heartbeat link interface walk.", reason);
        code::NO_ANSWER
    })?;
    if human {
        talk.voice.say("\tthis node has the following heartbeat links:");
    }
    for entry in links.iter().rev() {
        let link = entry.text("ifname").unwrap_or_default();
        if !verbose {
            talk.voice.say(&format!("\t{link}"));
            continue;
        }
        let told = entry.text("st").map(str::to_owned);
        let status = told.or_else(|| status(talk, node, link)).unwrap_or_else(|| "(null)".to_owned());
        talk.voice.say(&format!("\t{link}\t{status}"));
    }
    Ok(())
}

fn status(talk: &mut Talk<'_>, node: &str, link: &str) -> Option<String> {
    talk.value("ifstatus", &[("node", node), ("ifname", link)], "st")
}

pub(super) fn hblinkstatus(talk: &mut Talk<'_>) -> Ends<i32> {
    let options = talk.words(2, "No enough parameter.")?;
    let (node, link) = (options.word(0), options.word(1));
    let Some(status) = status(talk, node, link) else {
        talk.voice.failure("Cannot get heartbeat link status", "");
        return Err(code::NO_ANSWER);
    };
    match options.human() {
        true => talk.voice.say(&format!("The node {node}'s heartbeat link {link} is {status}")),
        false => talk.voice.say(&status),
    }
    Ok(i32::from(status != "up"))
}
