//! media: being built.
