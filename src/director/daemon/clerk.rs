//! The thread that reads configurations: a disk or a name server may keep it waiting, and nobody else.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;

use super::load::{self, Loaded, Print};
use super::place::Place;
use super::side::watch_maintenance;
use crate::director::machine::LinuxMachine;
use crate::director::maintenance::{Maintenance, Names};

/// The file is looked at so often.
const ROUND: Duration = Duration::from_secs(1);

/// What it is told.
#[derive(Debug)]
pub(super) enum Errand {
    /// To read the configuration, whatever it is by now: somebody wants it.
    Read,
    /// To take this for it, as it has changed.
    Take(Vec<u8>),
}

/// What it has to tell.
pub(super) enum News {
    /// The file has another content, this, and had it a moment ago too.
    Changed(Vec<u8>),
    /// The file cannot be read: told once.
    Unreadable(String),
    /// The configuration was read; where it is good, its directory of maintenance is watched.
    Read {
        /// It.
        loaded: Box<Loaded>,
        /// The directory.
        maintenance: std::io::Result<Option<Maintenance>>,
        /// Somebody wanted it; otherwise it has changed.
        wanted: bool,
    },
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
    let mut watch = Watch { seen: None, print, fresh: None, lost: false };
    loop {
        let told = match next(errands) {
            Ok(Errand::Read) => Some(match load::load(&place.path, &place.config) {
                Ok(loaded) => {
                    watch.print = loaded.print;
                    read(loaded, names, true)
                }
                Err(why) => News::Unreadable(why),
            }),
            // Something newer was told since.
            Ok(Errand::Take(text)) if load::print(&text) != watch.print => None,
            Ok(Errand::Take(text)) => {
                Some(read(load::load_text(text, &place.config, &LinuxMachine::new()), names, false))
            }
            Err(RecvTimeoutError::Timeout) => watch.look(&place.path, &place.config),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if told.is_some_and(|told| news.send(told).is_err()) {
            return;
        }
    }
}

fn read(loaded: Loaded, names: &Names, wanted: bool) -> News {
    let maintenance = loaded.config.as_ref().map_or(Ok(None), |config| watch_maintenance(config, names));
    News::Read { loaded: Box::new(loaded), maintenance, wanted }
}

/// The next errand. One reading does for all who wanted one until now, and for what had changed before it.
fn next(errands: &Receiver<Errand>) -> Result<Errand, RecvTimeoutError> {
    let first = errands.recv_timeout(ROUND)?;
    Ok(errands.try_iter().fold(first, |next, later| match next {
        Errand::Read => next,
        Errand::Take(_) => later,
    }))
}

/// What was last seen of the file.
struct Watch {
    seen: Option<(SystemTime, u64)>,
    /// The content that was told last.
    print: Print,
    /// Another one that was seen once: whoever writes the file may not be done.
    fresh: Option<Print>,
    lost: bool,
}

impl Watch {
    /// The content is compared where time or size differ from those last seen, and once more where it is another one.
    fn look(&mut self, path: &Path, label: &str) -> Option<News> {
        let stamp = fs::metadata(path).and_then(|meta| Ok((meta.modified()?, meta.len()))).ok();
        if stamp.is_some() && stamp == self.seen && self.fresh.is_none() {
            return None;
        }
        self.seen = stamp;
        let before = self.fresh.take();
        let content = fs::read(path).ok();
        let was_lost = std::mem::replace(&mut self.lost, content.is_none());
        let Some(content) = content else {
            let why = format!("can not open file {label} for checking");
            return (!was_lost).then_some(News::Unreadable(why));
        };
        let print = load::print(&content);
        if print == self.print {
            return None;
        }
        if before != Some(print) {
            self.fresh = Some(print);
            return None;
        }
        self.print = print;
        Some(News::Changed(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_does_for_all() {
        let (errands, queue) = channel();
        (0..3).for_each(|_| errands.send(Errand::Read).unwrap());
        errands.send(Errand::Take(Vec::new())).unwrap();
        assert!(matches!(next(&queue), Ok(Errand::Read)));
        errands.send(Errand::Take(b"one".to_vec())).unwrap();
        errands.send(Errand::Take(b"two".to_vec())).unwrap();
        assert!(matches!(next(&queue), Ok(Errand::Take(text)) if text == b"two"));
        drop(errands);
        assert_eq!(next(&queue).unwrap_err(), RecvTimeoutError::Disconnected);
    }

    /// A file and what each look at it finds.
    struct Desk {
        _directory: tempfile::TempDir,
        file: std::path::PathBuf,
        watch: Watch,
    }

    impl Desk {
        fn with(text: &str) -> Desk {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("x.cf");
            fs::write(&file, text).unwrap();
            let watch = Watch { seen: None, print: load::print(text.as_bytes()), fresh: None, lost: false };
            Desk { _directory: directory, file, watch }
        }

        fn write(&self, text: &str) {
            fs::write(&self.file, text).unwrap();
        }

        /// In words.
        fn look(&mut self) -> String {
            match self.watch.look(&self.file, "x.cf") {
                None => String::new(),
                Some(News::Changed(text)) => String::from_utf8(text).unwrap(),
                Some(News::Unreadable(why)) => why,
                Some(News::Read { .. }) => panic!("nobody read"),
            }
        }
    }

    #[test]
    fn only_another_content_is_news() {
        let mut desk = Desk::with("one");
        assert_eq!(desk.look(), "");
        desk.write("three");
        assert_eq!(["", "three", ""], [desk.look(), desk.look(), desk.look()]);
        fs::remove_file(&desk.file).unwrap();
        assert_eq!(desk.look(), "can not open file x.cf for checking");
        assert_eq!(desk.look(), "", "told once");
        desk.write("three");
        assert_eq!(["", ""], [desk.look(), desk.look()], "back as it was");
    }

    #[test]
    fn who_is_still_writing_is_waited_for() {
        let mut desk = Desk::with("one");
        for part in ["", "th", "thre"] {
            desk.write(part);
            assert_eq!(desk.look(), "", "{part}");
        }
        desk.write("three");
        assert_eq!(["", "three", ""], [desk.look(), desk.look(), desk.look()]);
        desk.write("th");
        assert_eq!(desk.look(), "");
        desk.write("three");
        assert_eq!(["", ""], [desk.look(), desk.look()], "as before");
        desk.write("th");
        assert_eq!(desk.look(), "", "seen before that only");
        fs::remove_file(&desk.file).unwrap();
        desk.look();
        desk.write("th");
        assert_eq!(["", "th"], [desk.look(), desk.look()]);
    }
}
