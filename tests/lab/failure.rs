//! Why a laboratory or a scenario gave up: a sentence for the reader of the test's output.

use std::fmt;

/// The sentence.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same failure, said of `what`.
    pub(crate) fn of(self, what: impl fmt::Display) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Return with a [`Failure`] made as by `format!`.
macro_rules! bail {
    ($($text:tt)*) => { return Err($crate::lab::Failure::new(format!($($text)*))) };
}
pub(crate) use bail;
