//! Reading the three files, and noticing that they changed.

use crate::config::{ReadError, Source, Sources};
use crate::paths;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

/// Reads everything a configuration is made of.
pub(super) fn read(debug: u8) -> Sources {
    Sources {
        ha_cf: one(paths::HA_CF),
        authkeys: one(paths::AUTHKEYS),
        haresources: one(paths::HARESOURCES),
        debug,
    }
}

fn one(path: &str) -> Result<Source, ReadError> {
    let read = || -> io::Result<Source> {
        let mode = fs::metadata(path)?.mode();
        Ok(Source::new(path, fs::read(path)?, mode & 0o7777))
    };
    read().map_err(|error| ReadError { label: path.to_owned(), reason: plain_reason(&error) })
}

/// Whether this user may not read one of the files: then that is what is wrong, not the files.
pub(super) fn forbidden() -> bool {
    let denied = |path| fs::File::open(path).is_err_and(|e| e.kind() == io::ErrorKind::PermissionDenied);
    [paths::HA_CF, paths::AUTHKEYS, paths::HARESOURCES].into_iter().any(denied)
}

fn plain_reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// When the files were last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    ha_cf: Option<SystemTime>,
    authkeys: Option<SystemTime>,
}

/// What SIGHUP finds changed (wire-protocol.md 7.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// ha.cf, and whatever else.
    Configuration,
    /// Only authkeys.
    Keys,
    /// Neither.
    Nothing,
}

impl Stamps {
    pub(super) fn now() -> Self {
        let stamp = |path: &str| fs::metadata(path).and_then(|m| m.modified()).ok();
        Self { ha_cf: stamp(paths::HA_CF), authkeys: stamp(paths::AUTHKEYS) }
    }

    pub(super) fn compare(&self, new: &Stamps) -> Change {
        if self.ha_cf != new.ha_cf {
            Change::Configuration
        } else if self.authkeys != new.authkeys {
            Change::Keys
        } else {
            Change::Nothing
        }
    }
}
