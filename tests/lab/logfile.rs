//! Reading heartbeat's log: what came after a mark, and the lines that speak of trouble.

/// The text after byte `mark`.
pub(crate) fn after(log: &str, mark: usize) -> &str {
    log.get(mark..).unwrap_or_default()
}

/// Errors that the reference logs now and then, by chance; so they are in no transcript for certain.
const BY_CHANCE: [&str; 1] = ["HBDoMsg_T_ACK: corrupted ackseq"];

/// The messages of level ERROR or CRIT in a piece of log, without time and pid, each once, sorted.
pub(crate) fn errors(log: &str) -> Vec<String> {
    let mut found: Vec<String> = log
        .lines()
        .filter_map(|line| {
            ["ERROR: ", "CRIT: "].iter().find_map(|level| line.find(level)).and_then(|at| line.get(at..))
        })
        .filter(|line| !BY_CHANCE.iter().any(|chance| line.contains(chance)))
        .map(without_numbers)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// A real daemon now and then loses a message that a script or tool wrote to its FIFO, and says so. What it was
/// told to do then never happens: it holds what it does not know of, or waits for ever. Such a run shows
/// nothing and is repeated.
const FIFO_FAULTS: [&str; 2] = ["msg2string: Message with zero fields", "NV failure (msgfromsteam)"];

/// Whether that came over a real daemon.
pub(crate) fn fifo_fault(log: &str) -> bool {
    FIFO_FAULTS.iter().any(|fault| log.contains(fault))
}

/// Whether a real daemon that is to begin anew after a partition waits for the end of something that has ended: where cut
/// follows on cut it may do so for ever, and claims groups that it does not have.
pub(crate) fn restart_hangs(log: &str) -> bool {
    let delayed = log.rsplit_once("Shutdown delayed until current resource activity finishes");
    delayed.is_some_and(|(_, rest)| !rest.contains("Heartbeat shutdown in progress"))
}

/// Lines that may come at any time and mean nothing for what happens: the load of this machine.
const NOISE: [&str; 4] = ["Late heartbeat", "lost packet(s)", "No pkts missing", "G_SIG_dispatch"];

/// How many lines there are that mean something.
pub(crate) fn weight(log: &str) -> usize {
    log.lines().filter(|line| !NOISE.iter().any(|noise| line.contains(noise))).count()
}

/// Process ids and milliseconds differ in every run: each number of three digits or more is `N`,
/// unless it is part of an address.
pub(crate) fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(Some('\n')) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let in_address = out.ends_with('.') || c == '.';
        out.push_str(if digits.len() > 2 && !in_address { "N" } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.pop();
    out
}
