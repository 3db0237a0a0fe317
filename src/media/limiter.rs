//! How often a medium may complain that it cannot send (wire-protocol.md 10.1). Pure.
//!
//! As the reference does it (seen live): eleven failures in a row are reported in full, the eleventh
//! together with the announcement that no more will be; then silence until a send succeeds.

use super::note::Note;
use crate::level::Level;

/// The failure with which the reports end.
const LAST_REPORTED: u32 = 11;

/// Counts failures in a row, and says what of them is worth a line.
#[derive(Clone, Debug, Default)]
pub struct ErrorLimiter {
    in_a_row: u32,
}

impl ErrorLimiter {
    /// A send succeeded.
    pub fn succeeded(&mut self) {
        self.in_a_row = 0;
    }

    /// A send failed: `report` is what there is to say about it, `medium` its description
    /// (`bcast eth0`). Returns the lines to log.
    pub fn failed(&mut self, medium: &str, report: impl IntoIterator<Item = Note>) -> Vec<Note> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row > LAST_REPORTED {
            return Vec::new();
        }
        let mut notes: Vec<Note> = report.into_iter().collect();
        if self.in_a_row == LAST_REPORTED {
            notes.push(Note::new(Level::Warn, "Temporarily Suppressing write error messages"));
            notes.push(Note::new(Level::Warn, format!("Is a cable unplugged on {medium}?")));
        }
        notes
    }

    /// Failures since the last success: the caller's sign to think of reopening.
    pub fn in_a_row(&self) -> u32 {
        self.in_a_row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eleven_reports_then_silence_until_a_success() {
        let mut limiter = ErrorLimiter::default();
        let fail =
            |limiter: &mut ErrorLimiter| limiter.failed("bcast eth0", [Note::new(Level::Error, "oh")]).len();
        for round in 0..3 {
            let lines: Vec<_> = (0..14).map(|_| fail(&mut limiter)).collect();
            assert_eq!(lines, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 0, 0, 0], "round {round}");
            limiter.succeeded();
            assert_eq!(limiter.in_a_row(), 0);
        }
        let last = (0..11).map(|_| limiter.failed("bcast eth0", [])).last().unwrap();
        assert_eq!(last[1].text, "Is a cable unplugged on bcast eth0?");
    }
}
