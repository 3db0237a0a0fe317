//! daemon: being built.
