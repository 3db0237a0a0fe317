//! Checks as the configuration describes them, and what comes of them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use heartbeat::config::Source;
use heartbeat::director::checks::Outcome;
use heartbeat::director::checks::probe::Probe;
use heartbeat::director::checks::run::run;
use heartbeat::director::config::{self, FakeMachine};

use crate::lab::wait_until;
use crate::place::SOON;

/// Time for a check that must not run into its limit, on a busy machine.
const PATIENT: Duration = Duration::from_secs(30);

/// A section of `ldirectord.cf` for one server.
pub(crate) fn section(at: SocketAddr, lines: &str) -> String {
    let (six, port) = (if at.is_ipv4() { "" } else { "6" }, at.port());
    let service = if at.is_ipv4() { "10.0.0.100" } else { "[fd00::100]" };
    let lines: String = lines.lines().map(|line| format!("\t{}\n", line.trim())).collect();
    format!("virtual{six}={service}:{port}\n\treal{six}={at} masq\n{lines}")
}

/// The check of a server.
pub(crate) fn probe(at: SocketAddr, lines: &str) -> Probe {
    let text = section(at, lines);
    let read = config::read(&Source::new("x.cf", text.as_bytes(), 0o600), &FakeMachine::with_hosts(&[]));
    let config = read.config.unwrap_or_else(|| panic!("{text}\n{:#?}", read.diagnostics));
    let virt = &config.virtuals[0];
    Probe { timeout: PATIENT, negotiate_timeout: PATIENT, ..Probe::of(virt, &virt.reals[0], false) }
}

/// The same with this much time.
pub(crate) fn within(limit: Duration, probe: &Probe) -> Probe {
    Probe { timeout: limit, negotiate_timeout: limit, ..probe.clone() }
}

/// The same check of a server elsewhere.
pub(crate) fn moved(at: SocketAddr, probe: &Probe) -> Probe {
    Probe { at, ..probe.clone() }
}

/// Whether it took too long, in the words that the reference has for it.
pub(crate) fn is_late(outcome: &Outcome) -> bool {
    !outcome.up
        && ["500 Timeout Alarm", "Connection timed out", "No answer received"]
            .contains(&outcome.text.as_str())
}

/// Where all stories run: one thread, as in the program.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// One check by itself.
pub(crate) fn checked(probe: &Probe) -> Outcome {
    runtime().block_on(run(probe))
}

/// Demands that a server is up.
pub(crate) fn must_be_up(what: &str, probe: &Probe) {
    let outcome = checked(probe);
    assert!(outcome.up, "{what}: {outcome:?}");
}

/// Demands that it is down, and that this did not take all the time there was.
pub(crate) fn must_be_down(what: &str, probe: &Probe) {
    let begin = Instant::now();
    let outcome = checked(probe);
    assert!(!outcome.up && begin.elapsed() < PATIENT, "{what}: {outcome:?}");
}

/// Demands that it is down because it was not heard of in time.
pub(crate) fn must_be_late(what: &str, probe: &Probe) {
    let limit = probe.negotiate_timeout;
    let begin = Instant::now();
    let outcome = checked(probe);
    let took = begin.elapsed();
    assert!(is_late(&outcome), "{what}: {outcome:?} after {took:?}");
    assert!(took >= limit, "{what}: given up after {took:?}");
}

/// Waits until a server that was started is up.
pub(crate) fn wait_until_up(what: &str, probe: &Probe) {
    wait_until(what, SOON, || {
        let outcome = checked(&within(Duration::from_secs(10), probe));
        if outcome.up { Ok(()) } else { Err(format!("{outcome:?}")) }
    })
    .unwrap();
}
