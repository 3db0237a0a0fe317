//! Signing on: the checks in their order, what the client is told and what the log says (client-api.md
//! section 3). It decides; the desk acts.

use super::lines::{dump, line};
use super::order::Order;
use super::rules::Rules;
use super::table::{Client, Peer, Table};
use crate::engine::Treatment;
use crate::level::Level;
use crate::number::{atoi, decimal};
use crate::wire::Message;

/// Client names are shorter than this.
const NAME_LENGTH: usize = 32;

/// Who asks, as far as the checks came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Who {
    /// Empty until the process and the name were found good.
    pub(super) name: String,
    pub(super) casual: bool,
}

/// Why not.
pub(super) struct Refusal {
    pub(super) who: Who,
    /// For the answer.
    pub(super) info: &'static str,
    /// For the leave notice.
    pub(super) leave: &'static str,
    /// For the log.
    pub(super) lines: Vec<Order>,
}

/// What a sign-on is judged by.
pub(super) struct Case<'a> {
    pub(super) rules: &'a Rules,
    pub(super) table: &'a Table,
    pub(super) peer: Peer,
    /// Whether there is such a process; a group of them where the number is not above 0.
    pub(super) alive: &'a dyn Fn(i32) -> bool,
}

impl Case<'_> {
    /// The client, without its number.
    pub(super) fn judge(&self, request: &Message) -> Result<Client, Refusal> {
        let pid = atoi(request.text("pid").unwrap_or_default());
        self.check_process(pid)?;
        let who = self.name(request, pid)?;
        let refuse = |info, lines| Refusal { who: who.clone(), info, leave: info, lines };
        let (uid, gid) = ids(request).map_err(|lines| refuse("invalid id info", lines))?;
        if (uid, gid) != (Ok(self.peer.uid), Ok(self.peer.gid)) {
            return Err(refuse("incorrect/false credentials", Vec::new()));
        }
        self.authorize(&who, pid).map_err(|(info, lines)| refuse(info, lines))?;
        let Who { name, casual } = who;
        let mask = Treatment::Kept.bit();
        Ok(Client { name, pid, uid: self.peer.uid, casual, generation: 0, mask, signal: 0 })
    }

    fn check_process(&self, pid: i32) -> Result<(), Refusal> {
        let leave = match (self.alive)(pid) {
            true if pid > 0 => return Ok(()),
            true => "bad pid",
            false => "died",
        };
        let lines = vec![line(Level::Warn, format!("api_add_client: bad pid [{pid}]"))];
        Err(Refusal { who: Who::default(), info: "bad pid", leave, lines })
    }

    fn name(&self, request: &Message, pid: i32) -> Result<Who, Refusal> {
        let given = request.text("from_id");
        let casual = given.is_none_or(|name| atoi(name) == pid);
        let full = given.map_or_else(|| pid.to_string(), str::to_owned);
        let name = full.get(..floor(&full, NAME_LENGTH - 1)).unwrap_or_default().to_owned();
        // 3.0.6 finds the newcomer itself under the empty name.
        if name.is_empty() || self.table.of_name(&name).is_some() {
            let lines = vec![line(Level::Warn, format!("duplicate client add request [{name}] [{pid}]"))];
            let info = "duplicate add request";
            return Err(Refusal { who: Who::default(), info, leave: info, lines });
        }
        Ok(Who { name, casual })
    }

    fn authorize(&self, who: &Who, pid: i32) -> Result<(), (&'static str, Vec<Order>)> {
        let mut lines = Vec::new();
        let info = match self.rules.admit(&who.name, who.casual, self.peer) {
            Err(info) => info,
            Ok(()) if self.peer.pid == pid => return Ok(()),
            Ok(()) => {
                let text = format!("PID mismatch: {pid} vs farside_pid: {}", self.peer.pid);
                lines.push(line(Level::Info, text));
                "pid mismatch"
            }
        };
        let text = format!("Client [{}] pid {pid} failed authorization [{info}]", who.name);
        lines.push(line(Level::Warn, text));
        Err((info, lines))
    }
}

type Id = Result<u32, std::num::TryFromIntError>;

/// The ids it says it has.
fn ids(request: &Message) -> Result<(Id, Id), Vec<Order>> {
    let (uid_text, gid_text) = (request.text("uid"), request.text("gid"));
    let (uid, gid) = (uid_text.and_then(decimal), gid_text.and_then(decimal));
    if let (Some(uid), Some(gid)) = (uid, gid) {
        return Ok((u32::try_from(uid), u32::try_from(gid)));
    }
    // The group is not read when the user is wrong already, nor counted when either is missing.
    let both = uid_text.is_some() && gid_text.is_some();
    let shown = |id: Option<i32>| id.filter(|_| both).unwrap_or(-1);
    let text = format!(
        "Client user/group id is incorrect [{}] => {} [{}] => {}",
        uid_text.unwrap_or("<null>"),
        shown(uid),
        if uid_text.is_some() { gid_text.unwrap_or("<null>") } else { "<null>" },
        shown(gid.filter(|_| uid.is_some())),
    );
    Err(dump(Level::Error, request).chain([line(Level::Error, text)]).collect())
}

/// The last place at or before `at` where the text may be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
