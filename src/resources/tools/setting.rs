//! The surroundings of a tool: everything from the environment, nothing from ha.cf, as in the reference.

use crate::level::Level;
use crate::logging::{Logger, Settings};
use crate::paths;
use crate::resources::context::{Context, Options};
use crate::resources::environment::Environment;
use crate::resources::fifo;
use crate::resources::hooks::Scene;
use crate::resources::own_name;
use crate::resources::reboot::RebootHere;
use crate::resources::script::Output;
use crate::resources::standby::fifo_path;
use crate::wire::Message;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// What a face works with.
pub(super) struct Setting {
    pub(super) context: Context,
    pub(super) environment: Environment,
    name: String,
    failures: u32,
}

impl Setting {
    pub(super) fn of_this_process(name: &str) -> Self {
        let mut environment = Environment::of_this_process();
        let host = environment.get_filled("HA_CURHOST").unwrap_or_else(|| own_name().to_lowercase());
        environment.set("HA_CURHOST", &host);
        let settings = Settings {
            host: host.clone(),
            terminal: std::io::stdin().is_terminal(),
            ..Settings::from_environment(|name| environment.get(name))
        };
        let logger = Logger::direct(name, settings);
        let context = Context { host, env: Vec::new(), logger, options: options() };
        Self { context, environment, name: name.to_owned(), failures: 0 }
    }

    /// The log in the voice of this tool.
    pub(super) fn log(&self) -> Logger {
        self.context.logger.script(&self.name, "default")
    }

    /// Works in a scene whose messages go to the FIFO. Returns 1 where one could not be sent and
    /// `work` has nothing worse to say.
    pub(super) fn play(&mut self, work: impl FnOnce(&mut Scene<'_>) -> i32) -> i32 {
        let (fifo, log) = (fifo_path(&self.environment), self.log());
        let failures = &mut self.failures;
        let mut emit = |message: Message| {
            if let Err(error) = fifo::send(&fifo, &message) {
                *failures += 1;
                log.log(Level::Error, &format!("Cannot reach heartbeat: {}: {error}", fifo.display()));
            }
        };
        let code = work(&mut Scene {
            context: &self.context,
            below_hook: self.environment.get("HA_RCDIR").is_some_and(|dir| dir.contains("//")),
            environment: self.environment.clone(),
            status_errors: Output::Inherit,
            emit: &mut emit,
        });
        if code == 0 { i32::from(self.failures > 0) } else { code }
    }

    /// Sends one message to the daemon; the exit code of a tool that does no more.
    pub(super) fn send(&mut self, message: Message) -> i32 {
        self.play(|scene| {
            (scene.emit)(message);
            0
        })
    }
}

fn options() -> Options {
    Options {
        reboot: Arc::new(RebootHere),
        directory: None,
        tool: std::env::current_exe().unwrap_or_else(|_| PathBuf::from(paths::LIBEXEC).join("hb_tool")),
        ..Options::default()
    }
}
