//! The client: asks for the page every 20 ms and says when something changed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::lab::Failure;

const EVERY: Duration = Duration::from_millis(20);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_millis(100);

/// Prints `NAME GAP` whenever the page comes from another node than before, or after a silence: GAP
/// is the time since the last answer in milliseconds. Ends when nobody reads that any more.
pub(crate) fn ask_for_ever(address: &str) -> Result<(), Failure> {
    let address: SocketAddr =
        format!("{address}:80").parse().map_err(|e| Failure::new(format!("{address}: {e}")))?;
    let (mut last, mut answered) = (String::new(), Instant::now());
    loop {
        let asked = Instant::now();
        if let Ok(name) = ask(address) {
            let gap = answered.elapsed();
            if name != last || gap > EVERY + PATIENCE {
                writeln!(std::io::stdout(), "{name} {}", gap.as_millis())?;
            }
            (last, answered) = (name, Instant::now());
        }
        std::thread::sleep(EVERY.saturating_sub(asked.elapsed()));
    }
}

fn ask(address: SocketAddr) -> Result<String, Failure> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\nserved by ") {
        Some((_, name)) => Ok(name.trim().to_owned()),
        None => Err(Failure::new("not our page")),
    }
}
