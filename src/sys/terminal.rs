//! The settings of a terminal as the kernel keeps them. The C library's calls differ between its versions in what
//! they take for a speed; the kernel's do not.
#![expect(unsafe_code, reason = "no safe wrapper for TCGETS2 and TCSETS2")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// What the terminal is set to; an error where it is no terminal.
pub fn settings(tty: &File) -> io::Result<libc::termios2> {
    let mut settings = std::mem::MaybeUninit::<libc::termios2>::zeroed();
    // SAFETY: the kernel fills exactly such a structure; all zeroes is one too.
    let settings = unsafe {
        if libc::ioctl(tty.as_raw_fd(), libc::TCGETS2, settings.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        settings.assume_init()
    };
    Ok(settings)
}

/// Sets it, at once.
pub fn set(tty: &File, settings: &libc::termios2) -> io::Result<()> {
    // SAFETY: the kernel reads exactly such a structure, which is valid for the call's time.
    match unsafe { libc::ioctl(tty.as_raw_fd(), libc::TCSETS2, std::ptr::from_ref(settings)) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
