//! How a program ended, in the words of 3.0.6.

use crate::level::Level;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal {
        /// Its number.
        number: i32,
        /// Whether it left a core.
        core: bool,
    },
}

impl End {
    /// The lines that tell it of the process `pid` of `command`.
    pub(super) fn lines(self, command: &str, pid: u32) -> Vec<(Level, String)> {
        let managed = format!("Managed {command} process {pid}");
        match self {
            End::Code(0) => vec![(Level::Info, format!("{managed} exited with return code 0."))],
            End::Code(code) => vec![(Level::Warn, format!("{managed} exited with return code {code}."))],
            End::Signal { number, core } => {
                let name = name(number).map(|name| format!(" [{name}]")).unwrap_or_default();
                let mut lines = vec![(Level::Warn, format!("{managed} killed by signal {number}{name}."))];
                if core {
                    lines.push((Level::Error, format!("{managed} dumped core")));
                }
                lines
            }
        }
    }
}

/// The signal as 3.0.6 describes it. Real-time signals have no name.
fn name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP - Hangup",
        2 => "SIGINT - Interrupt",
        3 => "SIGQUIT - Quit",
        4 => "SIGILL - Illegal instruction",
        5 => "SIGTRAP - Trace",
        6 => "SIGABRT - Abort",
        7 => "SIGBUS - BUS error",
        8 => "SIGFPE - Floating-point exception",
        9 => "SIGKILL - Kill, unblockable",
        10 => "SIGUSR1 - User-defined signal 1",
        11 => "SIGSEGV - Segmentation violation",
        12 => "SIGUSR2 - User-defined signal 2",
        13 => "SIGPIPE - Broken pipe (POSIX)",
        14 => "SIGALRM - Alarm clock (POSIX)",
        15 => "SIGTERM - Termination (ANSI)",
        16 => "SIGSTKFLT - Stack fault",
        24 => "SIGXCPU - CPU limit exceeded",
        25 => "SIGXFSZ - File size limit exceeded",
        26 => "SIGVTALRM - Virtual alarm clock",
        27 => "SIGPROF - Profiling alarm clock",
        29 => "SIGPOLL - Pollable event occurred",
        30 => "SIGPWR - Power failure restart",
        31 => "SIGSYS - Bad system call",
        _ => return None,
    })
}
