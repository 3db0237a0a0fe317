//! How messages travel on the register socket (client-api.md section 2): a header of eight bytes, the body in
//! either text form of `wire`, a NUL. Bytes in, messages out, and back; for the daemon and for its clients.
//! Sockets are elsewhere.

use crate::wire::limits::MAX_WIRE;
use crate::wire::{EncodeError, Message, WireError, encode_local, encode_local_netstring, parse};
use std::fmt;

/// Length and magic, each a word in the byte order of this machine.
pub const HEADER: usize = 8;
/// The second word of every header.
pub const MAGIC: u32 = 0xabcd;
/// The largest body, its NUL included.
pub const MAX_BODY: usize = MAX_WIRE;

/// Why what came in is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The header is none: where the next one begins cannot be known. Close the connection.
    Lost {
        /// Its first word.
        length: u32,
        /// Its second word.
        magic: u32,
    },
    /// The body cannot be read; what follows it can.
    Body(WireError),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { length, magic } => write!(f, "bad header: length {length}, magic {magic:#x}"),
            Self::Body(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FrameError {}

/// A message with its header, ready to be written: in classic form, or as netstrings where a field has no
/// classic form.
pub fn frame(message: &Message) -> Result<Vec<u8>, EncodeError> {
    let body = match encode_local(message) {
        Err(EncodeError::NotClassic(_)) => encode_local_netstring(message)?,
        other => other?,
    };
    let length = body.len() + 1;
    let header = u32::try_from(length).ok().filter(|_| length <= MAX_BODY);
    let header = header.ok_or(EncodeError::TooBig(length))?;
    let mut out = Vec::with_capacity(HEADER + length);
    out.extend_from_slice(&header.to_ne_bytes());
    out.extend_from_slice(&MAGIC.to_ne_bytes());
    out.extend_from_slice(&body);
    out.push(0);
    Ok(out)
}

/// Collects bytes, however they were cut, until a message is complete.
///
/// It holds one message and what was fed with it: who feeds it only while it is not [`Reader::ready`], and
/// takes what is complete before that, keeps it bounded.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
}

