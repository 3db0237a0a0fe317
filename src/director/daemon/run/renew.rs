//! What becomes of the clerk's news: a configuration that has changed is taken, or not, and why.

use std::io;
use std::sync::Arc;

use super::Life;
use crate::director::command::ChildVerb;
use crate::director::config::Config;
use crate::director::daemon::clerk::{Errand, News};
use crate::director::daemon::core::Input;
use crate::director::daemon::load;
use crate::director::daemon::record::Mode;
use crate::director::daemon::verbs::log_place;
use crate::director::maintenance::Maintenance;

impl Life<'_> {
    pub(super) fn news(&mut self, news: News) {
        match news {
            // Who ends wants no other configuration, and nobody is to begin for it.
            News::Changed(_) | News::Read { .. } if self.last_words.is_some() => {}
            News::Unreadable(why) => self.log.say(&format!("Warning [{}]: {why}", std::process::id())),
            News::Changed(text) => {
                let config = &self.place.config;
                self.log.say(&format!("Configuration file '{config}' has changed on disk"));
                if self.core.config().global.autoreload {
                    self.log.say(" - reread new configuration");
                    self.changed = true;
                    self.errand(Errand::Take(text));
                } else {
                    self.log.say(" - ignore new configuration");
                    self.call_back();
                }
            }
            News::Read { loaded, maintenance, wanted } => {
                load::told(&loaded.diagnostics, &self.place.config)
                    .iter()
                    .for_each(|line| self.log.say(line));
                match loaded.config {
                    // Whoever means that says so: more often a file was emptied to be written.
                    Some(config) if !wanted && ends_all(self.core.config(), &config) => {
                        let (pid, config) = (std::process::id(), &self.place.config);
                        let stays = "the running configuration stays in force until somebody reloads";
                        self.log.say(&format!("Warning [{pid}]: no virtual service in {config}: {stays}"));
                    }
                    Some(config) => self.reload(config, maintenance),
                    None => self.log.say("the running configuration stays in force"),
                }
                if std::mem::take(&mut self.changed) {
                    self.call_back();
                }
            }
        }
    }

    fn call_back(&self) {
        self.side.call_back(&self.core.config().global, &self.place.config);
    }

    fn reload(&mut self, config: Config, maintenance: io::Result<Option<Maintenance>>) {
        self.log.turn_to(log_place(&config, self.debug, self.in_background));
        let maintenance = maintenance.unwrap_or_else(|error| {
            self.log.say(&format!("maintenancedir is not watched: {error}"));
            None
        });
        self.side.maintain(maintenance);
        if let Some(mode) = self.told {
            let begin = if mode == Mode::Active { ChildVerb::Start } else { ChildVerb::Standby };
            self.side.execute_others(self.core.config(), &config, begin);
        }
        self.feed(Input::Reload(Arc::new(config)));
    }
}

/// Whether a configuration has nothing to serve, where something is served.
fn ends_all(running: &Config, new: &Config) -> bool {
    new.virtuals.is_empty() && !running.virtuals.is_empty()
}
