//! The resource: an init script as any service has one, and the service, which serves one page.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use crate::lab::{Failure, Node};

/// `DEMO` stands for this program.
const SCRIPT: &str = r#"#!/bin/sh
# webpage {start|stop|status}
pidfile=/run/webpage.pid
running() { [ -s $pidfile ] && kill -0 "$(cat $pidfile)" 2>/dev/null; }
case $1 in
start)
    running && exit 0
    setsid 'DEMO' serve "$(uname -n)" </dev/null >/dev/null 2>&1 &
    echo $! >$pidfile ;;
stop)
    if running; then kill "$(cat $pidfile)"; fi
    rm -f $pidfile ;;
status)
    if running; then echo running; else echo stopped; exit 3; fi ;;
*) exit 2 ;;
esac
"#;

/// Put the script where heartbeat looks for services.
pub(crate) fn install(node: &Node) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    node.write("/etc/init.d/webpage", &SCRIPT.replace("DEMO", &program.to_string_lossy()), 0o755)
}

/// The service.
pub(crate) fn serve_for_ever(name: &str) -> Result<(), Failure> {
    let listener = TcpListener::bind("0.0.0.0:80")?;
    let page = format!("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nserved by {name}\n");
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_read_timeout(Some(Duration::from_millis(100)))?;
        // a client that hangs up is no reason to stop serving
        let _ = stream.read(&mut [0; 512]).and_then(|_| stream.write_all(page.as_bytes()));
    }
    Ok(())
}
