//! The configuration: `ha.cf`, `authkeys` and `haresources` as text in, typed values and every
//! diagnostic out (configuration.md). Pure: text and facts about the machine come in as values.

mod diagnostic;
pub mod haresources;
mod text;

pub use diagnostic::{Cited, Diagnostic};
