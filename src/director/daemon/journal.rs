//! The log, until the room of its own lands.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::director::config::Log as Target;

#[derive(Clone, Debug)]
pub(super) struct Journal {
    instance: String,
    place: Arc<Mutex<Place>>,
}

#[derive(Clone, Debug)]
pub(super) enum Place {
    File(String),
    Stdout,
    Stderr,
}

impl Place {
    pub(super) fn of(target: &Target) -> Place {
        match target {
            Target::File(path) => Place::File(path.clone()),
            Target::Facility(_) => Place::File("/var/log/ldirectord.log".to_owned()),
        }
    }
}

impl Journal {
    pub(super) fn new(instance: &str, place: Place) -> Journal {
        Journal { instance: instance.to_owned(), place: Arc::new(Mutex::new(place)) }
    }

    pub(super) fn turn_to(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    pub(super) fn say(&self, text: &str) {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let t = crate::sys::localtime::local_time(std::time::SystemTime::now());
        let date = format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second);
        match place {
            Place::File(path) => {
                if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path) {
                    let _ = writeln!(file, "[{date}|{}|{}] {text}", self.instance, std::process::id());
                }
            }
            Place::Stdout => {
                let _ = writeln!(std::io::stdout(), "[{date}] {text}");
            }
            Place::Stderr => {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        }
    }
}
