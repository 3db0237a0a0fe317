//! The Perl program's word on the same server. Only with `SERVERS_REFERENCE=1`: it is slow, and not all its modules are
//! installed everywhere.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::check::section;
use crate::lab::wait_until;
use crate::place::{HOME, Place};

const PROGRAM: &str = "/usr/sbin/ldirectord";
/// How long it may take to judge: it has limits of its own.
const PATIENCE: Duration = Duration::from_secs(25);
/// There is no IPVS here, and nobody asks what it is told.
const IPVSADM: &str = "#!/bin/sh\necho \"$*\" >>/mnt/s/ipvsadm.told\n";

/// Prints what the reference says of a server, and whether it differs.
pub(crate) fn compare(place: &Place, at: SocketAddr, lines: &str, ours: bool) {
    if std::env::var_os("SERVERS_REFERENCE").is_none() {
        return;
    }
    let theirs = verdict(place, at, lines);
    let same = theirs.as_ref().is_ok_and(|line| line.contains(if ours { "[up]" } else { "[down]" }));
    let (told, word) = (if same { "same" } else { "DIFFERS" }, if ours { "up" } else { "down" });
    println!("reference {told}: ours {word}, theirs {theirs:?}: {}", lines.trim().replace('\n', "; "));
}

/// Its line in the monitor file.
fn verdict(place: &Place, at: SocketAddr, lines: &str) -> Result<String, String> {
    let monitor = format!("{HOME}/monitor");
    let lines = format!("{lines}\nmonitorfile={monitor}\n");
    let head = "checktimeout=3\nnegotiatetimeout=3\ncheckinterval=600\nquiescent=no\nreaddquiescent=yes\n";
    let file = place.write("reference.cf", &format!("{head}{}", section(at, &lines)));
    if !Path::new(&format!("{HOME}/ipvsadm")).exists() {
        place.write("ipvsadm", IPVSADM);
        place.script("chmod 755 ipvsadm; mount --bind ipvsadm $(readlink -f /usr/sbin/ipvsadm || readlink -f /sbin/ipvsadm)");
    }
    let _ = fs::remove_file(&monitor);
    let told = fs::File::create(format!("{HOME}/reference.told")).unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["-d", &file, "start"]).stdin(Stdio::null()).stdout(told.try_clone().unwrap()).stderr(told);
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let mut line = String::new();
    let mut ended = false;
    let judged = wait_until("a verdict", PATIENCE, || {
        ended |= child.try_wait().is_ok_and(|status| status.is_some());
        line = fs::read_to_string(&monitor).unwrap_or_default();
        if line.contains('\n') || ended { Ok(()) } else { Err("none".to_owned()) }
    });
    let _ = child.kill();
    let _ = child.wait();
    let told = fs::read_to_string(format!("{HOME}/reference.told")).unwrap_or_default();
    let last: Vec<_> = told.lines().rev().take(3).collect();
    match judged {
        Ok(()) if !line.is_empty() => Ok(line.trim().chars().take(300).collect()),
        Ok(()) => Err(format!("it ended: {last:?}")),
        Err(_) => Err(format!("no verdict: {last:?}")),
    }
}
