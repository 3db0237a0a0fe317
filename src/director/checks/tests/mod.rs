//! Checks against servers of a few lines, on addresses of this machine's own loopback.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::probe::Probe;
use super::run::run;
use super::*;
use crate::config::Source;
use crate::director::config::{self, Config, FakeMachine};

mod answers;
mod http;
mod ldap;
mod lines;
mod marks;
mod packets;
mod programs;
mod sql;
#[cfg(feature = "tls")]
mod tls;

/// What a server does with each connection.
type Manner = fn(TcpStream) -> String;

/// A server, and what it was told.
struct Server {
    port: u16,
    heard: Receiver<String>,
}

fn server(manner: Manner) -> Server {
    serve(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), manner)
}

fn serve(listener: TcpListener, manner: Manner) -> Server {
    let port = listener.local_addr().unwrap().port();
    let (tell, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if tell.send(manner(stream)).is_err() {
                return;
            }
        }
    });
    Server { port, heard }
}

/// Reads up to what ends a request.
fn until(stream: &mut impl Read, end: &str) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with(end) && stream.read(&mut byte).unwrap_or(0) > 0 {
        text.push(char::from(byte[0]));
    }
    text
}

fn answering(mut stream: TcpStream, answer: &str) -> String {
    let asked = until(&mut stream, "\r\n\r\n");
    stream.write_all(answer.as_bytes()).unwrap();
    let _ = stream.shutdown(Shutdown::Write);
    asked
}

fn config(text: &str) -> Config {
    let source = Source::new("x.cf", text.as_bytes(), 0o600);
    let checked = config::read(&source, &FakeMachine::with_hosts(&[]));
    checked.config.unwrap_or_else(|| panic!("{text}\n{:#?}", checked.diagnostics))
}

fn probe(real: &str, lines: &str) -> Probe {
    let text = format!("virtual=10.0.0.100:80\n\treal={real}\n\tchecktimeout=2\n{lines}");
    let config = config(&text);
    Probe::of(&config.virtuals[0], &config.virtuals[0].reals[0], false)
}

fn checked(probe: &Probe) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(probe))
}

fn local(port: u16, lines: &str) -> Outcome {
    checked(&probe(&format!("127.0.0.1:{port} masq"), lines))
}

/// A port where nobody listens.
fn deserted() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
