//! How often a medium may complain that it cannot send (wire-protocol.md 10.1). Pure.
//!
//! The first failure is told in the reference's words. The eleventh in a row brings what the reference says when it
//! stops telling; between the two it tells each, which helps nobody. That it sends again is told too.

use super::note::Note;
use crate::level::Level;

/// The failure after which somebody should look at the cable.
const SUSPICIOUS: u32 = 11;

/// Counts failures in a row, and says what of them is worth a line.
#[derive(Clone, Debug, Default)]
pub struct ErrorLimiter {
    in_a_row: u32,
}

impl ErrorLimiter {
    /// A send succeeded. Returns the line to log, if one did not before.
    pub fn succeeded(&mut self, medium: &str) -> Option<Note> {
        let failed = std::mem::take(&mut self.in_a_row);
        let text = format!("{medium}: sends again; {failed} packets could not be sent");
        (failed > 0).then(|| Note::new(Level::Info, text))
    }

    /// A send failed: `report` is what there is to say about it, `medium` its description
    /// (`bcast eth0`). Returns the lines to log.
    pub fn failed(&mut self, medium: &str, report: impl IntoIterator<Item = Note>) -> Vec<Note> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        match self.in_a_row {
            1 => report.into_iter().collect(),
            SUSPICIOUS => vec![
                Note::new(Level::Warn, "Temporarily Suppressing write error messages"),
                Note::new(Level::Warn, format!("Is a cable unplugged on {medium}?")),
            ],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_once_and_so_is_its_end() {
        let mut limiter = ErrorLimiter::default();
        assert_eq!(limiter.succeeded("bcast eth0"), None);
        let report = || [Note::new(Level::Error, "oh"), Note::new(Level::Error, "dear")];
        for round in 0..3 {
            let lines: Vec<_> = (0..14).map(|_| limiter.failed("bcast eth0", report()).len()).collect();
            assert_eq!(lines, [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0], "round {round}");
            let again = limiter.succeeded("bcast eth0").unwrap();
            assert_eq!(again.text, "bcast eth0: sends again; 14 packets could not be sent");
            assert_eq!(limiter.succeeded("bcast eth0"), None);
        }
        let last = (0..11).map(|_| limiter.failed("bcast eth0", [])).last().unwrap();
        assert_eq!(last[1].text, "Is a cable unplugged on bcast eth0?");
    }
}
