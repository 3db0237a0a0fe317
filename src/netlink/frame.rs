//! Messages of a datagram, and attributes of a message. Pure. What is too short to be understood ends them.
//!
//! The crate for this lends values no longer than the iterator lives, and puts an error into words for each byte
//! too few; here these are two short loops.

/// A list was torn: the table changed while it was being listed.
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// What is not a flag in the kind of an attribute.
const KIND: u16 = 0x3FFF;

/// One message of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What kind of message: of a family, an error, the end of a list.
    pub kind: u16,
    flags: u16,
    /// The number of the request it answers.
    pub sequence: u32,
    /// What stands behind the header.
    pub body: &'a [u8],
}

impl Frame<'_> {
    /// Whether the table changed while it was being listed.
    pub fn is_torn(&self) -> bool {
        self.flags & NLM_F_DUMP_INTR != 0
    }

    /// The kernel's final word if this is it: 0, or a negative errno.
    pub fn verdict(&self) -> Option<i32> {
        match self.kind {
            NLMSG_ERROR | NLMSG_DONE => Some(u32_at(self.body, 0).map_or(0, u32::cast_signed)),
            _ => None,
        }
    }
}

/// The messages of a datagram.
pub fn frames(mut datagram: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(datagram, 0)?).ok()?;
        let frame = Frame {
            kind: u16_at(datagram, 4)?,
            flags: u16_at(datagram, 6)?,
            sequence: u32_at(datagram, 8)?,
            body: datagram.get(16..length)?,
        };
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(frame)
    })
}

/// The attributes in some bytes: kind and value.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & KIND;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// Writes the sequence number into a finished request.
pub fn number(request: &mut [u8], sequence: u32) {
    if let Some(slot) = request.get_mut(8..12) {
        slot.copy_from_slice(&sequence.to_ne_bytes());
    }
}

/// In the machine's order.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_ne_bytes(*b))
}

/// In the machine's order.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_ne_bytes(*b))
}

/// Up to the zero.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + body.len()).unwrap();
        let mut bytes =
            [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 8]].concat();
        bytes.extend(body);
        bytes
    }

    #[test]
    fn frames_follow_each_other_at_multiples_of_four() {
        let mut datagram = message(20, NLM_F_DUMP_INTR, b"odd");
        number(&mut datagram, 7);
        datagram.push(0);
        datagram.extend(message(NLMSG_ERROR, 0, &(-17_i32).to_ne_bytes()));
        let found: Vec<Frame<'_>> = frames(&datagram).collect();
        let [first, second] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.kind, first.sequence, first.body, first.verdict()), (20, 7, &b"odd"[..], None));
        assert!(first.is_torn() && !second.is_torn());
        assert_eq!((second.sequence, second.verdict()), (0, Some(-17)));
        let done = message(NLMSG_DONE, 0, b"");
        assert_eq!(frames(&done).next().and_then(|f| f.verdict()), Some(0));
    }

    #[test]
    fn attributes_are_told_apart_and_lose_their_flags() {
        let attribute = |length: u16, kind: u16, value: &[u8]| {
            [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat()
        };
        let bytes = [attribute(5, 0x8001, b"x\0\0\0"), attribute(4, 0x4002, b"")].concat();
        assert_eq!(attributes(&bytes).collect::<Vec<_>>(), [(1, &b"x"[..]), (2, &b""[..])]);
        assert_eq!(text(b"eth0\0rest"), "eth0");
    }

    #[test]
    fn rubbish_is_skipped_and_ends() {
        for length in 0..64_usize {
            let bytes = vec![0xff_u8; length];
            assert_eq!((frames(&bytes).count(), attributes(&bytes).count()), (0, 0));
        }
        let zero = [0_u8; 40];
        assert_eq!(frames(&zero).take(3).count(), 0, "a length of zero must not loop");
        assert_eq!(attributes(&zero).take(3).count(), 0, "a length of zero must not loop");
    }
}
