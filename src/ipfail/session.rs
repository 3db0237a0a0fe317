//! ipfail's conversation with the daemon: the start, and the questions before each decision.

use super::{Failure, Held, Look, Settings};
use crate::client::{Client, ClientError};
use crate::level::Level;
use crate::logging::Logger;
use crate::wire::Message;
use std::time::Duration;

/// Whoever manages resources otherwise than we can follow: do not start us again.
const NEVER_AGAIN: u8 = 100;
/// A daemon that does not answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(30);

/// A signed-on ipfail that knows its cluster.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) settings: Settings,
}

impl Session {
    /// Signs on and asks what the reference asks, in its order.
    pub(super) fn begin(logger: &Logger) -> Result<Self, Failure> {
        let debug = |text: String| logger.log(Level::Debug, &text);
        debug(format!("PID={}", std::process::id()));
        debug("Signing in with heartbeat".to_owned());
        let mut client = Client::sign_on(Some("ipfail"))
            .map_err(|error| failure(1, "Cannot sign on with heartbeat", &error))?;
        client.be_patient(Some(PATIENCE));
        if client.ask("getrsc", &[]).is_err() {
            return Err(Failure { told: vec!["No managed resources".to_owned()], code: NEVER_AGAIN });
        }
        let me = client.hello().node.clone();
        debug(format!("[We are {me}]"));
        let auto_failback = auto_failback(&mut client, logger)?;
        enter_core_directory(&mut client);
        debug("Setting message filter mode".to_owned());
        client
            .ask("setfilter", &[("fmask", "1")])
            .map_err(|error| failure(8, "Cannot set filter mode", &error))?;
        let peer = find_peer(&mut client, &me, logger)?;
        debug("Setting message signal".to_owned());
        client
            .ask("setsignal", &[("signal", "0")])
            .map_err(|error| failure(13, "Cannot set message signal", &error))?;
        let keepalive = client.hello().keepalive;
        Ok(Self { client, settings: Settings { me, peer, keepalive, auto_failback } })
    }

    /// What the daemon says now.
    pub(super) fn look(&mut self) -> Result<Look, ClientError> {
        let nodes = self.client.walk("nodelist", &[])?;
        let peer_active = nodes.iter().any(|node| {
            let name = node.text("node").unwrap_or_default();
            name.eq_ignore_ascii_case(&self.settings.peer) && node.text("st") == Some("active")
        });
        let seen = nodes.iter().filter(|node| node.text("st") == Some("ping"));
        let seen = seen.filter_map(|node| node.text("node").map(str::to_owned)).collect();
        let resources = self.client.ask("getrsc", &[])?;
        // a word we do not know is no time to move anything
        let held = resources.text("rsc_hold").and_then(Held::of).unwrap_or(Held::Transition);
        Ok(Look { seen, peer_active, held })
    }
}

fn failure(code: u8, what: &str, error: &ClientError) -> Failure {
    Failure { told: vec![what.to_owned(), format!("REASON: {error}")], code }
}

/// Whether it is on. The reference goes on when it cannot be had, as if it were off.
fn auto_failback(client: &mut Client, logger: &Logger) -> Result<bool, Failure> {
    let reply = client.ask("getparm", &[("pname", "auto_failback")]).ok();
    let never = |text: String| Err(Failure { told: vec![text], code: NEVER_AGAIN });
    let Some(value) = reply.as_ref().and_then(|reply| reply.text("pvalue")) else {
        logger.log(Level::Error, "Couldn't get auto_failback setting.");
        return Ok(false);
    };
    if value == "legacy" {
        return never("auto_failback set to incompatible legacy option.".to_owned());
    }
    let on = match value.to_ascii_lowercase().as_str() {
        "on" | "yes" | "y" | "true" | "1" => true,
        "off" | "no" | "n" | "false" | "0" => false,
        // the spelling of the log line is the reference's
        _ => return never(format!(" invalid auto_faiback value({value})")),
    };
    logger.log(Level::Debug, &format!("auto_failback -> {} ({value})", i32::from(on)));
    Ok(on)
}

/// Where a core dump would be looked for. Without it ipfail runs as well.
fn enter_core_directory(client: &mut Client) {
    let reply = client.ask("getparm", &[("pname", "coreroot")]).ok();
    let root = reply.as_ref().and_then(|reply| reply.text("pvalue")).unwrap_or("/var/lib/heartbeat/cores");
    if let Ok(Some(user)) = nix::unistd::User::from_uid(nix::unistd::geteuid()) {
        let _ = std::env::set_current_dir(std::path::Path::new(root).join(user.name));
    }
}

/// The other side: of several nodes that which is named first, as the reference finds it.
fn find_peer(client: &mut Client, me: &str, logger: &Logger) -> Result<String, Failure> {
    let debug = |text: String| logger.log(Level::Debug, &text);
    debug("Starting node walk".to_owned());
    let nodes = client.walk("nodelist", &[]).map_err(|error| failure(9, "Cannot start node walk", &error))?;
    let mut peer = None;
    for node in nodes.iter().rev() {
        let text = |name| Message::text(node, name).unwrap_or_default();
        let (name, status) = (text("node"), text("st"));
        debug(format!("Cluster node: {name}: status: {status}"));
        if text("nodetype") == "normal" && !name.eq_ignore_ascii_case(me) {
            debug(format!("[They are {name}]"));
            peer = Some(name.to_owned());
        }
    }
    // a cluster of one: nobody to give anything to
    Ok(peer.unwrap_or_default())
}
