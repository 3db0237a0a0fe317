//! Packets of the MySQL protocol: three bytes of length, a number, and the content. Pure.

use super::Query;

pub(super) const HEADER: usize = 4;
/// What we can: long passwords, rows that were found count, long flags, a database at the login, the protocol of 4.1,
/// TLS, proofs of some length, more than one answer (without it no procedure may return rows), ways to prove by name.
const FOUND_ROWS: u32 = 0x2;
const WITH_DATABASE: u32 = 0x8;
const PROTOCOL_41: u32 = 0x200;
const TLS: u32 = 0x800;
const SECURE_CONNECTION: u32 = 0x8000;
const SEVERAL_ANSWERS: u32 = 0x2_0000;
const PLUGINS: u32 = 0x8_0000;
const ALWAYS: u32 = 0x1 | FOUND_ROWS | 0x4 | PROTOCOL_41 | SECURE_CONNECTION | SEVERAL_ANSWERS;
const LONGEST_PACKET: u32 = 1 << 24;

/// A packet of this number.
pub(super) fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let [a, b, c, ..] = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[a, b, c, number], content].concat()
}

/// How long the first packet is.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let [a, b, c, _] = bytes.first_chunk()?;
    Some(HEADER + u32::from_le_bytes([*a, *b, *c, 0]) as usize)
}

/// Takes a content apart.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Up to a zero, which is left out.
    pub(super) fn until_zero(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Some(text)
    }

    /// A number in as many bytes as it takes.
    pub(super) fn number(&mut self) -> Option<u64> {
        let size = match self.bytes(1)? {
            [small] if *small < 0xfb => return Some(u64::from(*small)),
            [0xfc] => 2,
            [0xfd] => 3,
            [0xfe] => 8,
            _ => return None,
        };
        Some(little_endian(self.bytes(size)?))
    }
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// What a server says first.
#[derive(Clone, Debug, Default)]
pub(super) struct Greeting {
    able: u32,
    charset: u8,
    /// Mixed into proofs.
    pub(super) salt: Vec<u8>,
    /// How it wants passwords proven.
    pub(super) plugin: String,
}

/// Reads a greeting of version 10, of a server of 4.1 or later.
pub(super) fn greeting(content: &[u8]) -> Option<Greeting> {
    let mut reader = Reader(content);
    let [10] = reader.bytes(1)? else { return None };
    reader.until_zero()?;
    reader.bytes(4)?;
    let mut salt = reader.bytes(8)?.to_vec();
    reader.bytes(1)?;
    let low = little_endian(reader.bytes(2)?);
    let charset = *reader.bytes(1)?.first()?;
    reader.bytes(2)?;
    let high = little_endian(reader.bytes(2)?);
    reader.bytes(11)?;
    salt.extend(reader.until_zero()?);
    let plugin = reader.until_zero().unwrap_or(reader.0);
    let plugin = String::from_utf8_lossy(plugin).into_owned();
    let able = u32::try_from(high << 16 | low).ok()?;
    let wanted = PROTOCOL_41 | SECURE_CONNECTION;
    let plugin = if able & PLUGINS == 0 { "mysql_native_password".to_owned() } else { plugin };
    (able & wanted == wanted).then_some(Greeting { able, charset, salt, plugin })
}

impl Greeting {
    /// Whether the server can speak TLS.
    pub(super) fn can_tls(&self) -> bool {
        self.able & TLS != 0
    }

    fn begin(&self, more: u32) -> Vec<u8> {
        let mut bytes = (ALWAYS | more | self.able & PLUGINS).to_le_bytes().to_vec();
        bytes.extend(LONGEST_PACKET.to_le_bytes());
        // The server's own: it knows it for sure.
        bytes.push(self.charset);
        bytes.extend([0; 23]);
        bytes
    }

    /// That TLS begins.
    pub(super) fn wish_for_tls(&self) -> Vec<u8> {
        self.begin(TLS)
    }

    /// A login.
    pub(super) fn answer(&self, login: &Login<'_>) -> Vec<u8> {
        let Login { query, plugin, proof, tls } = login;
        let database = if query.database.is_empty() { 0 } else { WITH_DATABASE };
        let mut bytes = self.begin(database | if *tls { TLS } else { 0 });
        bytes.extend([query.login.as_bytes(), &[0]].concat());
        bytes.push(u8::try_from(proof.len()).unwrap_or(0));
        bytes.extend(*proof);
        if database != 0 {
            bytes.extend([query.database.as_bytes(), &[0]].concat());
        }
        if self.able & PLUGINS != 0 {
            bytes.extend([plugin.as_bytes(), &[0]].concat());
        }
        bytes
    }
}

/// A login: what is wanted, and the proof, given in which way.
pub(super) struct Login<'a> {
    pub(super) query: &'a Query,
    pub(super) plugin: &'a str,
    pub(super) proof: &'a [u8],
    pub(super) tls: bool,
}

/// Number and text of an error.
pub(super) fn error(content: &[u8]) -> (u16, String) {
    let mut reader = Reader(content);
    reader.bytes(1);
    let code = reader.bytes(2).map_or(0, little_endian);
    // `#` and five letters for the class of error, except where nobody has logged in.
    if reader.0.first() == Some(&b'#') {
        reader.bytes(6);
    }
    (u16::try_from(code).unwrap_or(0), String::from_utf8_lossy(reader.0).into_owned())
}
