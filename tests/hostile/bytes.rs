//! What a stranger without the key can put into a datagram.

/// The kinds of hostile datagrams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Chance.
    Noise,
    /// It begins as a message does, and goes on by chance.
    Disguised,
    /// Real messages with some bytes changed.
    Mutated,
    /// Real messages cut short.
    Truncated,
    /// Real messages, of this life and of earlier ones.
    Replayed,
    /// Real messages joined in the middle.
    Spliced,
    /// Lengths that lie, fields without a type, without `=`, twice; messages in messages.
    Malformed,
    /// As large as datagrams get.
    Oversize,
    /// Any of these, with a source address of a node.
    Spoofed,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Noise,
        Self::Disguised,
        Self::Mutated,
        Self::Truncated,
        Self::Replayed,
        Self::Spliced,
        Self::Malformed,
        Self::Oversize,
        Self::Spoofed,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| format!("{kind:?}") == name)
    }

    /// How many of them, where of a small one there are `many`.
    pub(crate) fn share(self, many: usize) -> usize {
        if self == Self::Oversize { many / 20 } else { many }
    }
}

/// One datagram.
pub(crate) fn datagram(kind: Kind, tape: &[Vec<u8>], chance: &mut fastrand::Rng) -> Vec<u8> {
    let real =
        |chance: &mut fastrand::Rng| tape.get(chance.usize(..tape.len().max(1))).cloned().unwrap_or_default();
    match kind {
        Kind::Replayed => real(chance),
        Kind::Mutated => mutated(real(chance), chance),
        Kind::Truncated => {
            let mut bytes = real(chance);
            bytes.truncate(chance.usize(..=bytes.len()));
            bytes
        }
        Kind::Spliced => {
            let (head, tail) = (real(chance), real(chance));
            let (at, from) = (chance.usize(..=head.len()), chance.usize(..=tail.len()));
            [head.get(..at).unwrap_or_default(), tail.get(from..).unwrap_or_default()].concat()
        }
        Kind::Noise => noise(chance, 300),
        Kind::Disguised => [start(chance), &noise(chance, 300)].concat(),
        Kind::Oversize => {
            let lies = malformed(chance);
            [lies.as_slice(), &noise(chance, 100)].concat().repeat(600).into_iter().take(65_000).collect()
        }
        Kind::Malformed => malformed(chance),
        Kind::Spoofed => {
            let others = Kind::ALL.len() - 1;
            datagram(Kind::ALL[chance.usize(..others)], tape, chance)
        }
    }
}

fn start(chance: &mut fastrand::Rng) -> &'static [u8] {
    if chance.bool() { b"###\n" } else { b">>>\n" }
}

fn noise(chance: &mut fastrand::Rng, most: usize) -> Vec<u8> {
    let length = chance.usize(..most);
    std::iter::repeat_with(|| chance.u8(..)).take(length).collect()
}

fn mutated(mut bytes: Vec<u8>, chance: &mut fastrand::Rng) -> Vec<u8> {
    for _ in 0..chance.usize(1..5) {
        if let Some(byte) = bytes.len().checked_sub(1).map(|last| chance.usize(..=last)) {
            bytes[byte] = chance.u8(..);
        }
    }
    bytes
}

fn malformed(chance: &mut fastrand::Rng) -> Vec<u8> {
    const NETSTRING: [&str; 12] = [
        "99999999999999999999999:(0)t=status,",
        "4294967295:(0)t=status,%%%\n",
        "18446744073709551615:x,",
        "10:t=status()%,%%%\n",
        "11:(9)t=status,%%%\n",
        "-1:(0)t=status,%%%\n",
        "0:,0:,0:,%%%\n0:,",
        "11:(0)t=status,11:(0)t=status,%%%\n46:1 0000000000000000000000000000000000000000,",
        "00000000000000000000000000000011:(0)t=status,%%%\n",
        "16:(2)x=###\n%%%\n,%%%\n",
        "11:(0)t=status,%%%\n99999999:1 00,",
        ":,",
    ];
    const CLASSIC: [&str; 9] = [
        "t=status\nt=status\nsrc=b2\nsrc=b1\n<<<\n",
        "no equals sign\n<<<\n",
        "t=status\nauth=1 0000000000000000000000000000000000000000\n<<<\n",
        "t=status\nauth=99999999999 00\nauth=1 00\n<<<\n",
        "(2)x=>>>\u{14}(2)x=>>>\u{15}(2)x=>>>\u{16}\n<<<\n",
        "(1)x=====\n(3)l=9999999:a,\n<<<\n",
        "auth=\n<<<\n",
        "<<<\n",
        "t=status\nsrc=b2\nauth=1 %s%n\x1b[2J\n<<<\n",
    ];
    match chance.u8(..4) {
        0 => [b"###\n", chance.choice(NETSTRING).unwrap_or("").as_bytes()].concat(),
        1 => [b">>>\n", chance.choice(CLASSIC).unwrap_or("").as_bytes()].concat(),
        2 => nested(chance.usize(1..60)),
        _ => {
            let parts = chance.usize(1..30);
            let all = [&NETSTRING[..], &CLASSIC[..]].concat();
            let text: String = (0..parts).map(|_| *chance.choice(&all).unwrap_or(&"")).collect();
            [start(chance), text.as_bytes()].concat()
        }
    }
}

/// Messages in messages, deeper than any real one.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(b"###\n%%%\n".to_vec(), |inner, _| {
        [b"###\n", format!("{}:(2)n=", inner.len() + 5).as_bytes(), &inner, b",%%%\n"].concat()
    })
}
