//! How a serial line is set (wire-protocol.md 10.6): raw, eight bits and no parity, hardware flow control.
//! These calls may wait for the hardware; they are for a thread that may.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use libc::termios2;
use nix::sys::termios::{FlushArg, tcflush, tcsendbreak};

use crate::sys::terminal;

/// Opens the device without waiting for a carrier, and without becoming its slave.
pub(super) fn open(device: &str) -> io::Result<File> {
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    File::options().read(true).write(true).custom_flags(flags).open(device)
}

/// What the line is set to now; an error where it is no line.
pub(super) fn settings(tty: &File) -> io::Result<termios2> {
    terminal::settings(tty)
}

/// Sets it, throws away what stood in it, and wakes the other side by a break.
pub(super) fn set(tty: &File, mut settings: termios2, baud: u32) -> io::Result<()> {
    make_raw(&mut settings);
    set_speed(&mut settings, baud);
    // Old output first: where the other side is not ready, setting the line would wait for it.
    tcflush(tty, FlushArg::TCIOFLUSH)?;
    terminal::set(tty, &settings)?;
    tcflush(tty, FlushArg::TCIOFLUSH)?;
    // A line that knows no break works without.
    let _ = tcsendbreak(tty, 0);
    Ok(())
}

/// Throws away what the system has not sent yet: closing would wait for it.
pub(super) fn flush_output(tty: &File) {
    // A line that is gone has nothing to flush.
    let _ = tcflush(tty, FlushArg::TCOFLUSH);
}

fn make_raw(settings: &mut termios2) {
    use libc::{BRKINT, ICRNL, IGNBRK, IGNCR, INLCR, INPCK, ISTRIP, IUCLC, IXANY, IXOFF, IXON, PARMRK};
    use libc::{CLOCAL, CREAD, CRTSCTS, CS8, CSIZE, CSTOPB, HUPCL, PARENB};
    use libc::{ECHO, ECHONL, ICANON, IEXTEN, ISIG};
    settings.c_iflag &= !(IGNBRK | IUCLC | IXANY | IXOFF | IXON | ICRNL | INLCR | PARMRK);
    settings.c_iflag |= INPCK | ISTRIP | IGNCR | BRKINT;
    settings.c_oflag &= !libc::OPOST;
    settings.c_cflag &= !(CSIZE | PARENB | CSTOPB | HUPCL);
    settings.c_cflag |= CS8 | CREAD | CLOCAL | CRTSCTS;
    settings.c_lflag &= !(ICANON | ECHO | ECHONL | ISIG | IEXTEN);
    for at in [libc::VMIN, libc::VTIME] {
        settings.c_cc.get_mut(at).into_iter().for_each(|slot| *slot = 1);
    }
}

/// Both ways: with no other code for the input its speed is that of the output. The configuration allows these
/// speeds and no others; 19200 is its default.
fn set_speed(settings: &mut termios2, baud: u32) {
    let code = match baud {
        9600 => libc::B9600,
        38400 => libc::B38400,
        57600 => libc::B57600,
        115_200 => libc::B115200,
        230_400 => libc::B230400,
        460_800 => libc::B460800,
        _ => libc::B19200,
    };
    settings.c_cflag &= !(libc::CBAUD | libc::CIBAUD);
    settings.c_cflag |= code;
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::pty::openpty;

    #[test]
    fn a_line_is_set_as_the_reference_sets_it() {
        use libc::{BRKINT, IGNCR, INPCK, ISTRIP};
        use libc::{CLOCAL, CREAD, CRTSCTS, CS8, CSIZE, CSTOPB, HUPCL, PARENB, PARODD};
        use libc::{ECHO, ICANON, IEXTEN, ISIG};
        for (baud, speed) in
            [(9600, libc::B9600), (19200, libc::B19200), (115_200, libc::B115200), (460_800, libc::B460800)]
        {
            let both = openpty(None, None).unwrap();
            let tty = File::from(both.slave);
            set(&tty, settings(&tty).unwrap(), baud).unwrap();
            let now = settings(&tty).unwrap();
            assert_eq!((now.c_ospeed, now.c_cflag & libc::CBAUD), (baud, speed));
            // as `stty -a` shows them on a line of 3.0.6
            assert_eq!(now.c_iflag, BRKINT | INPCK | ISTRIP | IGNCR);
            assert_eq!(now.c_oflag & libc::OPOST, 0);
            let control = CS8 | CREAD | CLOCAL | CRTSCTS;
            assert_eq!(now.c_cflag & (CSIZE | PARENB | PARODD | CSTOPB | HUPCL | control), control);
            assert_eq!(now.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0);
            assert_eq!([now.c_cc[libc::VMIN], now.c_cc[libc::VTIME]], [1, 1]);
        }
    }
}
