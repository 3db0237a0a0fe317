//! Wall-clock time in the time zone of the machine, for log lines. No formatting lives here.

use std::time::{SystemTime, UNIX_EPOCH};

/// A broken-down local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Full year.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// Days since Sunday: 0 to 6.
    pub weekday: u32,
}

/// Breaks `at` down. A time that libc refuses comes out as the epoch.
pub fn local_time(at: SystemTime) -> LocalTime {
    let seconds = at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let tm = broken_down(libc::time_t::try_from(seconds).unwrap_or(0));
    let part = |value: libc::c_int| u32::try_from(value).unwrap_or(0);
    LocalTime {
        year: tm.tm_year.saturating_add(1900),
        month: part(tm.tm_mon).saturating_add(1),
        day: part(tm.tm_mday).max(1),
        hour: part(tm.tm_hour),
        minute: part(tm.tm_min),
        second: part(tm.tm_sec),
        weekday: part(tm.tm_wday),
    }
}

#[expect(
    unsafe_code,
    reason = "localtime_r has no safe wrapper in nix, and a time-zone crate for one call is too much"
)]
fn broken_down(seconds: libc::time_t) -> libc::tm {
    // SAFETY: `tm` is plain old data for which all zeroes is a valid value; both pointers are to
    // live locals and localtime_r keeps neither.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        libc::localtime_r(&raw const seconds, &raw mut tm);
        tm
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_epoch_is_near_1970() {
        let t = local_time(UNIX_EPOCH + Duration::from_secs(86_400));
        assert_eq!(t.year, 1970);
        assert_eq!(t.month, 1);
        assert_eq!((t.day + 2) % 7, t.weekday - 1, "the 2nd was a Friday: {t:?}");
    }
}
