//! `apiauth`: who may be which API client (configuration.md 1.2).

use super::draft::Draft;
use super::media::missing;
use crate::config::model::ApiAuth;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::level::Level;

/// Client names are shorter than this.
const NAME_LENGTH: usize = 32;

/// What holds for client names the file does not mention: client, users, groups.
const BUILT_IN: [(&str, &[&str], &[&str]); 5] = [
    ("ipfail", &["hacluster"], &[]),
    ("ccm", &["hacluster"], &[]),
    ("ping", &[], &["haclient"]),
    ("lha-snmpagent", &["root"], &[]),
    ("anon", &["root"], &["haclient"]),
];

/// `apiauth CLIENT [uid=LIST] [gid=LIST]`.
pub(super) fn apiauth<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    match entry(draft, whole, words) {
        Ok(entry) => {
            draft
                .clients
                .insert(entry.client.clone(), whole.line.number);
            draft.config.apiauth.push(entry);
        }
        Err((at, refusal)) => {
            let line = if words.is_empty() {
                String::new()
            } else {
                whole.text()
            };
            draft.refuse("apiauth", &at, with_syntax(refusal, &line));
        }
    }
}

/// The lines 3.0.6 ends every complaint with.
fn with_syntax(refusal: Refusal, line: &str) -> Refusal {
    refusal
        .says(format!("Invalid apiauth directive [{line}]"))
        .logs(
            Level::Info,
            "Syntax: apiauth client [uid=uidlist] [gid=gidlist]",
        )
        .logs(
            Level::Info,
            "Where uidlist is a comma-separated list of uids,",
        )
        .logs(Level::Info, "and gidlist is a comma-separated list of gids")
        .logs(Level::Info, "One or the other must be specified.")
}

type Refused<'a> = (At<'a>, Refusal);

fn entry<'a>(draft: &Draft<'a>, whole: &At<'a>, words: &[At<'a>]) -> Result<ApiAuth, Refused<'a>> {
    const FORM: &str = "apiauth CLIENT [uid=LIST] [gid=LIST], at least one list";
    let Some((name_at, lists)) = words.split_first() else {
        return Err((whole.clone(), missing(FORM)));
    };
    let client = name_at.text();
    let refuse = |at: &At<'a>, refusal| Err((at.clone(), refusal));
    if client.len() >= NAME_LENGTH {
        let refusal = Refusal::new("the client name is too long", "at most 31 characters");
        return refuse(
            name_at,
            refusal.says(format!("client name [{}] too long", whole.text())),
        );
    }
    let (mut uids, mut gids) = (None, None);
    for at in lists {
        let text = at.text();
        if let Some(list) = text.strip_prefix("uid=") {
            once(&uids, "uid").map_err(|r| (at.clone(), r))?;
            let lookup = |name: &str| draft.host.user(name).map(|user| user.uid);
            uids = Some(
                ids(list, "user", lookup).map_err(|r| (at.clone(), bad_list(r, "uid", list)))?,
            );
        } else if let Some(list) = text.strip_prefix("gid=") {
            once(&gids, "gid").map_err(|r| (at.clone(), r))?;
            let lookup = |name: &str| draft.host.group(name);
            gids = Some(
                ids(list, "group", lookup).map_err(|r| (at.clone(), bad_list(r, "gid", list)))?,
            );
        } else {
            let refusal = Refusal::new(format!("{text:?} is neither a uid= nor a gid= list"), FORM);
            return refuse(at, refusal.says("Missing uid or gid in apiauth"));
        }
    }
    if uids.is_none() && gids.is_none() {
        return refuse(
            whole,
            Refusal::new("there is neither a uid= nor a gid= list", FORM),
        );
    }
    if let Some(line) = draft.clients.get(&client) {
        let message = format!("client {client:?} was already given on line {line}");
        let text = whole.text();
        let said = format!("Duplicate apiauth directive for API client {client}: [{text}]");
        return refuse(
            name_at,
            Refusal::new(message, "one line a client").says(said),
        );
    }
    let (uids, gids) = (uids.unwrap_or_default(), gids.unwrap_or_default());
    Ok(ApiAuth { client, uids, gids })
}

fn once(list: &Option<Vec<u32>>, name: &str) -> Result<(), Refusal> {
    match list {
        None => Ok(()),
        Some(_) => {
            let refusal = Refusal::new(format!("a second {name}= list"), "one list each");
            Err(refusal.says(format!("Duplicate {name} list in apiauth")))
        }
    }
}

fn bad_list(refusal: Refusal, name: &str, list: &str) -> Refusal {
    refusal.says(format!("Bad {name} list [{list}]"))
}

/// Ids from names and numbers with commas between them.
fn ids(list: &str, what: &str, lookup: impl Fn(&str) -> Option<u32>) -> Result<Vec<u32>, Refusal> {
    let one = |name: &str| {
        name.parse().ok().or_else(|| lookup(name)).ok_or_else(|| {
            let said = match what {
                "user" => format!("Invalid user id name [{name}]"),
                _ => format!("Invalid group name [{name}]"),
            };
            let allowed = format!("names or numbers of {what}s, commas between them, no blanks");
            Refusal::new(format!("there is no {what} {name:?}"), allowed).says(said)
        })
    };
    list.split(',')
        .filter(|name| !name.is_empty())
        .map(one)
        .collect()
}

/// Adds the built-in entries for names the file does not define.
pub(super) fn built_in(draft: &mut Draft<'_>) {
    for (client, users, groups) in BUILT_IN {
        if draft.clients.contains_key(client) {
            continue;
        }
        let uids = users
            .iter()
            .filter_map(|name| draft.host.user(name).map(|u| u.uid))
            .collect();
        let gids = groups
            .iter()
            .filter_map(|name| draft.host.group(name))
            .collect();
        let client = client.to_owned();
        draft.config.apiauth.push(ApiAuth { client, uids, gids });
    }
}
