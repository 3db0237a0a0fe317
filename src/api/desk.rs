//! Where everything that comes in is sorted: by connection, by whether it is signed on, by kind of message.

use super::cluster::{answer, claimed, is_for_clients, notice, outgoing, readers, write};
use super::frame::{FrameError, MAGIC};
use super::lines::{dump, line, printable};
use super::order::{ConnId, Order, Reason};
use super::requests::Asked;
use super::rules::Rules;
use super::signon::{Case, Refusal, Who};
use super::table::{Client, Peer, Table};
use crate::engine::{Engine, Treatment};
use crate::level::Level;
use crate::wire::Message;
use std::rc::Rc;

const REQUEST: &str = "hbapi-req";

/// What the desk sees of the world while it decides.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    /// The cluster.
    pub engine: &'a Engine,
    /// Whether there is such a process.
    pub alive: &'a dyn Fn(i32) -> bool,
}

/// The clients of this node, and the rules they live by.
#[derive(Clone, Debug)]
pub struct Desk {
    rules: Rules,
    table: Table,
    node: String,
    /// Sign-ons tried so far.
    generation: u64,
}

impl Desk {
    /// Nobody is here. `node` is this node's name.
    pub fn new(rules: Rules, node: &str) -> Self {
        Self { rules, table: Table::default(), node: node.to_owned(), generation: 0 }
    }

    /// Somebody connected.
    pub fn connected(&mut self, id: ConnId, peer: Peer) {
        self.table.add(id, peer);
    }

    /// Whether somebody signed on over this connection.
    pub fn is_signed_on(&self, id: ConnId) -> bool {
        self.table.client(id).is_some()
    }

    /// What the clients listen to: for [`crate::engine::Input::Listeners`].
    pub fn listeners(&self) -> u8 {
        self.table.listeners()
    }

    /// A message came, or what should have been one.
    pub fn received(
        &mut self,
        id: ConnId,
        came: Result<Message, FrameError>,
        sight: Sight<'_>,
    ) -> Vec<Order> {
        let Some(connection) = self.table.get(id) else { return Vec::new() };
        match came {
            Err(FrameError::Body(error)) => {
                let lines = error.log_lines().into_iter().map(|(level, text)| line(level, text));
                let pid = connection.peer.pid;
                lines.chain([line(Level::Info, format!("No message from pid {pid}"))]).collect()
            }
            Err(FrameError::Lost { length, magic }) => {
                let mut orders = lost(length, magic, connection.peer.pid);
                orders.extend(self.gone(id, Reason::Eof));
                orders
            }
            Ok(message) if connection.client.is_none() => self.sign_on(id, &message, sight),
            Ok(message) if message.kind() == Some(REQUEST) => self.request(id, &message, sight),
            Ok(message) => self.general(id, message),
        }
    }

    /// A client is lost, or must go. The answer ends with closing its connection.
    pub fn gone(&mut self, id: ConnId, reason: Reason) -> Vec<Order> {
        let Some(connection) = self.table.remove(id) else { return Vec::new() };
        let left = connection.client.and_then(|client| self.left(&client, reason));
        left.into_iter().map(Order::Cluster).chain([Order::Close(id)]).collect()
    }

    /// Looks for clients whose process is gone.
    pub fn audit(&mut self, alive: &dyn Fn(i32) -> bool) -> Vec<Order> {
        let dead = self.table.clients().filter(|(_, client)| !alive(client.pid));
        let dead: Vec<_> = dead.map(|(id, client)| (id, client.name.clone())).collect();
        let mut orders = Vec::new();
        for (id, name) in dead {
            orders.push(line(Level::Info, format!("api_audit_clients: client {name} died")));
            orders.extend(self.gone(id, Reason::DiedAudit));
        }
        orders
    }

    /// A message of the cluster for those whom it concerns.
    pub fn deliver(&self, message: &Message, treatment: Treatment) -> Vec<Order> {
        let shared = Rc::new(message.clone());
        let to = |id| Some(write(id, self.table.client(id)?, Rc::clone(&shared)));
        readers(&self.table, message, treatment).into_iter().filter_map(to).collect()
    }

    /// The answer to a peer's question for a client of this node.
    pub fn answer(&self, query: &Message) -> Option<Message> {
        answer(&self.table, query)
    }

    fn sign_on(&mut self, id: ConnId, request: &Message, sight: Sight<'_>) -> Vec<Order> {
        let Some(peer) = self.table.get(id).map(|connection| connection.peer) else { return Vec::new() };
        // Whatever comes first counts as an attempt.
        let generation = self.generation;
        self.generation += 1;
        if request.kind() != Some(REQUEST) || request.text("reqtype") != Some("signon") {
            let complaint = line(Level::Error, "api_process_registration_msg: bad message");
            return std::iter::once(complaint).chain(dump(Level::Error, request)).collect();
        }
        let case = Case { rules: &self.rules, table: &self.table, peer, alive: sight.alive };
        match case.judge(request) {
            Ok(client) => self.welcome(id, Client { generation, ..client }),
            Err(refusal) => self.turn_away(id, generation, refusal),
        }
    }

    /// Its own join notice reaches a client before the answer does.
    fn welcome(&mut self, id: ConnId, client: Client) -> Vec<Order> {
        let mut orders = Vec::new();
        if !client.casual {
            let join = notice("join", &client.name, &self.node, "signon", client.generation);
            orders.push(Order::Cluster(join));
        }
        orders.push(write(id, &client, Rc::new(self.greeting(None))));
        if let Some(connection) = self.table.get_mut(id) {
            connection.client = Some(client);
        }
        orders
    }

