//! Which configuration is meant, how the instance is called, and where its files lie (ldirectord.md 1.1, 2).

use std::path::{Path, PathBuf};

use super::pidfile::RUN;
use crate::director::config::last_part;

/// Where configurations are looked for, before the name itself.
const PLACES: [&str; 2] = ["/etc/ha.d", "/etc/ha.d/conf"];
/// The configuration when none is named.
const USUAL: &str = "ldirectord.cf";
/// The instance when no configuration is named.
const INSTANCE: &str = "ldirectord";

/// One instance of ldirectord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// How it is called.
    pub(super) instance: String,
    /// Its configuration, as it was found: for people.
    pub(super) config: String,
    /// The same from the root: the daemon leaves the directory it was started in.
    pub(super) path: PathBuf,
}

impl Place {
    /// The instance for a configuration that was typed. The error is the name that was not found.
    pub(super) fn find(typed: Option<&str>) -> Result<Place, Lost> {
        let instance = instance(typed);
        let name = typed.unwrap_or(USUAL);
        let beside = PLACES.iter().map(|place| format!("{place}/{name}"));
        let found = beside.chain([name.to_owned()]).find(|path| Path::new(path).is_file());
        match found {
            Some(config) => Ok(Place { path: absolute(&config), config, instance }),
            None => Err(Lost { name: name.to_owned(), instance }),
        }
    }

    /// Its pid file.
    pub(super) fn pid_file(&self) -> PathBuf {
        PathBuf::from(format!("{RUN}/ldirectord.{}.pid", self.instance))
    }

    /// Ours: what it does, for who asks and for who comes after it.
    pub(super) fn state_file(&self) -> PathBuf {
        PathBuf::from(format!("{RUN}/ldirectord.{}.state", self.instance))
    }
}

/// A configuration that was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// What was looked for.
    pub(super) name: String,
    /// How the instance would have been called.
    pub(super) instance: String,
}

/// The last part of what was typed.
pub(super) fn instance(typed: Option<&str>) -> String {
    typed.map_or(INSTANCE, last_part).to_owned()
}

fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_called_after_the_last_part() {
        assert_eq!(instance(None), "ldirectord");
        assert_eq!(instance(Some("ldirectord.cf")), "ldirectord.cf");
        assert_eq!(instance(Some("conf/web.cf")), "web.cf");
        assert_eq!(instance(Some("/etc/ha.d/web.cf")), "web.cf");
    }

    #[test]
    fn a_file_is_found_by_its_own_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let place = Place::find(Some(path)).unwrap();
        assert_eq!(place.config, path);
        assert_eq!(place.instance, path.rsplit('/').next().unwrap());
        assert_eq!(place.pid_file(), PathBuf::from(format!("/var/run/ldirectord.{}.pid", place.instance)));
        assert_eq!(
            Place::find(Some("/nonexistent/x.cf")),
            Err(Lost { name: "/nonexistent/x.cf".to_owned(), instance: "x.cf".to_owned() })
        );
    }
}
