//! The client API as the daemon serves it (client-api.md). Pure.
//!
//! A [`Desk`] is told what comes in on connections to the register socket and answers with [`Order`]s, to be
//! carried out in order. By topic: `frame` (bytes and messages), `signon` (who may), `table` (who is there),
//! `requests` (what a client may ask), `cluster` (what goes to and comes from the cluster), `lines` (what the
//! log says). The cluster is seen through the engine's views. Sockets, processes and limits on memory are
//! the daemon's.

mod cluster;
mod desk;
pub mod frame;
pub mod fuzz;
mod lines;
mod order;
mod requests;
mod rules;
mod signon;
mod table;

pub use desk::{Desk, Sight};
pub use order::{ConnId, Order, Reason};
pub use rules::Rules;
pub use table::Peer;
