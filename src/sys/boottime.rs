//! The clock that goes on while the machine sleeps, and an alarm on it. One that stands still meanwhile, as
//! `Instant` does, would not know that others had time to take over.
#![expect(unsafe_code, reason = "tokio takes a descriptor only from who vouches for it")]

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Time since the machine was booted, that of its sleep included.
pub fn since_boot() -> Duration {
    // Only a wrong clock number could fail.
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}

struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Goes off at a moment of [`since_boot`]; at once when the machine wakes up after that moment.
pub struct Alarm {
    timer: AsyncFd<Timer>,
    set: Duration,
}

impl Alarm {
    /// Not set. To be made within the runtime.
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = Timer(TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?);
        // SAFETY: `timer` owns its descriptor, never replaces it, and is dropped after tokio let go of it.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
        Ok(Self { timer, set: Duration::ZERO })
    }

    /// Sets it, instead of what it was set to. A moment that has passed is as good as now.
    pub fn set(&mut self, at: Duration) -> io::Result<()> {
        // Zero would unset it.
        let at = at.max(Duration::from_nanos(1));
        if at != self.set {
            let when = Expiration::OneShot(TimeSpec::from_duration(at));
            self.timer.get_ref().0.set(when, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            self.set = at;
        }
        Ok(())
    }

    /// Waits until it goes off, once for each [`Alarm::set`] to another moment. May be dropped and called again.
    pub async fn off(&self) {
        if let Ok(mut guard) = self.timer.readable().await {
            guard.clear_ready();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within_a_runtime<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    async fn goes_off(alarm: &Alarm, within: Duration) -> bool {
        tokio::time::timeout(within, alarm.off()).await.is_ok()
    }

    #[test]
    fn the_clock_goes_forward() {
        let before = since_boot();
        std::thread::sleep(Duration::from_millis(2));
        assert!(since_boot() >= before + Duration::from_millis(2));
    }

    #[test]
    fn it_goes_off_at_its_moment_and_once() {
        within_a_runtime(async {
            let mut alarm = Alarm::new().unwrap();
            assert!(!goes_off(&alarm, Duration::from_millis(20)).await, "it was not set");
            let at = since_boot() + Duration::from_millis(30);
            alarm.set(at).unwrap();
            assert!(goes_off(&alarm, Duration::from_secs(20)).await);
            assert!(since_boot() >= at);
            assert!(!goes_off(&alarm, Duration::from_millis(20)).await, "it went off already");
        });
    }

    /// As after a sleep: what was due meanwhile is due now.
    #[test]
    fn a_moment_that_has_passed_is_now() {
        within_a_runtime(async {
            let mut alarm = Alarm::new().unwrap();
            for at in [since_boot().saturating_sub(Duration::from_secs(5)), Duration::ZERO] {
                alarm.set(since_boot() + Duration::from_secs(3600)).unwrap();
                alarm.set(at).unwrap();
                assert!(goes_off(&alarm, Duration::from_secs(20)).await);
            }
        });
    }
}