impl Reader {
    /// Nothing collected.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether [`Reader::take`] has something to tell: a whole message, or that there will be none.
    pub fn ready(&self) -> bool {
        match self.length() {
            Ok(Some(length)) => self.bytes.len() >= HEADER + length,
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Bytes that wait for the rest of their message, or to be taken.
    pub fn held(&self) -> usize {
        self.bytes.len()
    }

    /// The next message, if it is complete. After [`FrameError::Lost`] nothing more comes of it.
    pub fn take(&mut self) -> Result<Option<Message>, FrameError> {
        let Some(length) = self.length()? else { return Ok(None) };
        let Some(body) = self.bytes.get(HEADER..HEADER + length) else { return Ok(None) };
        let message = parse(body).map_err(FrameError::Body);
        self.bytes.drain(..HEADER + length);
        if self.bytes.is_empty() {
            // One big message must not cost its memory for ever.
            self.bytes.shrink_to(HEADER);
        }
        message.map(Some)
    }

    /// The length of the body that comes next, once its header is there.
    fn length(&self) -> Result<Option<usize>, FrameError> {
        let word = |at: usize| {
            let bytes = self.bytes.get(at..at + 4)?;
            Some(u32::from_ne_bytes(bytes.try_into().ok()?))
        };
        let (Some(length), Some(magic)) = (word(0), word(4)) else { return Ok(None) };
        let fits = usize::try_from(length).ok().filter(|n| *n <= MAX_BODY);
        match fits.filter(|_| magic == MAGIC) {
            Some(length) => Ok(Some(length)),
            None => Err(FrameError::Lost { length, magic }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Value;
    use proptest::prelude::*;

    fn all(reader: &mut Reader) -> Vec<Result<Message, FrameError>> {
        let mut found = Vec::new();
        while reader.ready() {
            let taken = reader.take().transpose().unwrap();
            let lost = matches!(taken, Err(FrameError::Lost { .. }));
            found.push(taken);
            if lost {
                break;
            }
        }
        found
    }

    /// Recorded from cl_status 3.0.6 (client-api.md section 2).
    const RECORDED: &[u8] = b"\x50\0\0\0\xcd\xab\0\0>>>\nt=hbapi-req\nreqtype=nodestatus\ndest=b1\npid=13686\nfrom_id=13686\nnode=b2\n<<<\n\0";

    #[cfg(target_endian = "little")]
    #[test]
    fn what_cl_status_sends_is_read_and_written_alike() {
        let mut reader = Reader::new();
        reader.feed(RECORDED);
        let message = reader.take().unwrap().unwrap();
        assert_eq!(message.text("reqtype"), Some("nodestatus"));
        assert_eq!(frame(&message).unwrap(), RECORDED);
        assert_eq!(reader.held(), 0);
    }

    #[test]
    fn a_bad_header_is_known_from_its_eight_bytes_and_a_bad_body_costs_only_itself() {
        for (length, magic) in [(10_u32, 0xabce), (262_145, MAGIC), (u32::MAX, MAGIC), (10, 0)] {
            let mut reader = Reader::new();
            reader.feed(&length.to_ne_bytes());
            assert!(!reader.ready());
            reader.feed(&magic.to_ne_bytes());
            assert_eq!(all(&mut reader), [Err(FrameError::Lost { length, magic })]);
        }
        let good = Message::of("x");
        let mut bytes = Vec::new();
        for body in [&b""[..], b"garbage\0", b">>>\nno equals\n<<<\n\0", b"\0", b"###\n9:(0)t=x,%%%\n\0"] {
            bytes.extend(u32::try_from(body.len()).unwrap().to_ne_bytes());
            bytes.extend(MAGIC.to_ne_bytes());
            bytes.extend(body);
        }
        bytes.extend(frame(&good).unwrap());
        let mut reader = Reader::new();
        reader.feed(&bytes);
        let found = all(&mut reader);
        assert!(found[..5].iter().all(|one| matches!(one, Err(FrameError::Body(_)))), "{found:?}");
        assert_eq!(found[5..], [Ok(good)]);
    }

    #[test]
    fn the_largest_body_passes_and_one_byte_more_does_not() {
        let of_length = |n: usize| Message::new().with("t", &"x".repeat(n - b">>>\nt=\n<<<\n\0".len()));
        let largest = of_length(MAX_BODY);
        let mut reader = Reader::new();
        reader.feed(&frame(&largest).unwrap());
        assert_eq!(reader.take(), Ok(Some(largest)));
        assert!(matches!(frame(&of_length(MAX_BODY + 1)), Err(EncodeError::TooBig(_))));
    }

    #[test]
    fn what_has_no_classic_form_goes_as_netstrings() {
        let mut message = Message::of("x");
        message.push("payload", Value::Uncompressed(Message::of("inner")));
        let bytes = frame(&message).unwrap();
        assert_eq!(&bytes[HEADER..HEADER + 4], b"###\n");
    }

    proptest! {
        #[test]
        fn messages_are_found_however_they_are_cut(
            texts in prop::collection::vec("[a-z \n]{0,40}", 1..6),
            cuts in prop::collection::vec(1..60_usize, 1..40),
        ) {
            let wanted: Vec<_> = texts.iter().map(|text| Message::of("x").with("text", text)).collect();
            let stream: Vec<u8> = wanted.iter().flat_map(|m| frame(m).unwrap()).collect();
            let (mut reader, mut found, mut rest) = (Reader::new(), Vec::new(), stream.as_slice());
            for cut in cuts.into_iter().cycle() {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                reader.feed(now);
                found.extend(all(&mut reader).into_iter().map(Result::unwrap));
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, wanted);
            prop_assert_eq!(reader.held(), 0);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut reader = Reader::new();
            reader.feed(&bytes);
            all(&mut reader);
        }
    }
}
