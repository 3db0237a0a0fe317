//! What outlives a daemon: generation number and uuid (wire-protocol.md section 4), how far its peers had come. And what must not:
//! the scratch directory of resource scripts.

use crate::config::{GenerationMethod, UuidFrom};
use crate::engine::Mark;
use crate::paths;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// More nodes than any cluster has.
const MOST_MARKS: usize = 200;
/// What a disk writes whole.
const SECTOR: usize = 512;

/// A value, and what to tell the operator about it.
pub(super) struct Stated<T> {
    pub(super) value: T,
    /// Warnings first, then what happened.
    pub(super) warning: Option<String>,
}

/// Makes the directories that packages make, where they are missing.
pub(super) fn make_directories() -> io::Result<()> {
    for (path, mode) in [(paths::STATE_DIR, 0o755), (paths::CORE_DIR, 0o700)] {
        fs::DirBuilder::new().recursive(true).mode(mode).create(path)?;
    }
    make_run_directory()
}

/// Where API clients connect: for the users of the cluster only. One that is there is not touched.
fn make_run_directory() -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o750).create(paths::RUN_DIR) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        other => other?,
    }
    let user = nix::unistd::User::from_name("hacluster").ok().flatten();
    let group = nix::unistd::Group::from_name("haclient").ok().flatten();
    // Where it cannot be given to them it stays root's.
    let _ = nix::unistd::chown(paths::RUN_DIR, user.map(|u| u.uid), group.map(|g| g.gid));
    Ok(())
}

/// Makes the scratch directory of resource scripts anew, empty: at every start, as the reference does it,
/// also at the one after a reload. The mode is the reference's, with the daemon's umask in it; it is not
/// set afterwards, because who owns the directory above could put a link in its place meanwhile.
pub(super) fn renew_scratch() -> io::Result<()> {
    renew(Path::new(paths::SCRATCH))
}

fn renew(directory: &Path) -> io::Result<()> {
    // Of a link only the link goes; of a file, which should not be there, the file.
    let removed = match fs::symlink_metadata(directory) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(directory),
        Ok(_) => fs::remove_file(directory),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            if let Some(above) = directory.parent() {
                fs::create_dir_all(above)?;
            }
            fs::DirBuilder::new().mode(0o1755).create(directory)
        }
    }
}

/// The generation of this start, stored for the next one before anything is sent (4.1).
///
/// Two lives of one number are one to the peers: they take the second for old news of the first. So it is
/// stored with [`GenerationMethod::Time`] too, where a clock that was set back or a second start within a second
/// would repeat it.
pub(super) fn next_generation(method: GenerationMethod, wall: u64) -> io::Result<Stated<u64>> {
    let by_time = method == GenerationMethod::Time;
    let text = match fs::read(paths::GENERATION) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if by_time || error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let (value, warning) = if by_time { (by_the_clock(&text, wall), None) } else { following(&text, wall) };
    match store(Path::new(paths::GENERATION), format!("{value:>15}\n").as_bytes()) {
        Err(error) if by_time => {
            let warning = format!("cannot store the generation in {}: {error}", paths::GENERATION);
            Ok(Stated { value, warning: Some(warning) })
        }
        Err(error) => Err(told(paths::GENERATION, &error)),
        Ok(()) => Ok(Stated { value, warning }),
    }
}

/// The time, or the number after the last one where that is not smaller.
fn by_the_clock(text: &str, wall: u64) -> u64 {
    let after_last = text.trim().parse::<u64>().ok().and_then(|last| last.checked_add(1));
    after_last.map_or(wall, |next| next.max(wall))
}

/// The number after the one in the file; from the clock where there is none.
fn following(text: &str, wall: u64) -> (u64, Option<String>) {
    let fresh = wall.saturating_add(1);
    match (text.trim(), text.trim().parse::<u64>()) {
        ("", _) => (fresh, Some(format!("No Previous generation - starting at {fresh}"))),
        (_, Ok(last)) if last < u64::MAX => (last + 1, None),
        _ => (fresh, Some(format!("BROKEN previous generation - starting at {fresh}"))),
    }
}

