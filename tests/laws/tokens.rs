//! Just enough of a Rust lexer to read names: comments, texts and test code are left out, `use` trees are
//! spread out into full paths.

/// A word or a mark, and the line it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A path such as `std::fs::read` or `println!`, and the line it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) line: usize,
    pub(crate) path: String,
}

/// The tokens of the code that ships: no comments, no text or number literals, nothing under `#[cfg(test)]`.
pub(crate) fn shipped(source: &str) -> Vec<Token> {
    without_tests(&lex(source))
}

/// Every path named by these tokens, `use` trees spread out.
pub(crate) fn names(tokens: &[Token]) -> Vec<Name> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        // `impl X + use<'a>` is a bound, not an import.
        let imports = tokens.get(at + 1).is_some_and(|next| next.text != "<");
        if token.text == "use" && imports {
            at = use_tree(tokens, at + 1, "", &mut found);
        } else if is_word(&token.text) {
            at = plain_path(tokens, at, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Modules declared as `#[cfg(test)] mod NAME;`: their files are test code.
pub(crate) fn test_modules(source: &str) -> Vec<String> {
    let tokens = lex(source);
    (0..tokens.len())
        .filter(|&at| is_test_attribute(&tokens, at))
        .filter_map(|at| {
            let item = skip_attributes(&tokens, at);
            let of = tokens.get(item..item_end(&tokens, item))?;
            let at = of.iter().position(|t| t.text == "mod")?;
            (of.last()?.text == ";").then(|| of.get(at + 1).map(|t| t.text.clone()))?
        })
        .collect()
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `a::b::c` or `name!` from `at` on; what follows `.` is a method and names nothing outside.
fn plain_path(tokens: &[Token], at: usize, found: &mut Vec<Name>) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
    let mut path = text(at).to_owned();
    let mut next = at + 1;
    while text(next) == "::" && is_word(text(next + 1)) {
        path = path + "::" + text(next + 1);
        next += 2;
    }
    if text(next) == "!" && text(next + 1) != "=" {
        path.push('!');
    }
    let method = at > 0 && text(at - 1) == ".";
    if !method {
        found.push(Name { line: tokens.get(at).map_or(0, |t| t.line), path });
    }
    next
}

/// A `use` tree from `at` on, each leaf with its whole path; returns the place after it.
fn use_tree(tokens: &[Token], at: usize, prefix: &str, found: &mut Vec<Name>) -> usize {
    let text = |i: usize| tokens.get(i).map_or("", |t| t.text.as_str());
    let mut path = prefix.to_owned();
    let mut at = at;
    let line = tokens.get(at).map_or(0, |t| t.line);
    loop {
        match text(at) {
            "::" => {
                if !path.is_empty() {
                    path.push_str("::");
                }
                at += 1;
            }
            "{" => {
                at += 1;
                while !matches!(text(at), "}" | "") {
                    at = use_tree(tokens, at, &path, found);
                    at += usize::from(text(at) == ",");
                }
                return at + 1;
            }
            "as" => at += 2,
            "," | ";" | "}" | "" => break,
            name => {
                path.push_str(name);
                at += 1;
            }
        }
    }
    found.push(Name { line, path: path.trim_end_matches("::self").to_owned() });
    at
}

fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if is_test_attribute(tokens, at) {
            at = item_end(tokens, skip_attributes(tokens, at));
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    kept
}

fn is_test_attribute(tokens: &[Token], at: usize) -> bool {
    let want = ["#", "[", "cfg", "(", "test", ")", "]"];
    tokens.get(at..at + want.len()).is_some_and(|got| got.iter().zip(want).all(|(t, w)| t.text == w))
}

fn skip_attributes(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|t| t.text == "#") {
        let mut depth = 0;
        at += 1;
        while let Some(token) = tokens.get(at) {
            at += 1;
            depth += i32::from(token.text == "[") - i32::from(token.text == "]");
            if depth == 0 {
                break;
            }
        }
    }
    at
}

/// The place after the item that begins at `at`: after its `;` or its closing brace.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text.as_str(), "}" | ";") {
            break;
        }
    }
    at
}

