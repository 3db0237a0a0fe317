//! What of the configuration the API needs: who may sign on, and what is told about this daemon.

use super::table::Peer;
use crate::config::{ApiAuth, Config, HBVERSION};
use std::collections::BTreeMap;

/// The entry for clients without a name.
const ANONYMOUS: &str = "anon";
/// The entry for names without one.
const DEFAULT: &str = "default";

/// Taken from the configuration, once.
#[derive(Clone, Debug)]
pub struct Rules {
    apiauth: Vec<ApiAuth>,
    parameters: BTreeMap<String, String>,
    /// What every answer to a sign-on says besides its result.
    pub(super) greeting: Vec<(&'static str, String)>,
    /// The user this daemon runs as.
    own_uid: u32,
}

impl Rules {
    /// `facility` is the syslog number of `logfacility`: 0 for `none`, -1 where there is no such line.
    pub fn new(config: &Config, facility: i32, own_uid: u32) -> Self {
        let mut rules = Self {
            apiauth: config.apiauth.clone(),
            parameters: config.parameters_in_use(),
            greeting: Vec::new(),
            own_uid,
        };
        rules.greeting = vec![
            ("deadtime", format!("{:x}", config.timing.deadtime.as_millis())),
            ("keepalive", format!("{:x}", config.timing.keepalive.as_millis())),
            ("node", config.this_node.clone()),
            ("hbversion", HBVERSION.to_owned()),
            ("pacemaker", rules.parameter("pacemaker").unwrap_or("false").to_owned()),
            ("logfacility", facility.to_string()),
        ];
        rules
    }

    /// The recorded text of a directive. 3.0.6 tells its bare version number here, elsewhere all of it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        if name == "hbversion" {
            return HBVERSION.split(' ').next();
        }
        // The older name of the same directive.
        let name = if name == "crm" { "pacemaker" } else { name };
        self.parameters.get(name).map(String::as_str)
    }

    /// Whether this user may be that client; why not. The name of a casual client does not count.
    pub(super) fn admit(&self, name: &str, casual: bool, peer: Peer) -> Result<(), &'static str> {
        let entry = |wanted: &str| self.apiauth.iter().find(|entry| entry.client == wanted);
        let own = entry(if casual { ANONYMOUS } else { name });
        let entry = own.or_else(|| entry(DEFAULT)).ok_or("no default client auth")?;
        let welcome = entry.uids.contains(&peer.uid) || entry.gids.contains(&peer.gid);
        if welcome { Ok(()) } else { Err("client failed authorization") }
    }

    /// Whether a user may listen to what is not meant for clients.
    pub(super) fn may_listen_in(&self, uid: u32) -> bool {
        uid == 0 || uid == self.own_uid
    }
}
