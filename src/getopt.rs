//! Options of one letter, as getopt(3) of the GNU library reads them. Pure.
//!
//! They are read as they are asked for: who stops at `-h` never hears of what is wrong behind it.

/// What stood in the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// `-m`
    Letter(u8),
    /// `-p VALUE`
    Value(u8, &'a [u8]),
    /// A word that is no option.
    Word(&'a [u8]),
    /// No option of this program, or one that lacks its value: the complaint, in bytes because an option is one.
    Wrong(Vec<u8>),
}

/// A command line that is being read.
#[derive(Debug)]
pub struct Getopt<'a, W> {
    known: &'a str,
    words: std::slice::Iter<'a, W>,
    /// What is left of a word of joined options.
    letters: &'a [u8],
    /// `--` was there.
    over: bool,
}

impl<'a, W: AsRef<[u8]>> Getopt<'a, W> {
    /// The words behind the program's own name. `known` lists the letters; a colon after one says that it has a value.
    pub fn new(words: &'a [W], known: &'a str) -> Self {
        Self { known, words: words.iter(), letters: &[], over: false }
    }

    /// The words that were not read.
    pub fn rest(self) -> impl Iterator<Item = &'a W> {
        self.words
    }

    /// `-m`, or `-p` with what stands behind it in the same word or in the next.
    fn option(&mut self, letter: u8) -> Given<'a> {
        let known = self.known.as_bytes();
        let place = known.iter().position(|k| *k == letter && letter != b':');
        match place.map(|at| known.get(at + 1) == Some(&b':')) {
            None => Given::Wrong(complaint("invalid option", letter)),
            Some(false) => Given::Letter(letter),
            Some(true) if self.letters.is_empty() => match self.words.next() {
                Some(word) => Given::Value(letter, word.as_ref()),
                None => Given::Wrong(complaint("option requires an argument", letter)),
            },
            Some(true) => Given::Value(letter, std::mem::take(&mut self.letters)),
        }
    }
}

impl<'a, W: AsRef<[u8]>> Iterator for Getopt<'a, W> {
    type Item = Given<'a>;

    fn next(&mut self) -> Option<Given<'a>> {
        loop {
            if let Some((&letter, others)) = self.letters.split_first() {
                self.letters = others;
                return Some(self.option(letter));
            }
            match self.words.next()?.as_ref() {
                b"--" if !self.over => self.over = true,
                [b'-', letters @ ..] if !letters.is_empty() && !self.over => self.letters = letters,
                word => return Some(Given::Word(word)),
            }
        }
    }
}

fn complaint(what: &str, letter: u8) -> Vec<u8> {
    [what.as_bytes(), b" -- '", &[letter], b"'"].concat()
}

/// A complaint as getopt prints it.
pub fn line(program: &[u8], complaint: &[u8]) -> Vec<u8> {
    [program, b": ", complaint, b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a shell would write it: letters, values and words bare, what is wrong behind a question mark.
    fn read(words: &str, known: &str) -> Vec<String> {
        let words: Vec<&str> = words.split_whitespace().collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let spell = |given| match given {
            Given::Letter(letter) => format!("-{}", char::from(letter)),
            Given::Value(letter, value) => format!("-{}={}", char::from(letter), text(value)),
            Given::Word(word) => text(word),
            Given::Wrong(complaint) => format!("?{}", text(&complaint)),
        };
        Getopt::new(&words, known).map(spell).collect()
    }

    #[test]
    fn options_stand_anywhere_and_together() {
        let given = read("b1 -mv eth0 -m - -- -x --", "mv");
        assert_eq!(given, ["b1", "-m", "-v", "eth0", "-m", "-", "-x", "--"]);
    }

    #[test]
    fn a_value_stands_in_the_same_word_or_in_the_next() {
        for words in ["-mp keepalive", "-mpkeepalive", "-m -p keepalive"] {
            assert_eq!(read(words, "mp:"), ["-m", "-p=keepalive"], "{words}");
        }
        assert_eq!(read("-p -m", "mp:"), ["-p=-m"]);
        assert_eq!(read("-p -- x", "mp:"), ["-p=--", "x"]);
        assert_eq!(read("-p", "mp:"), ["?option requires an argument -- 'p'"]);
    }

    #[test]
    fn what_is_unknown_is_named_by_its_byte() {
        assert_eq!(read("-xm", "m"), ["?invalid option -- 'x'", "-m"]);
        assert!(read("--", "m").is_empty());
        assert_eq!(read("--m", "m"), ["?invalid option -- '-'", "-m"]);
        assert_eq!(read("-:", "mp:"), ["?invalid option -- ':'"]);
        let bytes = |b: u8| Given::Wrong([&b"invalid option -- '"[..], &[b], b"'"].concat());
        assert_eq!(Getopt::new(&["-é"], "m").collect::<Vec<_>>(), [bytes(0xc3), bytes(0xa9)]);
        assert_eq!(line(b"./x", b"invalid option -- 'x'"), b"./x: invalid option -- 'x'\n");
    }

    #[test]
    fn what_was_not_read_is_left() {
        let words = ["-m", "prog", "-m", "--"];
        let mut options = Getopt::new(&words, "m");
        assert_eq!(options.by_ref().nth(1), Some(Given::Word(b"prog")));
        assert_eq!(options.rest().collect::<Vec<_>>(), [&"-m", &"--"]);
    }
}
