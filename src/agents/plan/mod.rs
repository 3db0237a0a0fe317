//! The deciding half of the agents: values in, values out.
//!
//! | file | question it answers |
//! |---|---|
//! | [`argument`] | what does `10.0.0.5/24/eth0:web/10.0.0.255` ask for? |
//! | [`prefix`] | masks, networks, broadcasts |
//! | [`snapshot`] | what did the kernel's tables look like? |
//! | [`choose`] | which interface, which prefix, which broadcast? |
//! | [`ops`] | what must the kernel be told, given what it holds? |
//! | [`ledger`] | what is up because of us? |
//! | [`guard`] | what is known of an address that somebody takes away, how soon is it put back, what is told? |
//! | [`schedule`] | when is the neighbourhood told? |
//! | [`packet`] | with which bytes? |

pub mod argument;
pub mod choose;
pub mod guard;
pub mod ledger;
pub mod ops;
pub mod packet;
pub mod prefix;
pub mod schedule;
pub mod snapshot;

pub use argument::Request;
pub use ledger::{Entry, Gone, Ledger, Owner, Place, Spot};
pub use ops::{Op, Wanted};
pub use schedule::Schedule;
pub use snapshot::{Addr, Link, Route, Snapshot};
