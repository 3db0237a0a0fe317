//! The laws of the house (docs/architecture.md), checked by reading the source.
//!
//! Each law is a function from text to a list of breaches. It is run twice: over the real source, where it must
//! find nothing, and over a bad snippet, where it must find something: a law that cannot fail protects nothing.

mod purity;
mod rooms;
mod scripts;
mod shape;
mod texts;
mod tokens;
mod tree;

/// Fails with every breach on a line of its own.
fn hold(law: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{law}:\n  {}\n", breaches.join("\n  "));
}
