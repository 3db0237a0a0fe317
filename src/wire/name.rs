//! The name of a field. Nearly all are short, a message has a dozen, and every heartbeat is a message: they need no
//! memory of their own.

use std::fmt;
use std::ops::Deref;

/// What fits beside its length.
const ROOM: usize = 22;

/// Some bytes; to be used as the slice it stands for.
#[derive(Clone)]
pub struct Name(Held);

#[derive(Clone)]
enum Held {
    Short { length: u8, bytes: [u8; ROOM] },
    Long(Box<[u8]>),
}

impl From<&[u8]> for Name {
    fn from(name: &[u8]) -> Self {
        let mut bytes = [0; ROOM];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(name);
                Self(Held::Short { length, bytes })
            }
            _ => Self(Held::Long(name.into())),
        }
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Short { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Held::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Name {}

impl PartialEq<[u8]> for Name {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_bytes_however_long() {
        for length in [0, 1, ROOM - 1, ROOM, ROOM + 1, 255, 256, 300] {
            let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let name = Name::from(bytes.as_slice());
            assert_eq!(*name, *bytes);
            assert_eq!(name.clone(), name);
        }
        assert_ne!(Name::from(&b"a"[..]), Name::from(&b"a\0"[..]));
        assert_eq!(size_of::<Name>(), 24, "no more than a Vec");
    }
}
