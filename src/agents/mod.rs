//! agents: being built.
