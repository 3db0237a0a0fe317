//! `heartbeat --replay FILE`: what a recorded run did, told line by line.

use crate::record::{Event, Replay, tell};
use crate::sys::localtime::local_time;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Prints the story; the exit code says whether it could be read to its end.
pub(super) fn main(file: &OsStr) -> i32 {
    match print(Path::new(file), &mut io::stdout().lock()) {
        Ok(()) => 0,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "heartbeat: {}: {error}", Path::new(file).display());
            1
        }
    }
}

fn print(path: &Path, out: &mut impl Write) -> io::Result<()> {
    let mut replay = Replay::new();
    for (number, line) in (1..).zip(BufReader::new(File::open(path)?).lines()) {
        let event =
            replay.line(&line?).map_err(|error| io::Error::other(format!("line {number}: {error}")))?;
        let when = wall(&event).map(|wall| format!("{} ", clock(wall))).unwrap_or_default();
        for (at, text) in tell(&event, false).iter().enumerate() {
            writeln!(out, "{}{text}", if at == 0 { &when } else { "" })?;
        }
    }
    out.flush()
}

fn wall(event: &Event) -> Option<u64> {
    match event {
        Event::Begin(begin) => Some(begin.now.wall),
        Event::Step(step) => Some(step.now.wall),
        _ => None,
    }
}

fn clock(wall: u64) -> String {
    let t = local_time(UNIX_EPOCH.checked_add(Duration::from_secs(wall)).unwrap_or(UNIX_EPOCH));
    format!("{}/{:02}/{:02}_{:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second)
}
