//! Sub-commands about nodes.

use super::{Ends, Talk, code, links};
use crate::client::ClientError;
use crate::number::atoi;
use crate::wire::Message;

/// What is to be listed, and how.
pub(super) struct Wanted {
    pub(super) verbose: bool,
    pub(super) human: bool,
    pub(super) pings: bool,
    pub(super) normals: bool,
}

pub(super) fn listnodes(talk: &mut Talk<'_>) -> Ends<i32> {
    let options = talk.options("mnpv", "code ")?;
    let all = options.has(b'p') == options.has(b'n');
    let (verbose, human) = (options.has(b'v'), options.human());
    let (pings, normals) = (all || options.has(b'p'), all || options.has(b'n'));
    list(talk, Wanted { verbose, human, pings, normals })?;
    Ok(0)
}

/// The nodes, last first: that is the order in which the library of 3.0.6 keeps them.
pub(super) fn list(talk: &mut Talk<'_>, wanted: Wanted) -> Ends<()> {
    let nodes = talk.client.walk("nodelist", &[]).map_err(|error| {
        talk.voice.failure("Cannot start node walk.", reason(&error));
        code::NO_ANSWER
    })?;
    if nodes.iter().any(|node| node.text("node").is_none()) {
        talk.voice.failure("Cannot start node walk.", "No nodename in API reply");
        return Err(code::NO_ANSWER);
    }
    if wanted.human {
        talk.voice.say("The nodes are as follow:");
    }
    for node in nodes.iter().rev() {
        list_one(talk, node, &wanted);
    }
    Ok(())
}

fn list_one(talk: &mut Talk<'_>, entry: &Message, wanted: &Wanted) {
    let node = entry.text("node").unwrap_or_default();
    let everyone = wanted.pings && wanted.normals;
    let kind = match everyone && !wanted.verbose {
        true => String::new(),
        false => told_or_asked(talk, entry, "nodetype", "nodetype", node),
    };
    if !everyone && kind != if wanted.pings { "ping" } else { "normal" } {
        return;
    }
    if !wanted.verbose {
        return talk.voice.say(node);
    }
    let status = told_or_asked(talk, entry, "st", "nodestatus", node);
    talk.voice.say(&format!("\n{node}\t{status}\t(nodetype: {kind})"));
    // what is wrong with the links of one node has been said, and is no reason to leave out the next
    let _ = links::list(talk, node, true, wanted.human);
}

/// A 2.1.x puts nothing but names into its list.
fn told_or_asked(talk: &mut Talk<'_>, entry: &Message, field: &str, request: &str, node: &str) -> String {
    let told = entry.text(field).map(str::to_owned);
    told.or_else(|| talk.value(request, &[("node", node)], field)).unwrap_or_else(|| "(null)".to_owned())
}

fn reason(error: &ClientError) -> &'static str {
    match error {
        ClientError::BadRequest { .. } => "Unexpected API result value: [badreq]",
        _ => "General read_api_msg() failure",
    }
}

pub(super) fn nodestatus(talk: &mut Talk<'_>) -> Ends<i32> {
    let status = property(talk, "st", "Error. May be due to incorrect node name", |node, status| {
        format!("The cluster node {node} is {status}")
    })?;
    Ok(i32::from(!["active", "up", "ping"].contains(&&*status)))
}

pub(super) fn nodeweight(talk: &mut Talk<'_>) -> Ends<i32> {
    property(talk, "weight", "Error. Maybe due to incorrect node name.", |node, weight| {
        format!("The weight of the cluster node {node} is {weight}")
    })?;
    Ok(0)
}

pub(super) fn nodesite(talk: &mut Talk<'_>) -> Ends<i32> {
    property(talk, "site", "Error. May be due to incorrect node name", |node, site| {
        format!("The site of the cluster node {node} is {site}")
    })?;
    Ok(0)
}

pub(super) fn nodetype(talk: &mut Talk<'_>) -> Ends<i32> {
    property(talk, "nodetype", "Error. May be due to incorrect node name", |node, kind| {
        format!("The node {node}'s type: {kind}")
    })?;
    Ok(0)
}

/// Asks for what the sub-command is named after, and prints it, bare or in a sentence.
fn property(
    talk: &mut Talk<'_>,
    field: &str,
    unknown: &str,
    sentence: impl Fn(&str, &str) -> String,
) -> Ends<String> {
    let missing = if talk.name == "nodetype" { "No enough parameter." } else { "Not enough parameters." };
    let options = talk.words(1, missing)?;
    let node = options.word(0);
    let Some(mut value) = talk.value(talk.name, &[("node", node)], field) else {
        talk.voice.complain(unknown);
        return Err(code::WRONG_USAGE);
    };
    if field == "weight" {
        value = atoi(&value).to_string();
    }
    match options.human() {
        true => talk.voice.say(&sentence(node, &value)),
        false => talk.voice.say(&value),
    }
    Ok(value)
}
