//! The library of `ldirectord`: which servers stand behind a virtual service, and telling the kernel.
//!
//! | room | pure | what lives there |
//! |---|---|---|
//! | [`config`] | yes | `ldirectord.cf`: text in, typed configuration and every diagnostic out |
//! | [`checks`] | in part | checking a server: one kind a file |
//! | [`table`] | yes | the kernel's table of virtual services as values |
//! | [`plan`] | yes | what is known of the servers, the table that is wanted, the fewest changes to it |
//! | [`machine`] | | what the configuration asks, asked of this machine |
//! | [`log`] | | the log: a thread of its own, its lines, its places |
//! | [`alert`] | `plan` | e-mails: which are due, and sending them |
//! | [`maintenance`] | | which servers somebody wants out |
//! | [`monitor`] | | the files that get a line for each check |
//! | [`command`] | | programs of the administrator: run apart, with a time limit |
//! | [`sync`] | | the program `ipvs_sync`: the kernel's sync daemons |
//! | [`ipvs`] | `wire` | reading and changing the kernel's table, by netlink or by `ipvsadm` |
//! | [`daemon`] | `core` | the daemon: command line, loop, reload, end |

pub mod alert;
pub mod checks;
pub mod command;
pub mod config;
pub mod daemon;
pub mod fuzz;
pub mod ipvs;
pub mod log;
pub mod machine;
pub mod maintenance;
pub mod monitor;
pub mod plan;
pub mod sync;
pub mod table;
