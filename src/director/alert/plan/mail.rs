//! One e-mail: its words are the reference's.

use super::Status;
use crate::director::config::{Global, Virtual};

/// An e-mail, not yet sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The line for the log about it.
    pub log_line: String,
    /// Addresses, as configured.
    pub to: Vec<String>,
    /// Sender, where one is configured.
    pub from: Option<String>,
    /// Mail host; the local mailer when none.
    pub smtp: Option<String>,
    subject: String,
    status: &'static str,
    service_name: Option<String>,
    comment: Option<String>,
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user that the daemon runs as.
    pub user: String,
    /// The node's name.
    pub node: String,
}

impl Identity {
    /// The address that bounces go to.
    pub fn address(&self) -> String {
        format!("{}@{}", self.user, self.node)
    }
}

impl Mail {
    pub(super) fn new(global: &Global, virt: &Virtual, line: &str, status: Status) -> Mail {
        let name = virt.service_name.as_ref().map(|name| format!("[{name}] ")).unwrap_or_default();
        Mail {
            log_line: format!("emailalert: {line}"),
            to: virt.alert.to.clone(),
            from: global.email_from.clone(),
            smtp: virt.alert.smtp.clone(),
            subject: format!("{name}{line}"),
            status: status.word(),
            service_name: virt.service_name.clone(),
            comment: virt.comment.clone(),
        }
    }

    /// The addresses alone, one for each to whom it goes.
    pub fn recipients(&self) -> Vec<String> {
        let bare = |text: &String| match text.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
            Some((address, _)) => vec![address.trim().to_owned()],
            None => text.split_whitespace().map(ToOwned::to_owned).collect(),
        };
        self.to.iter().flat_map(bare).filter(|address| !address.is_empty()).collect()
    }

    /// The whole text: head, empty line, body. Lines end in `\n`. A mail host must be told who sends; the local
    /// mailer knows.
    pub fn text(&self, identity: &Identity) -> String {
        let own = || self.smtp.as_ref().map(|_| identity.address());
        let from = self.from.clone().or_else(own).map(|from| format!("From: {from}\n"));
        let mut text = from.unwrap_or_default();
        text += &format!("To: {}\nSubject: {}\n\n", self.to.join(", "), self.subject);
        text += &format!("ldirectord host: {}\nLog-Message: {}\n", identity.node, self.subject);
        text += &format!("Daemon-Status: {}\n", self.status);
        let line = |word: &str, text: &Option<String>| text.as_ref().map(|text| format!("{word}: {text}\n"));
        let more: String = [line("Service name", &self.service_name), line("Comment", &self.comment)]
            .into_iter()
            .flatten()
            .collect();
        if !more.is_empty() {
            text += &format!("\n{more}");
        }
        text
    }
}
