//! All three files at once: every problem of every file, and the configuration if there is none.

use super::diagnostic::Diagnostic;
use super::host::Host;
use super::model::{Config, Logging};
use super::report::Report;
use super::source::Sources;
use super::{authkeys, cross, ha_cf, haresources};
use crate::level::Level;

/// What 3.0.6 says last when it refuses to start. A daemon that runs already does not say it.
pub const REFUSED: &str = "Configuration error, heartbeat not started.";

/// What came out of [`check`].
#[derive(Clone, Debug)]
pub struct Checked {
    /// The configuration; `None` if anything refuses it.
    pub config: Option<Config>,
    /// Where to log, as far as that could be read, even when the configuration is refused.
    pub logging: Logging,
    /// Everything worth saying about the files: `ha.cf`, `authkeys`, `haresources`, in this order.
    pub diagnostics: Vec<Diagnostic>,
    reference: Vec<(Level, String)>,
}

impl Checked {
    /// The lines 3.0.6 logs about these files, in its order and as far as it gets, without what it
    /// says on success (see [`validated_lines`]).
    pub fn reference_lines(&self) -> &[(Level, String)] {
        &self.reference
    }

    /// Whether anything refuses the configuration.
    pub fn is_refused(&self) -> bool {
        self.config.is_none()
    }
}

/// What 3.0.6 logs, at [`Level::Info`], when a configuration is accepted.
pub fn validated_lines() -> [&'static str; 2] {
    ["**************************", "Configuration validated. Starting heartbeat 3.0.6"]
}

/// Reads and checks a configuration. Every file is read to its end whatever was found before.
pub fn check(sources: &Sources, host: &dyn Host) -> Checked {
    let mut verdict = Verdict::default();
    let draft = match &sources.ha_cf {
        Ok(source) => Ok(ha_cf::parse(source, sources.debug, host)),
        Err(error) => Err(ha_cf::unreadable(error)),
    };
    let not_started = "Heartbeat not started: configuration error.";
    verdict.stage(draft.as_ref().map_or_else(Clone::clone, |d| d.report.clone()), &[not_started]);

    let (keys, report) = match &sources.authkeys {
        Ok(source) => authkeys::parse(source),
        Err(error) => (authkeys::AuthKeys::default(), authkeys::unreadable(error)),
    };
    verdict.stage(report, &["Authentication configuration error."]);

    let mut config = None;
    if let (Ok(draft), Ok(source)) = (draft, &sources.ha_cf) {
        let (report, use_logd) = cross::check(&draft, &source.label);
        verdict.stage(report, &[]);
        let mut complete = draft.config;
        complete.logging.use_logd = use_logd;
        config = Some(complete);
    }

    let nodes = config.as_ref().map(|config| config.nodes.as_slice());
    let (groups, report) = match &sources.haresources {
        Ok(source) => haresources::check::check(source, nodes, host),
        Err(error) => (Vec::new(), haresources::check::unreadable(error)),
    };
    verdict.stage(report, &[]);

    let complete = |config: Config| Config { keys, groups, ..config };
    verdict.of(config.map(complete))
}

/// The findings of the stages so far.
#[derive(Default)]
struct Verdict {
    diagnostics: Vec<Diagnostic>,
    reference: Vec<(Level, String)>,
    refused: bool,
}

impl Verdict {
    /// Adds a stage. 3.0.6 stops after the first stage with an error, and says `last` before it does.
    fn stage(&mut self, report: Report, last: &[&str]) {
        let errors = report.has_errors();
        self.diagnostics.extend(report.diagnostics);
        if self.refused {
            return;
        }
        self.reference.extend(report.reference);
        if errors {
            let closing = last.iter().chain([&REFUSED]);
            self.reference.extend(closing.map(|text| (Level::Error, (*text).to_owned())));
        }
        self.refused = errors;
    }

    fn of(self, config: Option<Config>) -> Checked {
        let Verdict { diagnostics, reference, refused } = self;
        let logging = config.as_ref().map_or_else(|| Config::default().logging, |c| c.logging.clone());
        Checked { config: config.filter(|_| !refused), logging, diagnostics, reference }
    }
}
