//! A thread that sends e-mails, one after the other. Who hands one in never waits.

use std::io;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::{Identity, Mail};
use super::{sendmail, smtp};
use crate::director::command::process::End;
use crate::director::log::Log;

/// E-mails that may wait.
const QUEUE: usize = 256;
/// Sending one may take so long.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at how many are on their way.
const NAP: Duration = Duration::from_millis(5);

/// A handle on the thread.
#[derive(Debug)]
pub struct Mailer {
    queue: SyncSender<Mail>,
    on_the_way: Arc<AtomicUsize>,
    log: Log,
}

/// Who sends: the user of this process on this machine.
pub fn identity() -> Identity {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    Identity {
        user: user.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name),
        node: crate::logging::host(),
    }
}

impl Mailer {
    /// Starts the thread. To be done after the last fork. Asks for the name of the user: that may wait.
    pub fn start(log: Log) -> io::Result<Mailer> {
        let (queue, mails) = sync_channel(QUEUE);
        let on_the_way: Arc<AtomicUsize> = Arc::default();
        let post = Post { identity: identity(), log: log.clone(), stuck: Vec::new() };
        let count = Arc::clone(&on_the_way);
        thread::Builder::new().name("mailer".into()).spawn(move || post.send_all(&mails, &count))?;
        Ok(Mailer { queue, on_the_way, log })
    }

    /// Hands an e-mail in. That there is one is told in the log here, in the order of events.
    pub fn send(&self, mail: Mail) {
        self.log.say(&mail.log_line);
        self.on_the_way.fetch_add(1, Ordering::SeqCst);
        if self.queue.try_send(mail).is_err() {
            self.on_the_way.fetch_sub(1, Ordering::SeqCst);
            self.log.say("failed to send email message: too many wait to be sent");
        }
    }

    /// Waits until all are sent, at most `patience`. True when they are.
    pub fn finish(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.on_the_way.load(Ordering::SeqCst) > 0 {
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(NAP);
        }
        true
    }
}

/// What the thread needs.
struct Post {
    identity: Identity,
    log: Log,
    /// Mailers that could not be ended: asked now and then whether they have.
    stuck: Vec<Child>,
}

impl Post {
    fn send_all(mut self, mails: &Receiver<Mail>, on_the_way: &AtomicUsize) {
        for mail in mails {
            self.stuck.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            match &mail.smtp {
                Some(host) => self.by_smtp(host, &mail),
                None => self.by_sendmail(&mail),
            }
            on_the_way.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn by_smtp(&self, host: &str, mail: &Mail) {
        let (from, to, text) = (self.identity.address(), mail.recipients(), mail.text(&self.identity));
        let letter = smtp::Letter { from: &from, to: &to, text: &text };
        let why = match smtp::send(host, letter, LIMIT) {
            Ok(refused) if refused.is_empty() => return,
            Ok(refused) => refused.join(", "),
            Err(error) => error.to_string(),
        };
        self.log.say(&format!("failed to send SMTP email message: {host}: {why}"));
    }

    fn by_sendmail(&mut self, mail: &Mail) {
        let failure = match sendmail::send(&mail.text(&self.identity), LIMIT) {
            Ok(finished) => {
                let failure = finished.end.failure();
                if let End::Stuck(child) = finished.end {
                    self.stuck.push(*child);
                }
                failure.map(|why| format!("{why} {}", finished.output.trim()))
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = failure {
            self.log.say(&format!("failed to send email message: {}", why.trim()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::director::alert::plan::{Status, of_event};
    use crate::director::config::{self, FakeMachine};
    use crate::director::log::Place;
    use crate::director::plan::{Event, Subject};

    /// Nobody listens at port 25 of this address of the loopback, or nobody may connect to it.
    #[test]
    fn who_hands_in_does_not_wait_and_trouble_is_told() {
        let text = "emailalert=a@x\nsmtp=127.8.7.6\nvirtual=10.7.0.100:80\n\treal=10.7.0.1:80 gate\n";
        let source = Source::new("x.cf", text.as_bytes(), 0o600);
        let config = config::read(&source, &FakeMachine::with_hosts(&[])).config.unwrap();
        let virt = &config.virtuals[0];
        let event = Event::server(virt.id, Subject::Real, virt.reals[0].at, "Deleted", None);
        let mail = of_event(&config.global, virt, &event, Status::Running).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mailer = Mailer::start(Log::direct("x", Place::File(log.clone()))).unwrap();
        mailer.send(mail);
        assert!(mailer.finish(Duration::from_secs(60)));
        let told = std::fs::read_to_string(log).unwrap();
        let mut lines = told.lines();
        let first = lines.next().unwrap();
        assert!(first.ends_with("] emailalert: Deleted real server: 10.7.0.1:80 (10.7.0.100:80)"), "{told}");
        assert!(lines.next().unwrap().contains("] failed to send SMTP email message: 127.8.7.6: "), "{told}");
    }
}
