//! Classic messages one after another in a stream of bytes: the FIFO (client-api.md) and serial lines
//! (wire-protocol.md 10.6). Finds where each begins and ends; reads nothing.

/// Collects bytes until a message is complete: from a line that begins with `>>>` to one that begins
/// with `<<<`. What lies outside is skipped without a word, and so is a message that grows too big.
#[derive(Clone, Debug)]
pub struct Stream {
    limit: usize,
    line: Vec<u8>,
    message: Option<Vec<u8>>,
}

impl Stream {
    /// Nothing collected. A message may have `limit` bytes, markers included.
    pub fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), message: None }
    }

    /// Takes the next bytes, however they were cut, and hands out each message that they complete, with
    /// both markers: for [`super::parse`] or [`super::decode`].
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            // A line without an end is kept up to the limit: the rest of it cannot be a message.
            let room = self.limit.saturating_sub(self.line.len());
            self.line.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.line_complete(&line, &mut each);
            }
        }
    }

    fn line_complete(&mut self, line: &[u8], each: &mut impl FnMut(&[u8])) {
        if line.starts_with(b">>>") {
            self.message = Some(b">>>\n".to_vec());
            return;
        }
        let Some(message) = &mut self.message else { return };
        if line.starts_with(b"<<<") {
            message.extend_from_slice(b"<<<\n");
            each(message);
            self.message = None;
        } else if message.len() + line.len() + 4 > self.limit {
            self.message = None;
        } else {
            message.extend_from_slice(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::limits::MAX_WIRE;
    use crate::wire::{Message, parse};

    fn all(parts: &[&[u8]]) -> Vec<Message> {
        let (mut stream, mut found) = (Stream::new(MAX_WIRE), Vec::new());
        for part in parts {
            stream.feed(part, |message| found.push(parse(message).unwrap()));
        }
        found
    }

    #[test]
    fn messages_are_found_however_the_bytes_are_cut() {
        let text = b"garbage\n>>>\nt=a\n<<<\nmore\n\n>>>\nt=b\nx=\n<<<\n>>>\nt=lost\n>>>\nt=c\n<<<\n>>>\nt=";
        let wanted = [Message::of("a"), Message::of("b").with("x", ""), Message::of("c")];
        assert_eq!(all(&[text]), wanted);
        for size in 1..20 {
            assert_eq!(all(&text.chunks(size).collect::<Vec<_>>()), wanted, "{size}");
        }
    }

    #[test]
    fn what_is_collected_has_an_end() {
        let mut stream = Stream::new(MAX_WIRE);
        for _ in 0..100 {
            stream.feed(&[b'x'; 10_000], |_| panic!("no message"));
        }
        assert!(stream.line.len() <= MAX_WIRE);
        stream.feed(b"\n>>>\n", |_| panic!("no message"));
        for _ in 0..100_000 {
            stream.feed(b"name=value\n", |_| panic!("no message"));
            assert!(stream.message.as_ref().is_none_or(|m| m.len() <= MAX_WIRE));
        }
        stream.feed(b"<<<\n", |_| panic!("too big"));
        let mut found = 0;
        stream.feed(b">>>\nt=x\n<<<\n", |_| found += 1);
        assert_eq!(found, 1);
    }
}
