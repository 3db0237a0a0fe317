//! The wire: messages and their bytes (wire-protocol.md sections 1 and 2). Pure.

mod message;

pub use message::{Field, Message, Value};
