//! Time as the engine sees it: a value that comes in with each call. No clock lives here.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The moment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// Monotonic time since some fixed moment, the same for every call. It never goes back.
    pub mono: Duration,
    /// Seconds since 1970, for the `ts` field and nothing else.
    pub wall: u64,
}
