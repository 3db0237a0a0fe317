//! Messages from scripts: `/var/lib/heartbeat/fifo` (client-api.md section 8).

use crate::engine::Input;
use crate::level::Level;
use crate::logging::Logger;
use crate::paths::FIFO;
use crate::wire;
use nix::sys::stat::Mode;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileTypeExt;
use std::thread;
use tokio::sync::mpsc;

/// A message may be this long; what is longer is no message of a script.
const LONGEST: usize = 64 * 1024;

/// Opens the FIFO, making it if there is none, and reads it on a thread of its own for ever.
pub(super) fn start(log: &Logger, inputs: &mpsc::Sender<Input>) -> io::Result<()> {
    make(log)?;
    // Open for writing too: a FIFO with no writer left would report its end again and again.
    let file = fs::OpenOptions::new().read(true).write(true).open(FIFO)?;
    let (log, inputs) = (log.clone(), inputs.clone());
    thread::Builder::new().name("fifo".to_owned()).spawn(move || read(file, &log, &inputs))?;
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

fn read(file: File, log: &Logger, inputs: &mpsc::Sender<Input>) {
    let mut cutter = Cutter::default();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST as u64).read_until(b'\n', &mut line) {
            Ok(0) => continue,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return log.log(Level::Error, &format!("cannot read {FIFO}: {error}")),
        }
        let Some(text) = cutter.line(&line) else { continue };
        match wire::parse(&text) {
            Ok(message) if message.kind().is_some() => {
                if inputs.blocking_send(Input::Local(message)).is_err() {
                    return;
                }
            }
            Ok(_) => log.log(Level::Error, "Invalid message in send_cluster_msg: no type (t=) in it"),
            Err(error) => error.log_lines().iter().for_each(|(level, text)| log.log(*level, text)),
        }
    }
}

/// Cuts messages out of lines; what stands between them is skipped.
#[derive(Default)]
struct Cutter {
    text: Vec<u8>,
}

impl Cutter {
    /// Takes a line with its newline; gives the message that it completes.
    fn line(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        if line.starts_with(b">>>") {
            self.text.clear();
            self.text.extend_from_slice(b">>>\n");
            return None;
        }
        if self.text.is_empty() {
            return None;
        }
        if line.starts_with(b"<<<") {
            self.text.extend_from_slice(b"<<<\n");
            return Some(std::mem::take(&mut self.text));
        }
        if self.text.len() + line.len() > LONGEST {
            self.text.clear();
            return None;
        }
        self.text.extend_from_slice(line);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_out_of_the_stream() {
        let mut cutter = Cutter::default();
        let stream = "garbage\n>>>\nt=a\n<<<\nnoise\n>>>\nlost\n>>>\nt=b\nx=y\n<<<\n";
        let cut: Vec<Vec<u8>> =
            stream.split_inclusive('\n').filter_map(|line| cutter.line(line.as_bytes())).collect();
        assert_eq!(cut, [b">>>\nt=a\n<<<\n".to_vec(), b">>>\nt=b\nx=y\n<<<\n".to_vec()]);
    }
}
