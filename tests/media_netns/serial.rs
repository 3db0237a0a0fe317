//! Serial lines over pseudo terminals: the other end of the cable is in the hands of the test.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use heartbeat::level::Level;
use heartbeat::media::serial::{Line, prepare};
use heartbeat::media::{Note, SerialSpec};
use heartbeat::wire::{self, Key, Keys, Message, Method, Stream, limits};
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::resource::{UsageWho, getrusage};

/// Long enough for a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// A device by a name of its own, and the other end of its cable.
struct Cable {
    directory: tempfile::TempDir,
    far: File,
    /// Hardware is there whether a program uses it or not.
    _near: File,
}

impl Cable {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (far, near) = ends(&directory.path().join("ttyT0"));
        Self { directory, far, _near: near }
    }

    fn device(&self) -> PathBuf {
        self.directory.path().join("ttyT0")
    }

    fn spec(&self, baud: u32) -> SerialSpec {
        SerialSpec { device: self.device().to_str().unwrap().to_owned(), baud }
    }

    fn open(&self, baud: u32) -> Line {
        let prepared = prepare(&self.spec(baud)).unwrap_or_else(|note| panic!("{}", note.text));
        Line::adopt(prepared).unwrap()
    }

    /// What came out of the cable so far.
    fn read(&mut self) -> Vec<u8> {
        let (mut all, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = self.far.read(&mut piece) {
            all.extend(piece.iter().take(count));
        }
        all
    }
}

/// A new pseudo terminal under that name.
fn ends(name: &std::path::Path) -> (File, File) {
    let both = openpty(None, None).unwrap();
    fcntl(&both.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    // what other tests start must not keep it alive
    for fd in [&both.master, &both.slave] {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    }
    let _ = std::fs::remove_file(name);
    std::os::unix::fs::symlink(nix::unistd::ttyname(&both.slave).unwrap(), name).unwrap();
    (both.master.into(), both.slave.into())
}

fn on_runtime(body: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body);
}

fn keys() -> Keys {
    Keys::new(1, [(1, Key::new(Method::Sha1, "secret"))]).unwrap()
}

/// A heartbeat as the daemon sends it.
fn heartbeat(number: usize) -> Vec<u8> {
    let number = format!("{number:x}");
    let message = Message::of("status").with("st", "active").with("src", "b2").with("seq", &number);
    wire::encode_serial(&message, &keys()).unwrap()
}

/// The numbers of the heartbeats in these bytes, as the daemon finds them.
fn numbers(stream: &mut Stream, bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    stream.feed(bytes, |text| {
        if let Ok(message) = wire::decode(text, &keys()) {
            found.push(usize::from_str_radix(message.text("seq").unwrap(), 16).unwrap());
        }
    });
    found
}

/// Serves the line until `done` says so.
async fn serve(line: &mut Line, stream: &mut Stream, mut done: impl FnMut(&[usize]) -> bool) -> Vec<usize> {
    let (mut heard, start) = (Vec::new(), Instant::now());
    while !done(&heard) {
        assert!(start.elapsed() < SOON, "heard {heard:?}");
        let ready = std::future::poll_fn(|context| line.poll_ready(context));
        let _ = tokio::time::timeout(Duration::from_millis(20), ready).await;
        line.drain(|bytes| heard.extend(numbers(stream, bytes))).unwrap();
        line.write_on().1.unwrap();
    }
    heard
}

fn texts(notes: &[Note]) -> Vec<&str> {
    notes.iter().map(|note| note.text.as_str()).collect()
}

#[test]
fn messages_go_out_as_they_are_and_at_the_speed_of_the_line() {
    on_runtime(async {
        let mut cable = Cable::new();
        let mut line = cable.open(9600);
        let device = cable.device().display().to_string();
        assert_eq!(line.note().text, format!("glib: Starting serial heartbeat on tty {device} (9600 baud)"));
        let wanted = [heartbeat(1), heartbeat(2), vec![b'x'; 1500]].concat();
        let start = Instant::now();
        for message in [heartbeat(1), heartbeat(2), vec![b'x'; 1500]] {
            let (notes, result) = line.send(&message);
            assert!(result.is_ok() && notes.is_empty());
        }
        let mut got = Vec::new();
        serve(&mut line, &mut Stream::new(limits::MAX_WIRE), |_| {
            got.extend(cable.read());
            got.len() > wanted.len()
        })
        .await;
        assert_eq!(got, [b"\n".as_slice(), &wanted].concat());
        // the last piece of at most 512 bytes need not be waited for
        let least = Duration::from_secs((wanted.len() - 512) as u64) * 10 / 9600;
        assert!(start.elapsed() >= least, "{:?} instead of {least:?}", start.elapsed());
    });
}

