//! The commands as an administrator meets them: options, exit codes, texts, files, signals, log lines.
//! The built programs run in a laboratory, where sensible beside the real 3.0.6.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod command_cases;
mod lab;
