//! `authkeys`: the keys that sign and verify messages (configuration.md section 2).
//!
//! No key leaves this module but inside [`Key`]. Diagnostics and the lines of 3.0.6 cite masked
//! text only (see [`mask`]).

mod keys;
mod mask;
mod parse;

pub use keys::{AuthKeys, Key, Method};
pub(super) use parse::parse;
pub(super) use parse::unreadable;

#[cfg(test)]
mod tests;
