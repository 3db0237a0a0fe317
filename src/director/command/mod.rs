//! Programs of the administrator: `fallbackcommand`, `callback` and `execute` (ldirectord.md sections 10.3, 11.1, 13.4).
//!
//! | file | what it knows |
//! |---|---|
//! | [`errand`] | what is run, with which arguments, for how long; pure |
//! | [`runner`] | some threads that run it; who hands an errand in never waits |
//! | [`process`] | one program: in a group of its own, with a time limit, its output with a limit too |
//!
//! Errands of one lane are run one after the other, in the order they came: `start` of a fallback never passes by
//! `stop`. Lanes do not wait for each other. The reference waits for each program, without limit.

pub mod errand;
pub mod process;
pub mod runner;

pub use errand::{ChildVerb, Errand};
pub use runner::Runner;
