//! From `tracing` events to the log. The rooms that use `tracing` need not know the [`Logger`].

use super::Logger;
use crate::level::Level;
use std::fmt::{Debug, Write};
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// A `tracing_subscriber` layer that ends in a [`Logger`].
#[derive(Clone, Debug)]
pub struct LogLayer(Logger);

impl LogLayer {
    /// Events of this package come through by the logger's debug level; those of libraries only as
    /// warnings and errors.
    pub fn new(logger: Logger) -> Self {
        Self(logger)
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    /// Asked anew for each event: the debug level changes while we run.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = metadata.target().starts_with("heartbeat");
        match level(metadata) {
            Level::Debug => own && self.0.debug_level() > 0,
            Level::Info => own,
            _ => true,
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.log(level(event.metadata()), &format!("{}{}", line.message, line.fields));
    }
}

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

/// The message first, then ` name=value` for each field.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::Settings;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn events_become_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log =
            Logger::direct("heartbeat", Settings { debugfile: Some(path.clone()), ..Settings::default() });
        let subscriber = tracing_subscriber::registry().with(LogLayer::new(log.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(node = "b2", lost = 3, "lost packets");
            for level in [0, 1] {
                log.set_debug_level(level);
                tracing::debug!("at debug level {level}");
            }
            tracing::info!(target: "other", "not ours");
        });
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        assert!(lines.next().unwrap().ends_with("WARN: lost packets node=b2 lost=3"), "{text}");
        assert!(lines.next().unwrap().ends_with("debug: at debug level 1"), "{text}");
        assert_eq!(lines.next(), None);
    }
}
