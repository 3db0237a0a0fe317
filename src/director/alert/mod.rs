//! E-mails about servers (ldirectord.md section 13.2).
//!
//! | file | pure | what it knows |
//! |---|---|---|
//! | [`plan`] | yes | which e-mails are due, and what stands in them |
//! | `smtp` | | handing one to a mail host |
//! | `sendmail` | | handing one to the local mailer |
//! | `mailer` | | a thread that sends them, one after the other |

mod mailer;
pub mod plan;
mod sendmail;
mod smtp;

pub use mailer::{Mailer, identity};
