//! Local time, as log lines show it.
#![expect(unsafe_code, reason = "std and nix know no local time; localtime_r does")]

/// `YYYY/MM/DD_HH:MM:SS` in the local time zone.
pub fn local_date(seconds_since_epoch: u64) -> String {
    let time = libc::time_t::try_from(seconds_since_epoch).unwrap_or(0);
    // SAFETY: an all-zero tm is a valid value: integers and a null zone pointer.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the call; on failure tm stays zeroed.
    unsafe { libc::localtime_r(&time, &mut tm) };
    format!(
        "{:04}/{:02}/{:02}_{:02}:{:02}:{:02}",
        tm.tm_year + 1900,
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec
    )
}
