//! sys: being built.