    fn turn_away(&mut self, id: ConnId, generation: u64, refusal: Refusal) -> Vec<Order> {
        let Refusal { who: Who { name, casual }, info, leave, lines: mut orders } = refusal;
        let text = format!("api_process_registration_msg: cannot add client({name})");
        orders.push(line(Level::Error, text));
        orders.push(Order::Write { to: id, message: Rc::new(self.greeting(Some(info))), signal: None });
        if !casual {
            let message = Rc::new(notice("leave", &name, &self.node, leave, generation));
            orders.push(Order::Write { to: id, message, signal: None });
        }
        self.table.remove(id);
        orders.push(Order::Close(id));
        orders
    }

    /// The answer to a sign-on; with the reason when it failed.
    fn greeting(&self, refused: Option<&str>) -> Message {
        let reply = Message::of("hbapi-resp").with("reqtype", "signon");
        let reply = match refused {
            None => reply.with("result", "OK"),
            Some(info) => reply.with("info", info).with("result", "badreq"),
        };
        self.rules.greeting.iter().fold(reply, |reply, (name, value)| reply.with(name, value))
    }

    fn request(&mut self, id: ConnId, request: &Message, sight: Sight<'_>) -> Vec<Order> {
        if let Err(line) = self.identify(id, request) {
            return line;
        }
        let mut orders = self.deliver(request, Treatment::ApiRequest);
        if request.text("reqtype") == Some("signoff") {
            orders.extend(self.sign_off(id));
            return orders;
        }
        let Some(client) = self.table.client(id) else { return orders };
        let (rules, table) = (&self.rules, &self.table);
        let answer = Asked { request, rules, table, client, conn: id, engine: sight.engine }.answer();
        let client = answer.client.unwrap_or_else(|| client.clone());
        orders.extend(answer.orders);
        orders.extend(answer.replies.into_iter().map(|reply| write(id, &client, Rc::new(reply))));
        if let Some(known) = self.table.client_mut(id) {
            *known = client;
        }
        orders
    }

    /// Whether a request is from the client of this connection; what the log says if not.
    fn identify(&self, id: ConnId, request: &Message) -> Result<(), Vec<Order>> {
        let error = |text: &str| line(Level::Error, text);
        match claimed(&self.table, request, id) {
            Err(()) => Err(vec![error("api_process_request: no fromid/pid/reqtype in message.")]),
            Ok(None) => Err(vec![error("api_process_request: msg from non-client")]),
            Ok(Some((found, _))) if found == id => Ok(()),
            Ok(Some((_, other))) => {
                let own = self.table.client(id).map(|own| (own.pid, own.name.as_str()));
                let (pid, name) = own.unwrap_or_default();
                let text = format!("pids ({} vs {pid}), Client IDs ({} vs {name})", other.pid, other.name);
                Err(vec![error("Client mismatch! (impersonation?)"), line(Level::Info, text)])
            }
        }
    }

    /// A named client is told of its own end; nobody answers a casual one.
    fn sign_off(&mut self, id: ConnId) -> Vec<Order> {
        let Some(client) = self.table.client(id) else { return Vec::new() };
        let told = (!client.casual).then(|| write(id, client, Rc::new(self.leave(client, Reason::Signoff))));
        told.into_iter().chain(self.gone(id, Reason::Signoff)).collect()
    }

    fn leave(&self, client: &Client, reason: Reason) -> Message {
        notice("leave", &client.name, &self.node, reason.word(), client.generation)
    }

    /// The notice for the other nodes; none for casual clients.
    fn left(&self, client: &Client, reason: Reason) -> Option<Message> {
        (!client.casual).then(|| self.leave(client, reason))
    }

    fn general(&mut self, id: ConnId, message: Message) -> Vec<Order> {
        let Some(client) = self.table.client(id) else { return Vec::new() };
        if message.kind().is_none() {
            return vec![line(Level::Error, "api_process_request: bad message type")];
        }
        let copies = self.deliver(&message, Treatment::ApiRequest);
        let rest = match outgoing(client, message) {
            Ok(message) if !is_for_clients(&message) => vec![refused(client, &message)],
            Ok(message) => vec![Order::Cluster(message)],
            Err(complaint) => std::iter::once(complaint).chain(self.gone(id, Reason::BadClient)).collect(),
        };
        copies.into_iter().chain(rest).collect()
    }
}

fn refused(client: &Client, message: &Message) -> Order {
    let kind = printable(message.kind().unwrap_or_default().as_bytes());
    line(Level::Warn, format!("client {} may not send messages of type [{kind}]: refused", client.name))
}

/// What the log says when the beginning of the next message cannot be known.
fn lost(length: u32, magic: u32, pid: i32) -> Vec<Order> {
    let mut texts = match magic {
        MAGIC => vec![format!("ipc_update_bufpool:msg length is corruptted({length})")],
        _ => vec![
            format!(
                "ipc_bufpool_update: magic number in head does not match. Something very bad happened, \
                 farside pid ={pid}"
            ),
            format!("magic={magic:x}, expected value={MAGIC:x}"),
        ],
    };
    texts.push("socket_resume_io_read: disconnecting the other side".to_owned());
    texts.into_iter().map(|text| line(Level::Error, text)).collect()
}