#[test]
fn whatever_comes_in_the_next_whole_message_is_heard() {
    on_runtime(async {
        let mut cable = Cable::new();
        let mut line = cable.open(19200);
        let mut stream = Stream::new(limits::MAX_WIRE);
        let torn = heartbeat(1)[..60].to_vec();
        let endless = [b">>>\n".to_vec(), b"name=value\n".repeat(40_000)].concat();
        let noise: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let nonsense: [&[u8]; 9] = [
            b"",
            &torn,
            b"<<<\n<<<\n",
            b">>>\n>>>\n",
            b"\0\0\0\n",
            &[b'#'; 300_000],
            &endless,
            &noise,
            b">>>",
        ];
        for (number, nonsense) in nonsense.into_iter().enumerate() {
            let text = [nonsense, b"\n", &heartbeat(number)].concat();
            let mut rest = text.as_slice();
            let heard = serve(&mut line, &mut stream, |heard| {
                let count = cable.far.write(rest).unwrap_or(0);
                rest = &rest[count..];
                heard.contains(&number)
            });
            assert_eq!(heard.await, [number]);
        }
    });
}

/// How often this thread gave up the CPU because it had to wait for something.
fn waits() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).unwrap().voluntary_context_switches()
}

#[test]
fn a_line_that_takes_nothing_costs_no_time_and_the_newest_messages_survive() {
    on_runtime(async {
        let mut cable = Cable::new();
        let mut line = cable.open(460_800);
        let (mut said, mut sent) = (Vec::new(), 0);
        let start = Instant::now();
        // a full terminal, then more than half a second of refusals
        while said.len() < 3 {
            assert!(start.elapsed() < SOON, "{said:?}");
            let (message, waits_before, before) = (heartbeat(sent), waits(), Instant::now());
            let (notes, result) = line.send(&message);
            // a thread that got no CPU for a while did not ask to wait
            let waited = waits() > waits_before && before.elapsed() > Duration::from_millis(400);
            assert!(result.is_ok() && !waited);
            said.extend(notes);
            sent += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut lines = texts(&said);
        lines.sort_unstable();
        let device = cable.device().display().to_string();
        assert_eq!(
            lines[..2],
            [
                "glib: See http://linux-ha.org/wiki/FAQ#TTY_timeout for details",
                &*format!(
                    "glib: TTY write timeout on [{device}] (no connection or bad cable? [see documentation])"
                ),
            ]
        );
        assert!(lines[2].starts_with(&format!("serial {device}: the line is too slow")), "{lines:?}");
        // the other side is ready again: what was torn harms nothing, and the last words arrive
        let (mut far, mut heard) = (Stream::new(limits::MAX_WIRE), Vec::new());
        serve(&mut line, &mut Stream::new(limits::MAX_WIRE), |_| {
            heard.extend(numbers(&mut far, &cable.read()));
            heard.last() == Some(&(sent - 1))
        })
        .await;
        assert!(heard.is_sorted() && heard.len() < sent, "{} of {sent}", heard.len());
    });
}

#[test]
fn a_device_that_goes_is_an_error_and_can_come_back() {
    on_runtime(async {
        let mut cable = Cable::new();
        let line = cable.open(19200);
        let locked = prepare(&cable.spec(19200));
        assert!(locked.is_ok(), "a lock of this very process does not hold it up");
        drop(locked);
        let (far, near) = ends(&cable.directory.path().join("ttyT1"));
        drop((std::mem::replace(&mut cable.far, far), std::mem::replace(&mut cable._near, near)));
        let start = Instant::now();
        let error = loop {
            if let Err(error) = line.drain(|_| ()) {
                break error;
            }
            assert!(start.elapsed() < SOON);
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let note = line.lost(&error, false);
        assert!(note.level == Level::Error && note.text.contains("EOF in ttygets"), "{note:?}");
        drop(line.retire());
        let refused = prepare(&cable.spec(19200)).unwrap_err().text;
        assert!(refused.starts_with("glib: cannot open "), "{refused}");
        let (far, near) = ends(&cable.device());
        (cable.far, cable._near) = (far, near);
        let mut line = cable.open(19200);
        cable.far.write_all(&heartbeat(7)).unwrap();
        serve(&mut line, &mut Stream::new(limits::MAX_WIRE), |heard| heard == [7]).await;
    });
}

#[test]
fn what_is_no_line_is_refused_in_the_words_of_the_reference() {
    let spec = |device: &str| SerialSpec { device: device.to_owned(), baud: 19200 };
    let refused = prepare(&spec("/dev/null")).unwrap_err();
    assert_eq!(refused.text, "glib: cannot get tty attributes: Inappropriate ioctl for device");
    let refused = prepare(&spec("/dev/nonesuch")).unwrap_err();
    assert_eq!(refused.text, "glib: cannot open /dev/nonesuch: No such file or directory");
}
