//! `haresources`: which node prefers which resources (configuration.md section 3).
//!
//! The file is read afresh before each operation, so this module stands alone: bytes in, groups and
//! diagnostics out. Whether the nodes exist and the scripts can be found is `check`'s business.
//!
//! Where 3.0.6's shell code does something nobody wants, the sane thing is done and a warning given
//! (docs/compatibility.md).

mod address;
pub(super) mod check;
mod group;
mod parse;
mod word;

pub use group::{Group, all_keys, group_by_key, keys_of, other_keys, our_keys};
pub use parse::parse;
pub(super) use parse::parse_as;

pub use word::Word;

#[cfg(test)]
mod tests;
