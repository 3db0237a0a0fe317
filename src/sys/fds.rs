//! Inherited file descriptors.
#![expect(unsafe_code, reason = "close_range can pull descriptors from under their owners")]

/// Closes every descriptor above standard error.
///
/// Only for the first line of a detached helper, before it has opened anything: nobody must wait
/// for end-of-file on a pipe the helper inherited by accident.
pub fn close_inherited() {
    // SAFETY: called before anything in this process owns a descriptor above 2; the caller's
    // contract above. A kernel without close_range answers ENOSYS and nothing happens.
    unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32) };
}
