//! Oracle, asked by its own tool: `sqlplus` is told on its standard input what to do, so that no password stands in the
//! list of processes. Pure.
//!
//! Rows are counted by the last line, `5 rows selected.`; changes by `5 rows updated.` and the like.

use super::Outcome;
use crate::director::config::bracketed;
use std::net::SocketAddr;

/// The tool.
pub(super) const TOOL: &str = "sqlplus";
/// How it is to be called: no banner, no second try, no login by arguments.
pub(super) const ARGUMENTS: [&str; 3] = ["-S", "-L", "/nolog"];
/// Its language, whatever the daemon's is.
pub(super) const LANGUAGE: (&str, &str) = ("NLS_LANG", "AMERICAN_AMERICA.AL32UTF8");

pub use super::query::Query;

impl Query {
    /// What `sqlplus` is told.
    pub fn script(&self, at: SocketAddr) -> String {
        let Query { login, passwd, database, text } = self;
        let (host, port) = (bracketed(at.ip()), at.port());
        let place = format!(
            "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST={host})(PORT={port}))(CONNECT_DATA=(SID={database})))"
        );
        // A name in quotes would be another name; a password may contain what ends a word.
        let lines = [
            "whenever oserror exit failure".to_owned(),
            "whenever sqlerror exit failure".to_owned(),
            "set define off".to_owned(),
            "set feedback 1".to_owned(),
            format!("connect {login}/\"{}\"@{place}", passwd.expose()),
            text.trim_end_matches([';', ' ']).to_owned(),
            "/".to_owned(),
            "exit".to_owned(),
        ];
        lines.join("\n") + "\n"
    }

    /// What its answer means.
    pub fn judge(&self, well: bool, told: &[u8]) -> Outcome {
        let told = String::from_utf8_lossy(told).into_owned();
        let last = told.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let error =
            told.lines().find(|line| ["ORA-", "SP2-", "TNS-"].iter().any(|head| line.starts_with(head)));
        if let Some(error) = error.filter(|_| !well || !is_count(last)) {
            return Outcome::down(error);
        }
        if well && is_count(last) { Outcome::up("-") } else { Outcome::down(last) }
    }
}

/// `1 row selected.`, but not `0 rows updated.`
fn is_count(line: &str) -> bool {
    let mut words = line.split(' ');
    let many = words.next().and_then(|word| word.parse::<u64>().ok()).is_some_and(|count| count > 0);
    many && words.next().is_some_and(|word| ["row", "rows"].contains(&word)) && line.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        let passwd = crate::director::config::Secret::new("p q".to_owned());
        Query { login: "scott".to_owned(), passwd, database: "XE".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_tool_is_told_everything_on_its_input() {
        let script = query("select 1 from dual;").script(([10, 0, 0, 1], 1521).into());
        let place = "(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=10.0.0.1)(PORT=1521))(CONNECT_DATA=(SID=XE)))";
        assert!(
            script.contains(&format!("\nconnect scott/\"p q\"@{place}\nselect 1 from dual\n/\nexit\n")),
            "{script}"
        );
    }

    #[test]
    fn the_last_line_counts() {
        let judge = |well, told: &str| query("x").judge(well, told.as_bytes());
        assert_eq!(judge(true, "\n\t 1\n----\n\t 1\n\n1 row selected.\n\n"), Outcome::up("-"));
        assert_eq!(judge(true, "5 rows updated.\n"), Outcome::up("-"));
        assert_eq!(judge(true, "ORA-1 in a row\n\n12 rows selected.\n"), Outcome::up("-"));
        assert_eq!(judge(false, "12 rows selected.\n"), Outcome::down("12 rows selected."));
        for none in ["no rows selected", "0 rows updated.", "0 rows deleted.", "Table created.", ""] {
            assert_eq!(judge(true, &format!("{none}\n\n")), Outcome::down(none));
        }
        let refused =
            "ERROR:\nORA-01017: invalid username/password; logon denied\n\nSP2-0640: Not connected\n";
        let wanted = Outcome::down("ORA-01017: invalid username/password; logon denied");
        assert_eq!((judge(true, refused), judge(false, refused)), (wanted.clone(), wanted));
    }
}
