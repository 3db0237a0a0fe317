//! One step: what the kernel is told, and how the log tells it, in the reference's words (ldirectord.md 9.1).

use std::net::SocketAddr;

use crate::director::table::{Op, ServiceId};

/// Whose row it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A real server's.
    Real,
    /// The fallback's.
    Fallback,
    /// Nobody's of ours.
    Stranger,
}

/// What happened to a service or a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The virtual service.
    pub service: ServiceId,
    /// The server; `None` when the service itself is meant.
    pub server: Option<(Subject, SocketAddr)>,
    /// `Added`, `Deleted`, ...
    pub verb: &'static str,
    /// The address in the configuration, where the kernel has another port.
    pub mapped_from: Option<SocketAddr>,
    /// The weight, where the server stays in the table.
    pub weight: Option<u32>,
    /// `start` or `stop`, for what is purged.
    pub occasion: Option<&'static str>,
}

/// One change, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the kernel is told.
    pub op: Op,
    /// What that means. A service that goes takes servers along.
    pub events: Vec<Event>,
}

impl Event {
    /// Of a service.
    pub fn virtual_server(service: ServiceId, verb: &'static str, occasion: Option<&'static str>) -> Event {
        Event { service, server: None, verb, mapped_from: None, weight: None, occasion }
    }

    /// Of a server.
    pub fn server(
        service: ServiceId,
        subject: Subject,
        at: SocketAddr,
        verb: &'static str,
        occasion: Option<&'static str>,
    ) -> Event {
        Event { service, server: Some((subject, at)), verb, mapped_from: None, weight: None, occasion }
    }

    /// The line of the log. Of a server it is the subject of an e-mail too.
    pub fn log_line(&self) -> String {
        let Event { service, verb, .. } = self;
        let occasion = self.occasion.map(|word| format!(" ({word})")).unwrap_or_default();
        let Some((subject, at)) = &self.server else {
            return format!("{verb} virtual server{occasion}: {service}");
        };
        let subject = if *subject == Subject::Fallback { "fallback" } else { "real" };
        let mapped = self.mapped_from.map(|from| format!(" mapped from {from}")).unwrap_or_default();
        let weight = self.weight.map(|weight| format!(" (Weight set to {weight})")).unwrap_or_default();
        format!("{verb} {subject} server{occasion}: {at}{mapped} ({service}){weight}")
    }
}
