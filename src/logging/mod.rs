//! logging: being built.
