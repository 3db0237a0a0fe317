//! What work on resources needs to know about its surroundings. Values only.

use super::reboot::{Reboot, RebootByTool};
use super::stonith::Device;
use crate::agents::announce::Crew;
use crate::logging::Logger;
use crate::paths;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Surroundings of a job.
#[derive(Clone)]
pub struct Context {
    /// Name of this node, lower case.
    pub host: String,
    /// Environment of every child: what the daemon was started with, and the variables of ha.cf
    /// (resources.md section 6.1). Variables of the shell layer are added where a child starts.
    pub env: Vec<(String, String)>,
    /// The log, in the voice of the daemon.
    pub logger: Logger,
    /// What may be set otherwise.
    pub options: Options,
}

/// Settings with a usual value.
#[derive(Clone)]
pub struct Options {
    /// Scripts are terminated after this long; the reference knows no limit.
    pub limit: Option<Duration>,
    /// What to do when a resource cannot be stopped.
    pub reboot: Arc<dyn Reboot>,
    /// How long after a failed start standby is asked for; whole seconds.
    pub standby_delay: Duration,
    /// Working directory of scripts; ours when `None`.
    pub directory: Option<PathBuf>,
    /// The resource groups.
    pub haresources: PathBuf,
    /// The hook dispatcher.
    pub harc: PathBuf,
    /// The fencing device, if there is one.
    pub stonith: Option<Device>,
    /// Our address agents are done in-process, and these announce; `None`: each is a process.
    pub announcers: Option<Crew>,
    /// Our own multi-call program: a hook that is a link to it is done in-process.
    pub tool: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        let tool = PathBuf::from(format!("{}/hb_tool", paths::LIBEXEC));
        Self {
            limit: None,
            reboot: Arc::new(RebootByTool(tool.clone())),
            standby_delay: Duration::from_secs(30),
            directory: Some(PathBuf::from(paths::CORE_DIR)),
            haresources: PathBuf::from("/etc/ha.d/haresources"),
            harc: PathBuf::from(paths::HARC),
            stonith: None,
            announcers: None,
            tool,
        }
    }
}