/// Own uuid: from the file, made and stored where there is none (4.2).
pub(super) fn uuid(from: UuidFrom, node: &str) -> io::Result<Stated<[u8; 16]>> {
    if from == UuidFrom::NodeName {
        return Ok(Stated { value: super::settings::uuid_of_name(node), warning: None });
    }
    let mut bytes = [0; 16];
    match fs::File::open(paths::UUID).and_then(|mut file| file.read_exact(&mut bytes)) {
        Ok(()) => return Ok(Stated { value: bytes, warning: None }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {}
        Err(error) => return Err(error),
    }
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    mark_random(&mut bytes);
    store(Path::new(paths::UUID), &bytes).map_err(|error| told(paths::UUID, &error))?;
    let warning = "No uuid found for current node - generating a new uuid.".to_owned();
    Ok(Stated { value: bytes, warning: Some(warning) })
}

/// Remembers the nodes that were taken out, one a line (4.3). It waits for the disk: not on the pulse.
pub(super) fn keep_deleted(lines: &str) -> io::Result<()> {
    store(Path::new(paths::DELETED), lines.as_bytes())
}

/// Whether a start could store its generation now: tries it with another file.
pub(super) fn try_to_keep() -> io::Result<()> {
    let trial = format!("{}/trial", paths::STATE_DIR);
    let kept = store(Path::new(&trial), &[b' '; 4096]).map_err(|error| told(&trial, &error));
    let _ = fs::remove_file(&trial);
    kept
}

fn told(path: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write {path}: {error}"))
}

/// Remembers how far the peers had come. It waits for the disk: not on the pulse.
pub(super) fn keep_marks(marks: &[Mark]) -> io::Result<()> {
    let line = |Mark { node, generation, seq, ts }: &Mark| format!("{node} {generation} {seq} {ts}\n");
    let mut text: String = marks.iter().map(line).collect();
    // Empty lines say nothing.
    text.extend(std::iter::repeat_n('\n', SECTOR.saturating_sub(text.len())));
    let path = Path::new(paths::PEERS);
    if text.len() == SECTOR && write_over(path, text.as_bytes()).is_ok() {
        return Ok(());
    }
    store(path, text.as_bytes())
}

/// Writes over a file that is as long as what is to be in it. A disk writes one sector or does not: there is no need
/// for a new file and a name, which take ten times the work.
fn write_over(path: &Path, sector: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != sector.len() as u64 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    file.write_all(sector)?;
    file.sync_data()
}

/// What was remembered; a file that cannot be read remembers nothing.
pub(super) fn marks() -> Vec<Mark> {
    let text = fs::read_to_string(paths::PEERS).unwrap_or_default();
    text.lines().take(MOST_MARKS).filter_map(mark).collect()
}

fn mark(line: &str) -> Option<Mark> {
    let mut words = line.split_ascii_whitespace();
    let node = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    Some(Mark { node, generation: number()?, seq: number()?, ts: number()? })
}

/// Version 4, variant 1: "random".
fn mark_random(bytes: &mut [u8; 16]) {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
}

/// Replaces a file so that a power failure leaves the old one or the new one.
fn store(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("tmp");
    let stored = write_beside(&new, path, bytes);
    if stored.is_err() {
        // A disk that is full needs the room.
        let _ = fs::remove_file(&new);
    }
    stored
}

fn write_beside(new: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    match path.parent() {
        Some(directory) => fs::File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_rises_from_whatever_is_there() {
        assert_eq!(following("     1795287662\n", 5), (1_795_287_663, None));
        let (value, warning) = following("", 5);
        assert_eq!((value, warning.as_deref()), (6, Some("No Previous generation - starting at 6")));
        let (value, warning) = following("12x\n", 5);
        assert_eq!((value, warning.as_deref()), (6, Some("BROKEN previous generation - starting at 6")));
    }

    #[test]
    fn the_generation_by_the_clock_rises_too() {
        assert_eq!(by_the_clock("", 100), 100);
        assert_eq!(by_the_clock("             99\n", 100), 100);
        assert_eq!(by_the_clock("            100\n", 100), 101, "within one second");
        assert_eq!(by_the_clock("            500\n", 100), 501, "the clock was set back");
        assert_eq!(by_the_clock("junk", 100), 100);
        assert_eq!(by_the_clock(&u64::MAX.to_string(), 100), 100);
    }

    #[test]
    fn a_sector_is_written_over_where_there_is_one() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("marks"), directory.path().join("link"));
        let sector = [b'x'; SECTOR];
        assert!(write_over(&path, &sector).is_err(), "there is none");
        store(&path, b"short").unwrap();
        assert!(write_over(&path, &sector).is_err(), "shorter");
        store(&path, &[b'y'; SECTOR]).unwrap();
        let number = fs::metadata(&path).unwrap().ino();
        write_over(&path, &sector).unwrap();
        assert_eq!(fs::read(&path).unwrap(), sector);
        assert_eq!(fs::metadata(&path).unwrap().ino(), number, "the same file");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(write_over(&link, &sector).is_err(), "not through a link");
    }

    #[test]
    fn a_mark_is_four_words() {
        let node = "b2".to_owned();
        assert_eq!(
            mark("b2 1795287662 77 1795300000"),
            Some(Mark { node, generation: 1_795_287_662, seq: 77, ts: 1_795_300_000 })
        );
        assert_eq!(mark("b2 1795287662 77"), None);
        assert_eq!(mark("b2 -1 77 5"), None);
        assert_eq!(mark(""), None);
    }

    #[test]
    fn the_scratch_directory_is_empty_whatever_was_in_its_place() {
        use std::os::unix::fs::{MetadataExt, symlink};
        let place = tempfile::tempdir().unwrap();
        let (scratch, elsewhere) = (place.path().join("run/rsctmp"), place.path().join("elsewhere"));
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("kept"), "").unwrap();
        let empty = |after: &str| {
            renew(&scratch).unwrap();
            let found = fs::symlink_metadata(&scratch).unwrap();
            assert!(found.is_dir() && found.mode() & 0o7000 == 0o1000, "after {after}");
            assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "after {after}");
        };
        empty("nothing");
        fs::create_dir_all(scratch.join("a/b")).unwrap();
        fs::write(scratch.join("a/b/c"), "").unwrap();
        symlink(&elsewhere, scratch.join("link")).unwrap();
        empty("a full one");
        fs::remove_dir(&scratch).unwrap();
        symlink(&elsewhere, &scratch).unwrap();
        empty("a link");
        fs::remove_dir(&scratch).unwrap();
        fs::write(&scratch, "").unwrap();
        empty("a file");
        assert!(elsewhere.join("kept").exists());
    }
}
