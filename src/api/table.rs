//! Who is connected and who is signed on. Data and look-ups; the rules live in `signon` and `desk`.

use super::order::ConnId;
use std::collections::BTreeMap;

/// Who is at the other end of a connection, as the kernel says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its process when it connected.
    pub pid: i32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// A client that signed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) name: String,
    pub(super) pid: i32,
    pub(super) uid: u32,
    /// Without a name of its own: it may ask and listen, and nobody is told of it.
    pub(super) casual: bool,
    /// The number of its sign-on.
    pub(super) generation: u64,
    /// What it listens to: bits of [`crate::engine::Treatment`].
    pub(super) mask: u8,
    /// Sent to its process with each message; 0 for none.
    pub(super) signal: i32,
}

/// A connection; `client` once it signed on.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) peer: Peer,
    pub(super) client: Option<Client>,
}

/// All connections, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    all: BTreeMap<ConnId, Connection>,
}

impl Table {
    pub(super) fn add(&mut self, id: ConnId, peer: Peer) {
        self.all.insert(id, Connection { peer, client: None });
    }

    pub(super) fn remove(&mut self, id: ConnId) -> Option<Connection> {
        self.all.remove(&id)
    }

    pub(super) fn get(&self, id: ConnId) -> Option<&Connection> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.all.get_mut(&id)
    }

    pub(super) fn client(&self, id: ConnId) -> Option<&Client> {
        self.get(id)?.client.as_ref()
    }

    pub(super) fn client_mut(&mut self, id: ConnId) -> Option<&mut Client> {
        self.get_mut(id)?.client.as_mut()
    }

    /// Those who signed on, oldest connection first.
    pub(super) fn clients(&self) -> impl Iterator<Item = (ConnId, &Client)> {
        self.all.iter().filter_map(|(id, connection)| Some((*id, connection.client.as_ref()?)))
    }

    pub(super) fn of_name(&self, name: &str) -> Option<(ConnId, &Client)> {
        self.clients().find(|(_, client)| client.name == name)
    }

    /// What any client wants to see.
    pub(super) fn listeners(&self) -> u8 {
        self.clients().fold(0, |all, (_, client)| all | client.mask)
    }
}
