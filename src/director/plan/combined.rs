//! A combination: one negotiation, then so many times only a connection, and over again. A failure of either makes the
//! next one a negotiation (ldirectord.md section 6).

/// Where in its turn a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Connections that are left before the next negotiation.
    left: u32,
}

impl Turn {
    /// Whether a connection is enough this time.
    pub fn is_connect(self) -> bool {
        self.left > 0
    }

    /// After a check of this kind; `each`: connections after a negotiation.
    pub fn after(self, up: bool, each: u32) -> Turn {
        match (up, self.left) {
            (false, _) => Turn { left: 0 },
            (true, 0) => Turn { left: each },
            (true, left) => Turn { left: left - 1 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(each: u32, fails: &[usize]) -> String {
        let mut turn = Turn::default();
        let mut told = String::new();
        for i in 0..10 {
            told.push(if turn.is_connect() { 'c' } else { 'n' });
            turn = turn.after(!fails.contains(&i), each);
        }
        told
    }

    #[test]
    fn turns_go_as_the_reference_was_seen_to() {
        assert_eq!(kinds(3, &[]), "ncccncccnc");
        assert_eq!(kinds(0, &[]), "nnnnnnnnnn");
        assert_eq!(kinds(3, &[2, 3, 4]), "nccnnncccn");
    }
}
