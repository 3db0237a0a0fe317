//! Whole messages: signed, verified, put on and taken off the wire (wire-protocol.md 1.1, 2.1).
//!
//! A message is *sealed* once, when it is made: that adds the inner `auth` field where the format has
//! one. From then on it is data, is kept for retransmission as it is, and every [`encode`] of it gives
//! the same bytes for as long as the signing key stays.

use serde::{Deserialize, Serialize};

use super::auth::Keys;
use super::error::{AuthFailure, EncodeError, Encoding, FormatError, WireError, escaped};
use super::limits::MAX_WIRE;
use super::{Message, Value, classic, compress, list, netstring};

/// The field of the inner signature.
const AUTH: &str = "auth";

/// How much of a refused message is shown.
const EXCERPT: usize = 200;

/// The `msgfmt` directive; on UDP it only decides about the inner `auth` (wire-protocol.md 1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Messages carry `auth` as their last field.
    #[default]
    Classic,
    /// They do not.
    Netstring,
}

/// Completes a new message: drops any `auth` it has and, with [`Format::Classic`], appends its own
/// (wire-protocol.md 3, field 9). To be called once, after all control fields.
///
/// A message with a nested or compressed field stays without, as in 3.0.6; on UDP nobody reads the inner
/// signature.
pub fn seal(message: &mut Message, format: Format, keys: &Keys) {
    message.remove(AUTH);
    if format == Format::Classic && classic::is_usual(message) {
        sign_inside(message, keys);
    }
}

fn sign_inside(message: &mut Message, keys: &Keys) {
    if let Ok(text) = classic::signed_text(message) {
        let token = keys.sign(std::iter::once(text.as_slice()));
        message.push(AUTH, Value::Text(token.into_bytes()));
    }
}

/// What goes out on UDP and ICMP: the netstring form and its trailer (wire-protocol.md 1.3, 2.1); or the classic
/// form and a NUL, which every version reads, as long as a peer signs with another key.
pub fn encode(message: &Message, keys: &Keys) -> Result<Vec<u8>, EncodeError> {
    if keys.in_classic() && classic::is_usual(message) {
        let mut out = encode_serial(message, keys)?;
        out.push(0);
        return within_limit(out);
    }
    let mut out = netstring::emit(message)?;
    let token = keys.sign(std::iter::once(out.as_slice()));
    list::put(&mut out, &[token.as_bytes()]);
    within_limit(out)
}

/// What goes out on a serial line: the classic form with `auth`, which is added where the message was
/// sealed without (wire-protocol.md 1.1, 10.6).
///
/// With a NUL after it this is also what 2.1.x sends on UDP (wire-protocol.md 16.2).
pub fn encode_serial(message: &Message, keys: &Keys) -> Result<Vec<u8>, EncodeError> {
    if message.value(AUTH).is_some() {
        return encode_local(message);
    }
    let mut sealed = message.clone();
    sign_inside(&mut sealed, keys);
    encode_local(&sealed)
}

/// What clients and scripts read and write: the classic form of the fields as they are.
pub fn encode_local(message: &Message) -> Result<Vec<u8>, EncodeError> {
    within_limit(classic::emit(message)?)
}

/// The netstring form of the fields as they are, without a trailer.
pub fn encode_local_netstring(message: &Message) -> Result<Vec<u8>, EncodeError> {
    within_limit(netstring::emit(message)?)
}

fn within_limit(bytes: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
    match bytes.len() <= MAX_WIRE {
        true => Ok(bytes),
        false => Err(EncodeError::TooBig(bytes.len())),
    }
}

