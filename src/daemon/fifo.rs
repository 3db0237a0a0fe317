//! Messages from scripts: `/var/lib/heartbeat/fifo` (client-api.md section 8).

use crate::engine::Input;
use crate::level::Level;
use crate::logging::Logger;
use crate::paths::FIFO;
use crate::sys::realtime;
use crate::wire::{self, Stream};
use nix::sys::stat::Mode;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::thread;
use tokio::sync::mpsc;

/// A message may be this long; what is longer is no message of a script.
const LONGEST: usize = 64 * 1024;

/// Opens the FIFO, making it if there is none, and reads it on a thread of its own for ever.
pub(super) fn start(log: &Logger, inputs: &mpsc::Sender<Input>, preferred: bool) -> io::Result<()> {
    make(log)?;
    // Open for writing too: a FIFO with no writer left would report its end again and again.
    let file = fs::OpenOptions::new().read(true).write(true).open(FIFO)?;
    let (log, inputs) = (log.clone(), inputs.clone());
    let run = move || {
        if preferred {
            realtime::prefer();
        }
        read(file, &log, &inputs);
    };
    thread::Builder::new().name("fifo".to_owned()).spawn(run)?;
    Ok(())
}

fn make(log: &Logger) -> io::Result<()> {
    match fs::metadata(FIFO) {
        Ok(metadata) if metadata.file_type().is_fifo() => Ok(()),
        Ok(_) => Err(io::Error::other(format!("{FIFO} is there and is no FIFO"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            log.log(Level::Info, &format!("Creating FIFO {FIFO}."));
            Ok(nix::unistd::mkfifo(FIFO, Mode::S_IRUSR | Mode::S_IWUSR)?)
        }
        Err(error) => Err(error),
    }
}

fn read(mut file: File, log: &Logger, inputs: &mpsc::Sender<Input>) {
    let mut stream = Stream::new(LONGEST);
    let mut bytes = [0; 4096];
    loop {
        let count = match file.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return log.log(Level::Error, &format!("cannot read {FIFO}: {error}")),
        };
        stream.feed(bytes.get(..count).unwrap_or_default(), |text| hand_in(text, log, inputs));
    }
}

fn hand_in(text: &[u8], log: &Logger, inputs: &mpsc::Sender<Input>) {
    match wire::parse(text) {
        Ok(message) if message.kind().is_some() => {
            // The pulse ends with the process, and this thread with both.
            let _ = inputs.blocking_send(Input::Local(message));
        }
        Ok(_) => log.log(Level::Error, "Invalid message in send_cluster_msg: no type (t=) in it"),
        Err(error) => error.log_lines().iter().for_each(|(level, text)| log.log(*level, text)),
    }
}
