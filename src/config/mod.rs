//! The configuration: `ha.cf`, `authkeys` and `haresources` as text in, typed values and every
//! diagnostic out (configuration.md). Pure: text and facts about the machine come in as values.
//!
//! | file | what it knows |
//! |---|---|
//! | `text` | lines, words, and where they stand |
//! | `value` | times, booleans, numbers |
//! | `directive` | the directives as a table |
//! | `ha_cf`, `authkeys`, `haresources` | one file each |
//! | `cross` | what needs more than one directive |
//! | `check` | all files at once |
//! | `model` | the result |
//! | `diagnostic`, `report` | what is said about it |
//! | `host`, `fake` | facts about the machine: the questions, and answers for tests |
//! | `effective` | the configuration as text again |
//!
//! Reading files, printing and deciding to stop are none of its business. `text`, `value`, `report` and
//! `diagnostic` serve `director::config` too: one way to cite a file, whatever the file.

pub mod authkeys;
mod check;
mod cross;
mod diagnostic;
pub mod directive;
mod effective;
mod fake;
pub mod fuzz;
mod ha_cf;
pub mod haresources;
mod host;
mod model;
pub(crate) mod report;
mod source;
pub(crate) mod text;
pub(crate) mod value;

pub use authkeys::{AuthKeys, Key, Method};
pub use check::{Checked, REFUSED, check, validated_lines};
pub use diagnostic::{Cited, Diagnostic};
pub use effective::{directive_table, directive_wiki, effective};
pub use fake::FakeHost;
pub use haresources::{Group, Word};
pub use host::{FileKind, Host, Interface, Script, User};
pub use model::*;
pub use source::{ReadError, Source, Sources};

/// What `heartbeat -V` prints and the API answers for `hbversion`.
pub const HBVERSION: &str = "3.0.6 (node: 958e11be8686759f1b99204c17812f2c2633b169)";

#[cfg(test)]
mod tests;
