//! What the loop has others do: the log, e-mails, monitor files, programs of the administrator, the directory of
//! servers under maintenance, the word to systemd. Each has threads of its own; nothing here waits but the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::Notify;

use super::chain;
use super::core::Core;
use super::record::Mode;
use crate::director::alert::Mailer;
use crate::director::alert::plan::{Reminders, Status, of_event};
use crate::director::command::{ChildVerb, Errand, Runner};
use crate::director::config::{Config, Global, Virtual};
use crate::director::log::Log;
use crate::director::maintenance::{Maintenance, Names};
use crate::director::monitor::Monitor;
use crate::director::plan::{Event, Verb};

/// How long it is waited for other instances that are to stop serving.
pub(super) const CHILDREN: Duration = Duration::from_secs(10);
/// What is said of those that take longer.
pub(super) const LATE: &str =
    "executed instances have not done yet as they were told: they are not waited for";
/// How long the end waits for programs, for e-mails, for lines of the log.
const PROGRAMS: Duration = Duration::from_secs(10);
const MAILS: Duration = Duration::from_secs(35);
const LINES: Duration = Duration::from_secs(2);

/// All of it.
pub(super) struct Side {
    log: Log,
    mailer: Mailer,
    reminders: Reminders,
    monitor: Monitor,
    runner: Runner,
    maintenance: Option<Maintenance>,
    /// The program that executed configurations are told by.
    program: String,
}

impl Side {
    /// Starts the threads. Waits a little for the first look at the directory.
    pub(super) fn start(log: Log, config: &Config, names: &Names) -> io::Result<Side> {
        let maintenance = watch_maintenance(config, names).unwrap_or_else(|error| {
            log.say(&format!("maintenancedir is not watched: {error}"));
            None
        });
        Ok(Side {
            mailer: Mailer::start(log.clone())?,
            reminders: Reminders::default(),
            monitor: Monitor::start(log.clone())?,
            runner: Runner::start(log.clone())?,
            maintenance,
            program: itself(),
            log,
        })
    }

    /// Something was done about a server.
    pub(super) fn happened(&self, config: &Config, event: &Event, status: Status) {
        let virt = config.virtuals.iter().find(|virt| virt.id == event.service);
        let mail = virt.and_then(|virt| of_event(&config.global, virt, event, status));
        if let Some(mail) = mail {
            self.mailer.send(mail);
        }
    }

    /// Reminds of servers that are still down.
    /// When to do so again.
    pub(super) fn remind(&mut self, now: Duration, core: &Core) -> Option<Duration> {
        for mail in self.reminders.due(now, core.config(), core.state(), core.status()) {
            self.mailer.send(mail);
        }
        self.reminders.next_deadline(core.config())
    }

    /// Whether somebody wants this server out.
    pub(super) fn is_out(&self, server: SocketAddr) -> bool {
        self.maintenance.as_ref().is_some_and(|watch| watch.is_out(server))
    }

    /// From now on this directory counts.
    pub(super) fn maintain(&mut self, maintenance: Option<Maintenance>) {
        self.maintenance = maintenance;
    }

    /// A check came to its end.
    pub(super) fn note(&self, config: &Config, targets: &[(usize, usize)], up: bool, text: &str) {
        let mut files: Vec<&str> = Vec::new();
        for (index, real) in targets {
            let Some(virt) = config.virtuals.get(*index) else { continue };
            let (Some(file), Some(real)) = (virt.monitor_file.as_deref(), virt.reals.get(*real)) else {
                continue;
            };
            if !files.contains(&file) {
                self.monitor.note(file, &virt.check_identity(real), up, text);
                files.push(file);
            }
        }
    }

    /// Runs the fallback command of a service.
    pub(super) fn fallback(&self, virt: &Virtual, verb: Verb) {
        if let Some(errand) = Errand::fallback(virt, verb) {
            self.runner.run(errand);
        }
    }

    /// Tells the administrator's program that the configuration file has changed.
    pub(super) fn call_back(&self, global: &Global, file: &str) {
        if let Some(errand) = Errand::callback(global, file) {
            self.runner.run(errand);
        }
    }

    /// Tells the instances of executed configurations.
    pub(super) fn execute(&self, config: &Config, verb: ChildVerb) {
        for child in chain::children(config) {
            self.runner.run(Errand::execute(&self.program, &child, verb));
        }
    }

    /// The same when another configuration comes. `begin`: what who is new is told.
    pub(super) fn execute_others(&self, old: &Config, new: &Config, begin: ChildVerb) {
        let (old, new) = (chain::children(old), chain::children(new));
        for errand in Errand::execute_others(&self.program, &old, &new, begin) {
            self.runner.run(errand);
        }
    }

    /// Whether all of them have done as they were told.
    pub(super) fn children_are_done(&self) -> bool {
        !self.runner.is_busy(Errand::executes)
    }

    /// Waits for that.
    pub(super) fn await_children(&self) {
        if !self.runner.finish(CHILDREN, Errand::executes) {
            self.log.say(LATE);
        }
    }

    /// Notified when a program has come to its end.
    pub(super) fn ended(&self) -> Arc<Notify> {
        self.runner.ended()
    }

    /// Tells systemd, if it wants to know, how things are.
    pub(super) fn tell_systemd(&self, core: &Core, mode: Mode) {
        let (up, all) = core.census();
        let word = if mode == Mode::Active { "serving" } else { "standby" };
        let status = format!("{word}: {up} of {all} servers are up");
        // Without systemd there is nobody to tell.
        let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    /// Tells systemd that the end has begun.
    pub(super) fn tell_systemd_of_the_end(&self) {
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
    }

    /// Waits for what is still to be done.
    pub(super) fn finish(self) {
        if !self.runner.finish(PROGRAMS, |_| true) {
            self.log.say("programs that still run are left alone");
        }
        if !self.mailer.finish(MAILS) {
            self.log.say("failed to send email message: some are not sent yet");
        }
        self.monitor.flush(LINES);
        self.log.flush(LINES);
    }
}

/// Begins to watch the directory that a configuration names. May wait a little.
pub(super) fn watch_maintenance(config: &Config, names: &Names) -> io::Result<Option<Maintenance>> {
    let Some(directory) = &config.global.maintenance_dir else { return Ok(None) };
    let servers: Vec<SocketAddr> =
        config.virtuals.iter().flat_map(|virt| &virt.reals).map(|real| real.at).collect();
    let interval = config.virtuals.iter().map(|virt| virt.check.interval).min();
    Maintenance::start(directory, &servers, interval.unwrap_or(config.global.check_interval), names).map(Some)
}

/// The path of this program; an upgrade may have put another in its place.
pub(super) fn itself() -> String {
    let path = std::env::current_exe().map(|path| path.display().to_string()).unwrap_or_default();
    path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned()
}