/// Splits into words and marks. Comments and literals leave nothing behind but their line breaks.
fn lex(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: source.chars().collect(), at: 0, line: 1, out: Vec::new() };
    while lexer.step() {}
    lexer.out
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self) {
        self.line += usize::from(self.peek(0) == '\n');
        self.at += 1;
    }

    fn push(&mut self, text: String) {
        self.out.push(Token { line: self.line, text });
    }

    fn step(&mut self) -> bool {
        if self.at >= self.chars.len() {
            return false;
        }
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.until(|c| c == '\n'),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.text(),
            ('\'', _) => self.quote(),
            (':', ':') => {
                self.push("::".to_owned());
                self.at += 2;
            }
            (c, _) if word(c) => self.word(),
            (c, _) => {
                if !c.is_whitespace() {
                    self.push(c.to_string());
                }
                self.advance();
            }
        }
        true
    }

    fn until(&mut self, end: impl Fn(char) -> bool) {
        while self.at < self.chars.len() && !end(self.peek(0)) {
            self.advance();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            let change = match (self.peek(0), self.peek(1)) {
                ('/', '*') => 1,
                ('*', '/') => -1,
                _ => 0,
            };
            depth += change;
            self.at += usize::from(change != 0);
            self.advance();
            if depth == 0 {
                break;
            }
        }
    }

    fn text(&mut self) {
        self.advance();
        while self.at < self.chars.len() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                self.advance();
            }
            self.advance();
        }
        self.advance();
    }

    /// `'x'` is a literal, `'a` a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == '\\' {
            self.at += 3;
            self.until(|c| c == '\'');
            self.advance();
        } else if self.peek(2) == '\'' {
            self.at += 3;
        } else {
            self.advance();
            self.until(|c| !word(c));
        }
    }

    fn word(&mut self) {
        let start = self.at;
        self.until(|c| !word(c));
        let text: String = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        let hashes = (0..).take_while(|&i| self.peek(i) == '#').count();
        match text.as_str() {
            "r" | "br" | "cr" if self.peek(hashes) == '"' => self.raw_text(hashes),
            "r" if hashes == 1 => self.advance(),
            "b" | "c" if self.peek(0) == '"' => self.text(),
            "b" if self.peek(0) == '\'' => self.quote(),
            _ if is_word(&text) => self.push(text),
            _ => {}
        }
    }

    fn raw_text(&mut self, hashes: usize) {
        self.at += hashes + 1;
        while self.at < self.chars.len() {
            let closed = self.peek(0) == '"' && (1..=hashes).all(|i| self.peek(i) == '#');
            self.advance();
            if closed {
                self.at += hashes;
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        names(&shipped(source)).into_iter().map(|n| n.path).collect()
    }

    #[test]
    fn comments_texts_and_tests_name_nothing() {
        let source = r####"
            // tokio::spawn
            /* libc::x /* nested */ nix::y */
            let a = "std::fs // no comment"; let b = r#"std::env " "#; let c = b'"'; let d = '\''; let e = '"';
            #[cfg(test)]
            #[allow(dead_code)]
            mod tests { fn f() { std::fs::read("x"); } }
            #[cfg(test)] use std::fs;
            fn shipped<'a>(x: &'a str) {}
        "####;
        let found = paths(source);
        assert!(found.contains(&"shipped".to_owned()), "{found:?}");
        assert!(!found.iter().any(|p| p.contains("::")), "{found:?}");
    }

    #[test]
    fn use_trees_are_spread_out() {
        let found = paths("use std::{fs::{self, File as F}, net::*, io};\nuse ::nix::unistd;");
        let want = ["std::fs", "std::fs::File", "std::net::*", "std::io", "nix::unistd"];
        assert_eq!(found, want.map(str::to_owned));
    }

    #[test]
    fn lines_and_macros_are_kept() {
        let found = names(&shipped("fn f() {\n  if a != b { println!(\"x\") }\n}"));
        assert!(found.contains(&Name { line: 2, path: "println!".to_owned() }), "{found:?}");
        assert!(found.contains(&Name { line: 2, path: "a".to_owned() }), "{found:?}");
    }

    #[test]
    fn test_files_are_known_by_their_declaration() {
        let source = "mod real;\n#[cfg(test)]\nmod tests;\n#[cfg(test)] pub(crate) mod samples;\n#[cfg(test)] mod inline {}";
        assert_eq!(test_modules(source), ["tests", "samples"]);
    }
}
