//! sys: the only `unsafe` of the package, each file tiny and with its reason.

pub mod clock;
pub mod fds;
pub mod packet;
