//! Which line is a directive, and where: the shape of the file, before anything is understood
//! (ldirectord.md section 4).

use crate::config::text::{At, Line, lines};

/// How many blanks a tab at the beginning of a line counts for.
const TAB: usize = 4;
/// From how many blanks on a line belongs to the virtual service above it.
const INDENT: usize = 4;

/// A directive with its value.
#[derive(Clone, Debug)]
pub(super) struct Statement<'a> {
    /// The word before `=`.
    pub(super) name: At<'a>,
    /// What stands behind `=`, without the blanks before it. `None` when there is no `=`.
    pub(super) value: Option<At<'a>>,
    /// Whether it stands in a virtual service: only there `#` begins a comment, and tabs are blanks.
    pub(super) inside: bool,
}

/// What a line is.
#[derive(Clone, Debug)]
pub(super) enum Row<'a> {
    /// A directive of the file as a whole, or one that opens a virtual service.
    Global(Statement<'a>),
    /// A directive of the virtual service above.
    Inside(Statement<'a>),
    /// Ends the virtual service and says nothing else.
    Gap,
    /// Nothing that could be a directive where it stands.
    Odd(At<'a>, Oddity),
}

/// Why a line can be no directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// It is indented, and there is no virtual service it could belong to.
    Homeless,
    /// It is indented too little.
    Shallow,
    /// It is made of five or more blanks: to the reference a directive without a name.
    Blanks,
    /// It does not begin with a word.
    Wordless,
}

/// White space, as the reference sees it.
pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c')
}

/// The file's lines without comments. `opens` says whether a directive opens a virtual service.
pub(super) fn rows<'a>(bytes: &'a [u8], opens: fn(&[u8]) -> bool) -> Vec<Row<'a>> {
    let mut inside = false;
    let mut rows = Vec::new();
    for line in lines(bytes) {
        let indent = Indent::of(line);
        if indent.first == Some(b'#') {
            continue;
        }
        let row = if inside { within(line, &indent) } else { outside(line, &indent) };
        inside = match &row {
            Row::Global(statement) => opens(statement.name.bytes()),
            Row::Inside(_) => true,
            Row::Odd(_, Oddity::Blanks | Oddity::Wordless) => inside,
            Row::Odd(..) | Row::Gap => false,
        };
        rows.push(row);
    }
    rows
}

/// How a line begins.
struct Indent {
    /// Bytes of white space.
    bytes: usize,
    /// Columns of blanks and tabs.
    columns: usize,
    /// The first byte behind.
    first: Option<u8>,
}

impl Indent {
    fn of(line: Line<'_>) -> Indent {
        let bytes = line.bytes.iter().take_while(|b| is_space(**b)).count();
        let blanks = line.bytes.iter().take_while(|b| matches!(b, b' ' | b'\t'));
        let columns = blanks.map(|b| if *b == b'\t' { TAB } else { 1 }).sum();
        Indent { bytes, columns, first: line.bytes.get(bytes).copied() }
    }
}

fn within<'a>(line: Line<'a>, indent: &Indent) -> Row<'a> {
    match indent.first {
        None if indent.columns > INDENT => Row::Odd(line.whole(), Oddity::Blanks),
        None => Row::Gap,
        Some(_) if indent.columns >= INDENT => {
            let end = line.bytes.iter().position(|b| *b == b'#').unwrap_or(line.bytes.len());
            let at = line.at(indent.bytes..end);
            statement(&at, true).map_or_else(|| Row::Odd(at, Oddity::Wordless), Row::Inside)
        }
        Some(_) if indent.columns > 0 => Row::Odd(line.at(indent.bytes..line.bytes.len()), Oddity::Shallow),
        Some(_) => outside(line, indent),
    }
}

fn outside<'a>(line: Line<'a>, indent: &Indent) -> Row<'a> {
    let at = line.at(indent.bytes..line.bytes.len());
    match indent.first {
        None => Row::Gap,
        Some(_) if indent.bytes > 0 => Row::Odd(at, Oddity::Homeless),
        Some(_) => statement(&at, false).map_or_else(|| Row::Odd(at, Oddity::Wordless), Row::Global),
    }
}

/// `name = value`. `None` when it does not begin with a word.
fn statement<'a>(at: &At<'a>, inside: bool) -> Option<Statement<'a>> {
    let (bytes, base, line) = (at.bytes(), at.range.start, at.line);
    let word = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    if word == 0 {
        return None;
    }
    let rest = bytes.get(word..).unwrap_or_default();
    let gap = rest.iter().take_while(|b| is_space(**b)).count();
    let value = (rest.get(gap) == Some(&b'=')).then(|| {
        let after = rest.get(gap + 1..).unwrap_or_default();
        let blanks = after.iter().take_while(|b| is_space(**b)).count();
        line.at(base + word + gap + 1 + blanks..at.range.end)
    });
    Some(Statement { name: line.at(base..base + word), value, inside })
}

impl<'a> Statement<'a> {
    /// The value, or an empty place at the end of the line.
    pub(super) fn value(&self) -> At<'a> {
        let end = self.name.line.bytes.len();
        self.value.clone().unwrap_or_else(|| self.name.line.at(end..end))
    }

    /// All of it, from the name on.
    pub(super) fn whole(&self) -> At<'a> {
        let end = self.value.as_ref().map_or(self.name.range.end, |value| value.range.end);
        self.name.line.at(self.name.range.start..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        let name = |s: &Statement<'_>| String::from_utf8_lossy(s.name.bytes()).into_owned();
        let told = |row: &Row<'_>| match row {
            Row::Global(s) => format!("g:{}", name(s)),
            Row::Inside(s) => format!("i:{}", name(s)),
            Row::Gap => "-".to_owned(),
            Row::Odd(_, why) => format!("{why:?}"),
        };
        let rows = rows(text.as_bytes(), |name| name.starts_with(b"virtual"));
        rows.iter().map(told).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn indentation_follows_4_2() {
        for (text, wanted) in [
            ("virtual=7\n\treal=x\n    real=x\n  \treal=x\n", "g:virtual i:real i:real i:real"),
            ("virtual=7\n\treal=x\n   fork=yes\n\treal=x\n", "g:virtual i:real Shallow Homeless"),
            ("virtual=7\n\n\treal=x\n", "g:virtual - Homeless"),
            ("virtual=7\n    \n\treal=x\n", "g:virtual - Homeless"),
            ("virtual=7\n     \n\treal=x\n", "g:virtual Blanks i:real"),
            ("virtual=7\n# c\n  # c\n\treal=x\n", "g:virtual i:real"),
            ("virtual=7\n\treal=x\nvirtual=8\n\treal=x\n", "g:virtual i:real g:virtual i:real"),
            (" fork=yes\n+\n\n     \nfork", "Homeless Wordless - - g:fork"),
        ] {
            assert_eq!(shape(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_hash_is_a_comment_inside_only() {
        let text = b"callback=a#b\nvirtual=7\n\trequest=\"a#b\" \n";
        let value = |row: &Row<'_>| match row {
            Row::Global(s) | Row::Inside(s) => s.value().text(),
            _ => String::new(),
        };
        let rows = rows(text, |name| name == b"virtual");
        assert_eq!(rows.iter().map(value).collect::<Vec<_>>(), ["a#b", "7", "\"a"]);
    }
}
