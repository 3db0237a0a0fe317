//! Options of one letter, as getopt(3) of the GNU library reads them. Pure.

/// What stood in an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// `-m`
    Letter(u8),
    /// `-p VALUE`, of the one option that has a value.
    Value(String),
    /// No option of this sub-command, or one that lacks its value: the complaint, in bytes because an
    /// option is one.
    Wrong(Vec<u8>),
}

/// The options in their order, and the words between and after them. `known` lists the letters; a colon
/// after one says that it has a value.
pub(super) fn read(arguments: &[String], known: &str) -> (Vec<Given>, Vec<String>) {
    let (mut given, mut words) = (Vec::new(), Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_bytes() {
            b"--" => {
                words.extend(rest.by_ref().cloned());
            }
            [b'-', letters @ ..] if !letters.is_empty() => {
                cluster(letters, known.as_bytes(), &mut rest, &mut given)
            }
            _ => words.push(argument.clone()),
        }
    }
    (given, words)
}

/// `-mv`, `-mpVALUE`
fn cluster<'a>(
    mut letters: &[u8],
    known: &[u8],
    rest: &mut impl Iterator<Item = &'a String>,
    given: &mut Vec<Given>,
) {
    while let Some((&letter, others)) = letters.split_first() {
        letters = others;
        let place = known.iter().position(|k| *k == letter && letter != b':');
        match place.map(|at| known.get(at + 1) == Some(&b':')) {
            Some(false) => given.push(Given::Letter(letter)),
            Some(true) => {
                let value = match std::mem::take(&mut letters) {
                    [] => rest.next().cloned(),
                    inline => Some(String::from_utf8_lossy(inline).into_owned()),
                };
                given.push(value.map_or_else(
                    || Given::Wrong(complaint("option requires an argument", letter)),
                    Given::Value,
                ));
            }
            None => given.push(Given::Wrong(complaint("invalid option", letter))),
        }
    }
}

fn complaint(what: &str, letter: u8) -> Vec<u8> {
    [what.as_bytes(), b" -- '", &[letter], b"'"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str, known: &str) -> (Vec<Given>, Vec<String>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&words, known)
    }

    fn wrong(text: &str) -> Given {
        Given::Wrong(text.as_bytes().to_vec())
    }

    #[test]
    fn options_stand_anywhere_and_together() {
        let (given, words) = read_line("b1 -mv eth0 -m - -- -x --", "mv");
        assert_eq!(given, [Given::Letter(b'm'), Given::Letter(b'v'), Given::Letter(b'm')]);
        assert_eq!(words, ["b1", "eth0", "-", "-x", "--"]);
    }

    #[test]
    fn a_value_stands_in_the_same_argument_or_in_the_next() {
        for line in ["-mp keepalive", "-mpkeepalive", "-m -p keepalive"] {
            let wanted = vec![Given::Letter(b'm'), Given::Value("keepalive".into())];
            assert_eq!(read_line(line, "mp:"), (wanted, vec![]), "{line}");
        }
        assert_eq!(read_line("-p -m", "mp:").0, [Given::Value("-m".into())]);
        assert_eq!(read_line("-p --", "mp:").0, [Given::Value("--".into())]);
        assert_eq!(read_line("-p", "mp:").0, [wrong("option requires an argument -- 'p'")]);
    }

    #[test]
    fn what_is_unknown_is_named_by_its_byte() {
        assert_eq!(read_line("-xm", "m").0, [wrong("invalid option -- 'x'"), Given::Letter(b'm')]);
        assert_eq!(read_line("--", "m").0, []);
        assert_eq!(read_line("--m", "m").0, [wrong("invalid option -- '-'"), Given::Letter(b'm')]);
        assert_eq!(read_line("-:", "mp:").0, [wrong("invalid option -- ':'")]);
        let bytes = |b: u8| Given::Wrong([&b"invalid option -- '"[..], &[b], b"'"].concat());
        assert_eq!(read_line("-é", "m").0, [bytes(0xc3), bytes(0xa9)]);
    }
}
