//! The client API as the daemon serves it. Pure.

pub mod frame;
