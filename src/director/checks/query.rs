//! What a database is asked, whichever it is.

use crate::director::config::Secret;

/// What is to be asked, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The name.
    pub login: String,
    /// The password.
    pub passwd: Secret,
    /// The database. mysql: none when empty; pgsql: that of the name when empty; oracle: its SID.
    pub database: String,
    /// What to ask.
    pub text: String,
}
