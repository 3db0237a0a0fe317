//! Sub-commands about clients, resources and parameters.

use super::{Ends, Talk, code};
use crate::client::ClientError;
use crate::number::atoi;
use std::time::Duration;

/// How long another node may take to answer.
const ANSWER_WITHIN: i32 = 500;

pub(super) fn clientstatus(talk: &mut Talk<'_>) -> Ends<i32> {
    let options = talk.words(2, "No enough parameter.")?;
    let (node, client) = (options.word(0), options.word(1));
    let within = options.words.get(2).map_or(ANSWER_WITHIN, |word| atoi(word));
    // less than nothing is as long as it takes
    let within = u64::try_from(within).map_or(Duration::MAX, Duration::from_millis);
    let Ok(status) = talk.client.client_status(node, client, within) else {
        let what = format!("Cannot get heartbeat client {client}'s status");
        talk.voice.failure(&what, "No timely response.");
        return Err(code::NO_ANSWER);
    };
    talk.voice.say(&status);
    Ok(match &*status {
        "online" => 0,
        "offline" => 1,
        "join" => 2,
        "leave" => 3,
        _ => code::NO_ANSWER,
    })
}

pub(super) fn rscstatus(talk: &mut Talk<'_>) -> Ends<i32> {
    let options = talk.options("m", "")?;
    if manager(talk).is_some() {
        let text = "Cannot get cluster resource status of a pacemaker cluster; try crm_mon";
        talk.voice.error(text);
        return Err(1);
    }
    let reply = talk.client.ask("getrsc", &[]);
    let held = reply.as_ref().ok().and_then(|reply| reply.text("rsc_hold"));
    let Some(held) = held else {
        let reason = match &reply {
            Err(ClientError::BadRequest { info: Some(info), .. }) => info,
            _ => "",
        };
        talk.voice.failure("Cannot get cluster resource status", reason);
        return Err(code::NO_ANSWER);
    };
    match options.human() {
        true => talk.voice.say(&format!("This node is holding {held} resources.")),
        false => talk.voice.say(held),
    }
    Ok(0)
}

/// Who manages the resources if it is not heartbeat: the parameter `pacemaker`, which was `crm` in 2.1.x.
pub(super) fn manager(talk: &mut Talk<'_>) -> Option<String> {
    let told = talk.parameter("pacemaker").or_else(|| talk.parameter("crm"));
    let told = told.unwrap_or_else(|| "(null)".to_owned());
    Some(told).filter(|told| told != "false")
}

pub(super) fn hbparameter(talk: &mut Talk<'_>) -> Ends<i32> {
    let options = talk.options("mp:", "code ")?;
    let Some(name) = &options.value else {
        talk.voice.error("parameter name required");
        return Err(code::WRONG_USAGE);
    };
    let Some(value) = talk.parameter(name) else {
        talk.voice.failure(&format!("Cannot get parameter {name}'s value"), "");
        return Err(1);
    };
    match options.human() {
        true => talk.voice.say(&format!("Heartbeat parameter {name}'s value: {value}")),
        false => talk.voice.say(&value),
    }
    Ok(0)
}

/// Everything else that the library offers. It looks at no option.
pub(super) fn test(talk: &mut Talk<'_>) -> Ends<i32> {
    let held = talk.value("getrsc", &[], "rsc_hold").unwrap_or_else(|| "(null)".to_owned());
    let hello = talk.client.hello();
    talk.voice.say(&format!("Dead time: {}", hello.deadtime.as_millis()));
    talk.voice.say(&format!(" keeplive time: {}", hello.keepalive.as_millis()));
    talk.voice.say(&format!(" mynodeid: {}", hello.node));
    talk.voice.say(&format!(" rsc: {held}"));
    Ok(0)
}
