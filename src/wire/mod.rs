//! The wire: messages and their bytes (wire-protocol.md sections 1 and 2). Pure.
//!
//! [`Message`] is an ordered list of typed fields. A new one is finished with [`seal`], goes out by
//! [`encode`], compressed by [`pack`] where that is wanted, and comes in by [`decode`], which believes nothing that is not signed. [`parse`] and
//! [`encode_local`] are for this host's own clients and scripts. Keys are given in; files, sockets and
//! clocks are elsewhere.

mod auth;
mod classic;
mod compress;
mod datagram;
mod error;
pub mod fuzz;
pub mod limits;
mod list;
mod message;
mod name;
mod netstring;
mod serial;
mod stream;

pub use auth::{Key, Keys, KeysError, MAX_KEYS, Method};
pub use compress::{Compression, Packing, pack, wrap};
pub use datagram::{
    Format, decode, encode, encode_local, encode_local_netstring, encode_serial, parse, reread, seal, signer,
};
pub use error::{AuthFailure, EncodeError, Encoding, ErrorClass, FormatError, WireError};
pub use message::{Field, Message, Value};
pub use name::Name;
pub use stream::Stream;
