//! The three files as they were read. Reading them is somebody else's work.

use std::fmt;

use zeroize::Zeroizing;

/// A file that could be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, as diagnostics show it.
    pub label: String,
    /// What it contains; wiped from memory when dropped, for it may hold keys.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Its permission bits, as in `st_mode`.
    pub mode: u32,
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Its path, as diagnostics show it.
    pub label: String,
    /// The system's reason, such as "No such file or directory".
    pub reason: String,
}

/// Everything a configuration is made of.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The main file.
    pub ha_cf: Result<Source, ReadError>,
    /// The keys.
    pub authkeys: Result<Source, ReadError>,
    /// The resource groups.
    pub haresources: Result<Source, ReadError>,
    /// Debug level given on the command line; `debug` in ha.cf overrides it.
    pub debug: u8,
}

impl Source {
    /// A file with its path, contents and permission bits.
    pub fn new(label: impl Into<String>, bytes: impl Into<Vec<u8>>, mode: u32) -> Source {
        Source {
            label: label.into(),
            bytes: Zeroizing::new(bytes.into()),
            mode,
        }
    }
}

impl fmt::Debug for Source {
    /// Without the contents: they may be keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { label, bytes, mode } = self;
        write!(f, "Source({label}, {} bytes, mode {mode:o})", bytes.len())
    }
}
