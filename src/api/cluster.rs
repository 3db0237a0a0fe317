//! What passes between clients and the cluster: their messages, notices of their coming and going, and the
//! question whether one is here (client-api.md 4.1, 5, 6).

use super::lines::line;
use super::order::{ConnId, Order};
use super::table::{Client, Table};
use crate::engine::{Treatment, is_daemons_own};
use crate::level::Level;
use crate::number::atoi;
use crate::wire::Message;
use std::rc::Rc;

/// A notice to all clients of this name in the cluster. `name` is empty where a sign-on failed early.
pub(super) fn notice(st: &str, name: &str, node: &str, info: &str, generation: u64) -> Message {
    Message::of("hbapi-clstat")
        .with("st", st)
        .with("from_id", name)
        .with("to_id", name)
        .with("src", node)
        .with("info", info)
        .with("client_gen", &generation.to_string())
}

/// A client's own message, made fit for the cluster: it reaches the client of the same name only.
pub(super) fn outgoing(client: &Client, mut message: Message) -> Result<Message, Order> {
    if client.casual {
        return Err(line(Level::Info, "api_process_request: general message from casual client!"));
    }
    message.set_text("from_id", &client.name);
    message.set_text("to_id", &client.name);
    message.set_text("client_gen", &client.generation.to_string());
    Ok(message)
}

/// Whether a client may say this: nothing that is a daemon's own. 3.0.6 takes that from any named client, and with it a
/// service can be run twice or stopped. A hand-over a client may ask for, as ipfail does; its further steps are not
/// its own.
pub(super) fn is_for_clients(message: &Message) -> bool {
    let kind = message.kind().unwrap_or_default();
    !is_daemons_own(kind) || kind == "ask_resources" && message.text("info") == Some("me")
}

/// Asks another node for a client, for the client named last.
pub(super) fn query(node: &str, wanted: &str, asker: &str) -> Message {
    Message::of("query-cstatus").with("dest", node).with("cn", wanted).with("from_id", asker)
}

/// The answer to a peer's question, if it can be understood.
pub(super) fn answer(table: &Table, query: &Message) -> Option<Message> {
    let (asker, name, id) = (query.text("src")?, query.text("cn")?, query.text("from_id")?);
    Some(
        Message::of("respond-cstatus")
            .with("dest", asker)
            .with("result", "OK")
            .with("cn", name)
            .with("to_id", id)
            .with("cs", presence(table, name)),
    )
}

/// Whether a client of that name is signed on here.
pub(super) fn presence(table: &Table, name: &str) -> &'static str {
    if table.of_name(name).is_some() { "online" } else { "offline" }
}

/// Who is to have a message: of those who listen to what became of it the one it names, or all.
pub(super) fn readers(table: &Table, message: &Message, treatment: Treatment) -> Vec<ConnId> {
    let to = message.text("to_id");
    let meant = |client: &Client| to.is_none_or(|name| name == client.name);
    let listens = |client: &Client| client.mask & treatment.bit() != 0 && meant(client);
    table.clients().filter(|(_, client)| listens(client)).map(|(id, _)| id).collect()
}

/// A message for a client that is signed on.
pub(super) fn write(to: ConnId, client: &Client, message: Rc<Message>) -> Order {
    let signal = (client.signal != 0).then_some((client.pid, client.signal));
    Order::Write { to, message, signal }
}

/// The client that a request says it is from, by process or by name: the one of this connection if it can be.
pub(super) fn claimed<'a>(
    table: &'a Table,
    request: &Message,
    own: ConnId,
) -> Result<Option<(ConnId, &'a Client)>, ()> {
    let (pid, name) = (request.text("pid").map(atoi), request.text("from_id"));
    if request.text("reqtype").is_none() || pid.is_none() && name.is_none() {
        return Err(());
    }
    let fits = |client: &Client| pid == Some(client.pid) || name == Some(client.name.as_str());
    let here = table.client(own).filter(|client| fits(client)).map(|client| (own, client));
    Ok(here.or_else(|| table.clients().filter(|(_, client)| fits(client)).last()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_daemons_own_is_so_in_any_letters() {
        let mine = |kind: &str| is_for_clients(&Message::of(kind).with("info", "me"));
        for kind in ["status", "Status", "IP-Request-Resp", "NS_ackmsg", "ns_AckMsg", "ASK_resources"] {
            assert!(!mine(kind), "{kind}");
        }
        for kind in ["ask_resources", "hb_takeover", "mytype", "statuses"] {
            assert!(mine(kind), "{kind}");
        }
        assert!(!is_for_clients(&Message::of("ask_resources").with("info", "done")));
    }
}
