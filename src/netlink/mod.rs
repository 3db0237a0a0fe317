//! Speaking netlink with the kernel, whatever family it is about: rtnetlink, or IPVS by generic netlink.
//!
//! | file | pure | what it knows |
//! |---|---|---|
//! | [`frame`] | yes | messages and attributes in bytes |
//! | [`Talk`] | | question and answer: one socket, requests acknowledged |
//! | [`News`] | | what the kernel tells unasked |
//!
//! What a message says is known where it is used: `agents` and `director`.

pub mod frame;
mod news;
mod talk;

pub use frame::Frame;
pub use news::News;
pub use talk::{Error, Talk};