/// Reads what came in from the cluster, in either encoding: authenticated first, by the key that the
/// message names, then parsed, then inflated where it is compressed (wire-protocol.md 2.1, 6).
pub fn decode(datagram: &[u8], keys: &Keys) -> Result<Message, WireError> {
    let encoding = encoding_of(datagram).ok_or(WireError::UnknownStart)?;
    let malformed = |error| WireError::Format { encoding, error, excerpt: escaped(datagram, EXCERPT) };
    if datagram.len() > MAX_WIRE {
        return Err(malformed(FormatError::TooBig));
    }
    let message = match encoding {
        Encoding::Netstring => {
            let (message, trailer) = netstring::extent(datagram).map_err(malformed)?;
            verify_netstring(message, trailer, keys)?;
            netstring::parse(message)
        }
        Encoding::Classic => {
            let body = classic::body(datagram).map_err(malformed)?;
            verify_classic(body, keys)
                .map_err(|refusal| refusal.unwrap_or_else(|| malformed(FormatError::NoEquals)))?;
            classic::parse(body)
        }
    };
    message.and_then(compress::unwrap).map_err(malformed)
}

/// Reads what came in from this host, unsigned, in either encoding: the FIFO and clients.
pub fn parse(bytes: &[u8]) -> Result<Message, WireError> {
    let encoding = encoding_of(bytes).ok_or(WireError::UnknownStart)?;
    let malformed = |error| WireError::Format { encoding, error, excerpt: escaped(bytes, EXCERPT) };
    match bytes.len() <= MAX_WIRE {
        true => parse_fields(bytes).and_then(compress::unwrap).map_err(malformed),
        false => Err(malformed(FormatError::TooBig)),
    }
}

/// What [`encode_local_netstring`] or [`encode_local`] gave, as it was: what was compressed stays so.
pub fn reread(bytes: &[u8]) -> Option<Message> {
    parse_fields(bytes).ok()
}

/// The fields in either encoding.
pub(super) fn parse_fields(bytes: &[u8]) -> Result<Message, FormatError> {
    match encoding_of(bytes) {
        Some(Encoding::Netstring) => netstring::parse(bytes),
        Some(Encoding::Classic) => classic::parse(classic::body(bytes)?),
        None => Err(FormatError::BadNetstring),
    }
}

/// The index of the key that an inner signature names.
pub fn signer(message: &Message) -> Option<u8> {
    message.text(AUTH)?.split(' ').next()?.parse().ok()
}

/// The first four bytes tell (wire-protocol.md 1).
fn encoding_of(bytes: &[u8]) -> Option<Encoding> {
    match bytes {
        [b'>', b'>', b'>', b'\n', ..] => Some(Encoding::Classic),
        [b'#', b'#', b'#', b'\n', ..] => Some(Encoding::Netstring),
        _ => None,
    }
}

/// The trailer signs everything before it.
fn verify_netstring(message: &[u8], trailer: &[u8], keys: &Keys) -> Result<(), WireError> {
    let refusal = |failure, token| WireError::Auth {
        encoding: Encoding::Netstring,
        failure,
        node: escaped(netstring::peek(message, "src").unwrap_or_default(), 100),
        token: escaped(token, 64),
        excerpt: escaped(message, EXCERPT),
    };
    let Ok((token, _)) = list::peel(trailer) else {
        return Err(refusal(AuthFailure::Missing, b""));
    };
    keys.verify(token, std::iter::once(message)).map_err(|failure| refusal(failure, token))
}

/// The first `auth` line signs all lines that are not `auth`. `Err(None)`: a line is not a field.
fn verify_classic(body: &[u8], keys: &Keys) -> Result<(), Option<WireError>> {
    let (mut token, mut node) = (None, None);
    for line in classic::lines(body) {
        let (name, value) = classic::name_and_value(line).ok_or(None)?;
        match name {
            b"auth" => token = token.or(Some(value)),
            b"src" => node = node.or(Some(value)),
            _ => {}
        }
    }
    let signed = classic::lines(body)
        .filter(|line| classic::name_and_value(line).is_none_or(|(name, _)| name != b"auth"));
    let verdict = match token {
        Some(token) => keys.verify(token, signed),
        None => Err(AuthFailure::Missing),
    };
    verdict.map_err(|failure| {
        Some(WireError::Auth {
            encoding: Encoding::Classic,
            failure,
            node: escaped(node.unwrap_or_default(), 100),
            token: escaped(token.unwrap_or_default(), 64),
            excerpt: escaped(body, EXCERPT),
        })
    })
}
