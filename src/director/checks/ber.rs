//! The encoding of LDAP (X.690, as far as RFC 4511 uses it): a tag, a length, and so many bytes. Pure.

/// An element: its tag of one byte, its length, its content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut bytes = vec![tag];
    match significant.as_slice() {
        [] => bytes.push(0),
        [short] if *short < 0x80 => bytes.push(*short),
        long => {
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
            bytes.extend(long);
        }
    }
    bytes.extend(content);
    bytes
}

/// Tag, length of the header, length of the content. `None`: more is needed to tell. What is no length is one that
/// nobody will wait for.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let [tag, first, rest @ ..] = bytes else { return None };
    if *first < 0x80 {
        return Some((*tag, 2, usize::from(*first)));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=size_of::<u32>()).contains(&count) {
        return Some((*tag, 2, usize::MAX / 2));
    }
    let length = rest.get(..count)?.iter().fold(0, |sum: usize, byte| sum << 8 | usize::from(*byte));
    Some((*tag, 2 + count, length))
}

/// How long the first element is, with its header.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    header(bytes).map(|(_, header, content)| header.saturating_add(content))
}

/// The first element: its tag, its content, and what is behind it.
pub(super) fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, header, length) = header(bytes)?;
    let (content, rest) = bytes.get(header..)?.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_or_long() {
        assert_eq!(element(4, b"ab"), b"\x04\x02ab");
        assert_eq!(element(0x30, b""), b"\x30\0");
        assert_eq!(element(4, &[7; 0x80]).get(..3), Some(b"\x04\x81\x80".as_slice()));
        assert_eq!(element(4, &[7; 0x1234]).get(..4), Some(b"\x04\x82\x12\x34".as_slice()));
        for size in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x12345] {
            let mut whole = element(0x64, &vec![9; size]);
            assert_eq!(length(&whole), Some(whole.len()));
            whole.push(5);
            assert_eq!(take(&whole), Some((0x64, vec![9; size].as_slice(), [5].as_slice())));
        }
    }

    #[test]
    fn what_is_no_element_is_not_taken() {
        for bad in [
            b"".as_slice(),
            b"\x30",
            b"\x30\x82\x01",
            b"\x30\x02a",
            b"\x30\x80aaaaaaa",
            b"\x30\x85\0\0\0\0\x01aa",
        ] {
            assert_eq!(take(bad), None, "{bad:?}");
        }
        assert_eq!(length(b"\x30\x82\x01"), None);
        assert!(length(b"\x30\x80\0\0").is_some_and(|length| length > 1 << 30), "never waited for");
    }
}
