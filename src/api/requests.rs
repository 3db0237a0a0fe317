//! What a client may ask, and the answers, field by field (client-api.md section 4). The desk sends them.

use super::cluster::{presence, query};
use super::lines::{dump, line, printable};
use super::order::{ConnId, Order};
use super::rules::Rules;
use super::table::{Client, Table};
use crate::engine::{Engine, NodeKind, NodeView};
use crate::level::Level;
use crate::number::{decimal, hex};
use crate::wire::{Message, Value};

/// The bits of a filter.
const MASK: u32 = 0x3f;
/// The bits that any client may set.
const FOR_ALL: u32 = 0x01;
/// Signals whose receiver would have no say.
const UNMASKABLE: [i32; 2] = [9, 19];
const SIGNALS: std::ops::Range<i32> = 0..32;

/// What an answer is made from.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Message,
    pub(super) rules: &'a Rules,
    pub(super) table: &'a Table,
    pub(super) client: &'a Client,
    pub(super) conn: ConnId,
    pub(super) engine: &'a Engine,
}

/// What comes of a request.
#[derive(Default)]
pub(super) struct Answer {
    /// The replies, complete.
    pub(super) replies: Vec<Message>,
    /// Log lines, and what else is to be done.
    pub(super) orders: Vec<Order>,
    /// What the client is from now on.
    pub(super) client: Option<Client>,
}

