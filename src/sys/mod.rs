//! The only `unsafe` of the package: one tiny file for each thing the kernel or libc offers and no
//! safe crate wraps. Nothing here decides anything.

pub mod background;
pub mod boottime;
pub mod child;
pub mod counting;
pub mod fds;
pub mod listening;
pub mod localtime;
pub mod packet;
pub mod pidfd;
pub mod poller;
pub mod process;
pub mod realtime;
pub mod reverse;
pub mod terminal;
pub mod watched;
