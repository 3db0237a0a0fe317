//! heartbeat-rs: the Linux-HA *heartbeat* cluster manager in haresources mode, rebuilt.
//!
//! The house and its rooms:
//!
//! | room | pure | what lives there |
//! |---|---|---|
//! | [`wire`] | yes | messages, both encodings, signing and verifying |
//! | [`config`] | yes | `ha.cf`, `authkeys`, `haresources`: text in, typed configuration and every diagnostic out |
//! | [`engine`] | yes | the cluster: events and time in, actions out |
//! | [`resources`] | plan only | which script runs when; running it |
//! | [`agents`] | plan only | native address agents: IPaddr, IPaddr2, IPv6addr, SendArp |
//! | [`netlink`] | `frame` | asking the kernel and hearing from it: messages, one socket |
//! | [`media`] | no | bcast, mcast, ucast, mcast6, ucast6, serial lines, echo requests for ping nodes: bytes in, bytes out |
//! | [`logging`] | no | heartbeat's log formats, files, syslog, ha_logd |
//! | [`sys`] | no | the only `unsafe` of the package |
//! | [`api`] | yes | the client API as the daemon serves it: framing, sign-on, requests |
//! | [`respawn`] | yes | programs to keep running: what to do when one ends |
//! | [`cl_respawn`] | no | keeps one program running, without any cluster |
//! | [`client`] | no | the client API as a program uses it |
//! | [`cl_status`] | no | asks the daemon and prints |
//! | [`ipfail`] | plan only | moves resources to the node that sees more ping nodes |
//! | [`dopd`] | plan only | marks a peer's DRBD data as outdated |
//! | [`record`] | yes | a run written down, and played back |
//! | [`director`] | `config`, `table`, `plan`, `alert/plan`, `ipvs/wire`, `daemon/core` | the library of ldirectord: which servers stand behind a virtual service |
//! | [`daemon`] | no | the loop that owns the engine, and the threads around it |
//!
//! [`level`] and [`paths`] hold only names, [`getopt`] and [`number`] read words and numbers as the C library does.
//!
//! Three laws hold it up. The deciding code is pure: it names no socket, file, process or clock, and
//! `tests/laws` looks for them. Data flows one way: bytes, `wire`, verified message,
//! [`engine::Input`], `engine`, [`engine::Action`], whoever carries it out. Nothing that can block
//! shares a thread with the pulse.

pub mod agents;
pub mod api;
pub mod cl_respawn;
pub mod cl_status;
pub mod client;
pub mod config;
pub mod daemon;
pub mod director;
pub mod dopd;
pub mod engine;
pub mod getopt;
pub mod ipfail;
pub mod level;
pub mod logging;
pub mod media;
pub mod netlink;
pub mod number;
pub mod paths;
pub mod record;
pub mod resources;
pub mod respawn;
pub mod sys;
pub mod wire;
