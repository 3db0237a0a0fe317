//! The thread that keeps our addresses up: it hears from the kernel when one goes, or a link changes, and has put
//! back what is ours. Between such news, and those of the list of what is ours, it sleeps. It also has addresses
//! announced again from time to time, where [`EVERY`] asks for that, and starts another watcher where that has ended.

use super::watcher::Watcher;
use crate::agents::announce::Crew;
use crate::agents::guard::{self, Guard, News};
use crate::agents::ledger;
use crate::level::Level;
use crate::logging::Logger;
use crate::paths::ADDRESSES;
use crate::sys::realtime;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

/// The variable with the seconds from one announcement of everything to the next.
pub(super) const EVERY: &str = "HA_ANNOUNCE_EVERY";

/// From one look to the next: in a storm of news the turn is for those who move addresses.
const REST: Duration = Duration::from_millis(20);

/// Starts the thread. It lives as long as the program. `preferred`: as those are that wait for its turn to end.
pub(super) fn start(crew: &Crew, watcher: Watcher, preferred: bool, log: &Logger) -> io::Result<()> {
    let desk = Desk {
        news: News::open()?,
        list: ledger::News::open().inspect_err(|error| unheard(error, log)).ok(),
        guard: Guard::new(watcher.owner(), crew.clone()),
        crew: crew.clone(),
        watcher,
        every: period(std::env::var(EVERY).ok().as_deref(), log),
        log: log.clone(),
    };
    let work = move || {
        if preferred {
            realtime::prefer();
        }
        desk.work();
    };
    thread::Builder::new().name("guardian".to_owned()).spawn(work)?;
    Ok(())
}

fn unheard(error: &io::Error, log: &Logger) {
    let line = format!("Whoever removes {ADDRESSES} is not noticed before an address goes: {error}");
    log.log(Level::Warn, &line);
}

fn period(text: Option<&str>, log: &Logger) -> Option<Duration> {
    let text = text.map(str::trim).filter(|text| !text.is_empty() && *text != "0")?;
    let seconds = text.parse::<u32>().ok();
    if seconds.is_none() {
        let line =
            format!("{EVERY}={text}: a whole number of seconds is wanted; addresses are not announced again");
        log.log(Level::Warn, &line);
    }
    seconds.map(|seconds| Duration::from_secs(seconds.into()))
}

struct Desk {
    news: News,
    list: Option<ledger::News>,
    guard: Guard,
    crew: Crew,
    watcher: Watcher,
    every: Option<Duration>,
    log: Logger,
}

impl Desk {
    fn work(mut self) {
        // What happened while nobody listened.
        let mut look_at = Some(Instant::now());
        let mut announce_at = self.every.map(|every| Instant::now() + every);
        loop {
            self.wait([look_at, announce_at, self.watcher.due()].into_iter().flatten().min());
            let now = Instant::now();
            let removed = self.list.as_ref().is_some_and(ledger::News::take) && self.guard.heed();
            if self.news.take() || removed || look_at.is_some_and(|at| at <= now) {
                let log = &self.log;
                let again = self.guard.look(&mut |level, text| log.log(level, text));
                look_at = again.map(|wait| Instant::now() + wait);
                thread::sleep(REST);
            }
            if announce_at.is_some_and(|at| at <= now) {
                guard::refresh(&self.crew);
                announce_at = self.every.map(|every| now + every);
            }
            if self.watcher.due().is_some_and(|at| at <= now) {
                self.watcher.start(&self.log);
            }
        }
    }

    /// Until there are news, or it is time.
    fn wait(&mut self, until: Option<Instant>) {
        let left = until.map(|at| at.saturating_duration_since(Instant::now()));
        // Rounded up: a little late is better than once more for nothing.
        let left = left.map(|left| i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX));
        let timeout = left.and_then(|ms| PollTimeout::try_from(ms).ok()).unwrap_or(PollTimeout::NONE);
        let (watched, news) = (self.watcher.process(), Some(self.news.as_fd()));
        let all = [watched, news, self.list.as_ref().map(AsFd::as_fd)];
        let mut fds: Vec<PollFd<'_>> =
            all.into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // An interruption only makes the look come early.
        let _ = poll(&mut fds, timeout);
        let ended = watched.is_some() && fds.first().and_then(PollFd::any).unwrap_or(false);
        if ended {
            self.watcher.bury(&self.log);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::Settings;

    #[test]
    fn the_period_is_whole_seconds() {
        let log = Logger::direct("heartbeat", Settings::default());
        assert_eq!(period(Some(" 60 "), &log), Some(Duration::from_secs(60)));
        for none in [None, Some(""), Some("0"), Some("often"), Some("-1"), Some("1.5")] {
            assert_eq!(period(none, &log), None, "{none:?}");
        }
    }
}
