//! The thread that reads configurations: a disk or a name server may keep it waiting, and nobody else.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;

use super::load::{self, Loaded, Print};
use super::place::Place;
use super::side::watch_maintenance;
use crate::director::maintenance::{Maintenance, Names};

/// The file is looked at so often.
const ROUND: Duration = Duration::from_secs(1);

/// What it is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    /// To read the configuration.
    Read,
}

/// What it has to tell.
pub(super) enum News {
    /// The file has another content.
    Changed,
    /// The file cannot be read: told once.
    Unreadable(String),
    /// The configuration was read; where it is good, its directory of maintenance is watched.
    Read(Box<Loaded>, std::io::Result<Option<Maintenance>>),
}

/// Starts the thread. `print` is the file as it was last read.
pub(super) fn start(
    place: Place,
    print: Print,
    names: Names,
    news: UnboundedSender<News>,
) -> std::io::Result<Sender<Errand>> {
    let (errands, queue) = channel();
    let work = move || serve(&place, print, &names, &queue, &news);
    thread::Builder::new().name("clerk".to_owned()).spawn(work)?;
    Ok(errands)
}

fn serve(
    place: &Place,
    print: Print,
    names: &Names,
    errands: &Receiver<Errand>,
    news: &UnboundedSender<News>,
) {
    let mut watch = Watch { seen: None, print, lost: false };
    loop {
        let told = match next(errands) {
            Ok(Errand::Read) => Some(match load::load(&place.path, &place.config) {
                Ok(loaded) => {
                    watch.print = loaded.print;
                    let config = loaded.config.as_ref();
                    let watch = config.map_or(Ok(None), |config| watch_maintenance(config, names));
                    News::Read(Box::new(loaded), watch)
                }
                Err(why) => News::Unreadable(why),
            }),
            Err(RecvTimeoutError::Timeout) => watch.look(&place.path, &place.config),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if told.is_some_and(|told| news.send(told).is_err()) {
            return;
        }
    }
}

/// The next errand. One reading does for all who wanted one until now.
fn next(errands: &Receiver<Errand>) -> Result<Errand, RecvTimeoutError> {
    let first = errands.recv_timeout(ROUND)?;
    Ok(errands.try_iter().last().unwrap_or(first))
}

/// What was last seen of the file.
struct Watch {
    seen: Option<(SystemTime, u64)>,
    print: Print,
    lost: bool,
}

impl Watch {
    /// The content is compared where time or size differ from those last seen.
    fn look(&mut self, path: &Path, label: &str) -> Option<News> {
        let stamp = std::fs::metadata(path).and_then(|meta| Ok((meta.modified()?, meta.len()))).ok();
        if stamp.is_some() && stamp == self.seen {
            return None;
        }
        self.seen = stamp;
        let print = load::print_of(path);
        let was_lost = std::mem::replace(&mut self.lost, print.is_none());
        match print {
            None if was_lost => None,
            None => Some(News::Unreadable(format!("can not open file {label} for checking"))),
            Some(print) if print == self.print => None,
            Some(print) => {
                self.print = print;
                Some(News::Changed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn one_reading_does_for_all() {
        let (errands, queue) = channel();
        (0..3).for_each(|_| errands.send(Errand::Read).unwrap());
        drop(errands);
        assert!(matches!(next(&queue), Ok(Errand::Read)));
        assert_eq!(next(&queue).unwrap_err(), RecvTimeoutError::Disconnected);
    }

    #[test]
    fn only_another_content_is_news() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.cf");
        fs::write(&file, "one\n").unwrap();
        let mut watch = Watch { seen: None, print: load::print(b"one\n"), lost: false };
        let mut look = || watch.look(&file, "x.cf");
        assert!(look().is_none());
        fs::write(&file, "three\n").unwrap();
        assert!(matches!(look(), Some(News::Changed)));
        assert!(look().is_none());
        fs::remove_file(&file).unwrap();
        assert!(
            matches!(look(), Some(News::Unreadable(why)) if why == "can not open file x.cf for checking")
        );
        assert!(look().is_none(), "told once");
        fs::write(&file, "three\n").unwrap();
        assert!(look().is_none(), "back as it was");
    }
}
