//! A run written down, and played back. Pure.
//!
//! Every [`Line`] of a record is one JSON value. The first of a daemon's life is [`Line::Begin`]: the settings that
//! its engine was made from. Then comes each input with the moment at which it was handed in. Because the engine is
//! pure, the same inputs make it do the same again: see [`Replay`]. What a person wants to read of it tells
//! [`tell`].
//!
//! No key is in a record: signatures are taken off.

mod line;
mod replay;
mod tell;

pub use line::{Begin, Line, VERSION};
pub use replay::{Event, RecordError, Replay, Step};
pub use tell::tell;
