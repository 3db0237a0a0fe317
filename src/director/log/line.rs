//! How lines are spelt. Pure: the time is given in.

use crate::logging::format::{clock, month, syslog_date};
use crate::sys::localtime::LocalTime;

/// As the C library's `ctime` has it: `Sat Nov 21 18:59:18 2026`.
pub fn date(t: &LocalTime) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let day = DAYS.get(t.weekday as usize).unwrap_or(&"Sun");
    format!("{day} {} {:2} {} {}", month(t), t.day, clock(t), t.year)
}

/// A line of a log file.
pub(super) fn of_file(t: &LocalTime, instance: &str, pid: u32, text: &str) -> String {
    format!("[{}|{instance}|{pid}] {text}", date(t))
}

/// A line for somebody who supervises us.
pub(super) fn supervised(t: &LocalTime, text: &str) -> String {
    format!("[{}] {text}", date(t))
}

/// What follows the priority in a datagram for syslog.
pub(super) fn of_syslog(t: &LocalTime, pid: u32, text: &str) -> String {
    format!("{} ldirectord[{pid}]: {text}", syslog_date(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the reference wrote them (ldirectord.md sections 13.3 and 14).
    #[test]
    fn lines_are_the_references() {
        let t = LocalTime { year: 2026, month: 11, day: 21, hour: 18, minute: 59, second: 18, weekday: 6 };
        assert_eq!(of_file(&t, "web.cf", 7, "x"), "[Sat Nov 21 18:59:18 2026|web.cf|7] x");
        assert_eq!(supervised(&t, "x"), "[Sat Nov 21 18:59:18 2026] x");
        let t = LocalTime { day: 5, weekday: 4, hour: 7, ..t };
        assert_eq!(date(&t), "Thu Nov  5 07:59:18 2026");
        assert_eq!(of_syslog(&t, 1028, "x"), "Nov  5 07:59:18 ldirectord[1028]: x");
    }
}