/// Fields of one reply, between `reqtype` and `result`.
type Fields = Vec<(&'static str, String)>;
/// Why not; without a reason where 3.0.6 gives none.
type Refusal = Option<&'static str>;

const INVALID: Refusal = Some("EINVAL");
const NO_NODE_NAME: Refusal = Some("no query node name found");

impl Asked<'_> {
    /// The answer to any request but `signoff`.
    pub(super) fn answer(&self) -> Answer {
        match self.text("reqtype").unwrap_or_default() {
            "setfilter" => self.change(|client| self.set_filter(client)),
            "setsignal" => self.change(|client| self.set_signal(client)),
            "nodelist" => self.list(Ok(self.engine.nodes().map(described).collect())),
            "nodestatus" => self.of_node(|node| vec![("st", node.status().to_owned())]),
            "nodeweight" => self.of_node(|node| vec![("weight", node.weight().to_string())]),
            "nodesite" => self.of_node(|node| vec![("site", node.site().to_owned())]),
            "nodetype" => self.of_node(|node| vec![("nodetype", kind(node).to_owned())]),
            "numnodes" => self.one(Ok(vec![("numnodes", self.members().to_string())])),
            "iflist" => self.list(self.node().map(|node| node.links().map(link).collect())),
            "ifstatus" => self.one(self.link_status()),
            "clientstatus" => self.client_status(),
            "getparm" => self.one(self.parameter()),
            "getrsc" => self.one(Ok(vec![("rsc_hold", self.engine.resource_state().to_owned())])),
            "getuuid" => self.uuid(),
            "getnodename" => self.node_name(),
            "set_sendqlen" => self.queue_length(),
            _ => {
                let mut answer = self.refused(None);
                answer.orders.insert(0, line(Level::Error, "Unknown API request"));
                answer
            }
        }
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.request.text(field)
    }

    fn node(&self) -> Result<NodeView<'_>, Refusal> {
        let name = self.text("node").ok_or(INVALID)?;
        self.engine.nodes().find(|node| node.name().eq_ignore_ascii_case(name)).ok_or(INVALID)
    }

    fn members(&self) -> usize {
        self.engine.nodes().filter(|node| node.kind() == NodeKind::Normal).count()
    }

    fn reply(&self) -> Message {
        Message::of("hbapi-resp").with("reqtype", self.text("reqtype").unwrap_or_default())
    }

    fn one(&self, fields: Result<Fields, Refusal>) -> Answer {
        self.list(fields.map(|fields| vec![fields]))
    }

    fn of_node(&self, fields: impl Fn(NodeView<'_>) -> Fields) -> Answer {
        self.one(self.node().map(fields))
    }

    /// A reply an entry; the last one says so.
    fn list(&self, entries: Result<Vec<Fields>, Refusal>) -> Answer {
        let entries = match entries {
            Ok(entries) => entries,
            Err(why) => return self.refused(why),
        };
        let last = entries.len().saturating_sub(1);
        let replies = entries.into_iter().enumerate().map(|(at, fields)| {
            let filled = fields.iter().fold(self.reply(), |reply, (name, text)| reply.with(name, text));
            filled.with("result", if at == last { "OK" } else { "ok/more" })
        });
        Answer { replies: replies.collect(), ..Answer::default() }
    }

    fn refused(&self, why: Refusal) -> Answer {
        let reply = self.reply().with("result", "badreq");
        let reply = why.map_or(reply.clone(), |why| reply.with("info", why));
        let kind = printable(self.text("reqtype").unwrap_or_default().as_bytes());
        let complaint = line(Level::Error, format!("api_process_request: bad request [{kind}]"));
        let orders = std::iter::once(complaint).chain(dump(Level::Error, self.request)).collect();
        Answer { replies: vec![reply], orders, client: None }
    }

    fn change(&self, change: impl Fn(&mut Client) -> Result<(), Refusal>) -> Answer {
        let mut client = self.client.clone();
        match change(&mut client) {
            Ok(()) => Answer { client: Some(client), ..self.one(Ok(Vec::new())) },
            Err(why) => self.refused(why),
        }
    }

    fn set_filter(&self, client: &mut Client) -> Result<(), Refusal> {
        let mask = self.text("fmask").and_then(hex).unwrap_or(0) & MASK;
        if mask == 0 {
            return Err(INVALID);
        }
        if mask & !FOR_ALL != 0 && !self.rules.may_listen_in(client.uid) {
            return Err(Some("EPERM"));
        }
        client.mask = u8::try_from(mask).unwrap_or_default();
        Ok(())
    }

    fn set_signal(&self, client: &mut Client) -> Result<(), Refusal> {
        let signal = self.text("signal").and_then(decimal).ok_or(None)?;
        if !SIGNALS.contains(&signal) || UNMASKABLE.contains(&signal) {
            return Err(INVALID);
        }
        client.signal = signal;
        Ok(())
    }

    fn link_status(&self) -> Result<Fields, Refusal> {
        let wanted = self.text("ifname").ok_or(INVALID)?;
        let node = self.node()?;
        let (_, up) = node.links().find(|(name, _)| *name == wanted).ok_or(INVALID)?;
        Ok(vec![("st", word(up).to_owned())])
    }

    fn parameter(&self) -> Result<Fields, Refusal> {
        let name = self.text("pname").ok_or(INVALID)?;
        Ok(self.rules.parameter(name).map(|value| ("pvalue", value.to_owned())).into_iter().collect())
    }

    /// A node that lives is asked itself; its answer goes to the client as it comes (4.1).
    fn client_status(&self) -> Answer {
        let said = |cs: &str| vec![("subt", "respond-cstatus".to_owned()), ("cs", cs.to_owned())];
        // Without a name nobody could be answered, and 3.0.6 wants one from everybody.
        let (Some(name), Some(wanted), Some(_)) = (self.text("node"), self.text("cn"), self.text("from_id"))
        else {
            return self.refused(INVALID);
        };
        if name == self.engine.local_name() {
            return self.one(Ok(said(presence(self.table, wanted))));
        }
        match self.node() {
            Err(why) => self.refused(why),
            Ok(node) if node.status() != "active" => self.one(Ok(said("offline"))),
            Ok(_) => {
                let query = query(name, wanted, &self.client.name);
                Answer { orders: vec![Order::Cluster(query)], ..Answer::default() }
            }
        }
    }

    fn uuid(&self) -> Answer {
        let Some(name) = self.text("queryname") else { return self.refused(NO_NODE_NAME) };
        let mut reply = self.reply();
        if let Some(node) = self.engine.nodes().find(|node| node.name() == name) {
            reply.push("queryuuid", Value::Binary(node.uuid().unwrap_or_default().to_vec()));
        }
        Answer { replies: vec![reply.with("result", "OK")], ..Answer::default() }
    }

    fn node_name(&self) -> Answer {
        let Some(uuid) = self.request.binary("queryuuid").filter(|uuid| uuid.len() == 16) else {
            let mut answer = self.refused(NO_NODE_NAME);
            answer.orders.splice(0..0, self.uuid_complaints());
            return answer;
        };
        match self.engine.nodes().find(|node| node.uuid().is_some_and(|known| known == uuid)) {
            Some(node) => self.one(Ok(vec![("queryname", node.name().to_owned())])),
            None => {
                let text = "api_get_nodename: nodename not found in map table";
                Answer { orders: vec![line(Level::Error, text)], ..self.one(Ok(Vec::new())) }
            }
        }
    }

    fn uuid_complaints(&self) -> Vec<Order> {
        match self.request.value("queryuuid") {
            None => Vec::new(),
            Some(Value::Binary(bytes)) => {
                let head = [
                    line(Level::Warn, "Binary field queryuuid is not a uuid."),
                    line(Level::Info, format!("expecting 16 bytes, got {} bytes", bytes.len())),
                ];
                head.into_iter().chain(dump(Level::Info, self.request)).collect()
            }
            Some(_) => {
                let head = line(Level::Warn, "field queryuuid is not binary");
                std::iter::once(head).chain(dump(Level::Warn, self.request)).collect()
            }
        }
    }

    /// Never answered.
    fn queue_length(&self) -> Answer {
        let mut answer = Answer::default();
        let text = match self.text("sendqlen").map(|text| decimal(text).unwrap_or(0)) {
            None => "api_set_sendqlen: getting field F_SENDQLEN failed".to_owned(),
            Some(length) if length <= 0 => format!("api_set_sendqlen: invalid length value({length})"),
            Some(length) => {
                let limit = usize::try_from(length).unwrap_or(usize::MAX);
                let name = &self.client.name;
                let text =
                    format!("the send queue length from heartbeat to client {name} is set to {length}");
                answer.orders = vec![Order::Limit(self.conn, limit), line(Level::Info, text)];
                return answer;
            }
        };
        answer.orders.push(line(Level::Error, text));
        answer
    }
}

fn described(node: NodeView<'_>) -> Fields {
    vec![
        ("node", node.name().to_owned()),
        ("nodetype", kind(node).to_owned()),
        ("st", node.status().to_owned()),
    ]
}

fn kind(node: NodeView<'_>) -> &'static str {
    match node.kind() {
        NodeKind::Normal => "normal",
        NodeKind::Ping => "ping",
    }
}

fn link((name, up): (&str, bool)) -> Fields {
    vec![("ifname", name.to_owned()), ("st", word(up).to_owned())]
}

fn word(up: bool) -> &'static str {
    if up { "up" } else { "dead" }
}
