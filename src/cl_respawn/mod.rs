//! cl_respawn(1): keeps one program running, without any cluster (commands.md section 7).
//!
//! `options` reads the command line and is pure; `keeper` starts the program again and again. It knows
//! nothing of the daemon, which keeps its own programs by `respawn` in `ha.cf`.

mod keeper;
mod options;
mod pidfile;

pub use keeper::main;
