//! daemon: being built.

pub mod host;
