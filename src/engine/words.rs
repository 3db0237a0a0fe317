//! The words of each [`Note`].
//!
//! Where the reference has a line for an event, the line is the reference's (commands.md section 8),
//! because administrators and their log watchers grep for it.

use super::{GapSummary, Note};
use crate::level::Level;
use std::time::Duration;

const SPLIT_BRAIN: &str = "http://linux-ha.org/wiki/Split_Brain";
const HEAVY_LOAD: &str = "http://linux-ha.org/wiki/FAQ#Heavy_Load";

impl Note {
    /// The log lines, in order.
    pub fn lines(&self) -> Vec<(Level, String)> {
        match self {
            Note::Partition(node) => partition(node),
            Note::NoStonith => vec![
                (Level::Warn, "No STONITH device configured.".to_owned()),
                (Level::Warn, "Shared disks are not protected.".to_owned()),
            ],
            Note::CannotResend { seq, node, why, acked, highest, lowest } => vec![
                (Level::Error, format!("Cannot rexmit pkt {seq} for {node}: {why}")),
                (Level::Info, format!("fromnode ={node}, fromnode's ackseq = {acked}")),
                (Level::Info, format!("hist information: hiseq ={highest}, lowseq={lowest}")),
            ],
            Note::AddFailed { node, why } => {
                vec![error(why.as_str()), error(format!("Add node {node} failed"))]
            }
            Note::GapsInAll { node, gaps, given, directive } => vec![
                info(format!("Heartbeats of node {node}, over any link: {gaps}")),
                info(suggestion(node, gaps, *given, directive)),
            ],
            Note::NoSuchNode(node) => vec![
                error(format!("hb_remove_one_node: node {node} not found in config")),
                error(format!("Deleting node {node} failed")),
            ],
            one => vec![one.line()],
        }
    }

    /// Room by room, and none may be left without words: the last match has no wildcard, so that the compiler demands them.
    fn line(&self) -> (Level, String) {
        self.membership().or_else(|| self.transport()).unwrap_or_else(|| self.resources())
    }

    fn membership(&self) -> Option<(Level, String)> {
        Some(match self {
            Note::LocalStatus(s) => info(format!("Local status now set to: '{s}'")),
            Note::LinkUp { node, link } => info(format!("Link {node}:{link} up.")),
            Note::LinkDead { node, link } => info(format!("Link {node}:{link} dead.")),
            Note::StatusUpdate { node, status } => {
                info(format!("Status update for node {node}: status {status}"))
            }
            Note::CommNowUp => info("Comm_now_up(): updating status to active"),
            Note::NodeDead(node) => warn(format!("node {node}: is dead")),
            Note::Silence { node, silent, allowed } => info(format!(
                "node {node}: no heartbeat for {} ms; it asked to be given {} ms",
                silent.as_millis(),
                allowed.as_millis()
            )),
            Note::Late { node, interval, fatal: false } => {
                warn(format!("Late heartbeat: Node {node}: interval {} ms", interval.as_millis()))
            }
            Note::Late { node, interval, fatal: true } => (
                Level::Crit,
                format!("Late heartbeat: Node {node}: interval {} ms (> deadtime)", interval.as_millis()),
            ),
            Note::Asleep(gap) => warn(format!(
                "This process did not run for {} ms: listening first, before any node is called dead",
                gap.as_millis()
            )),
            Note::Gaps { node, over, gaps } => info(format!("Heartbeats of node {node} over {over}: {gaps}")),
            Note::HeartbeatRestart(node) => info(format!("Heartbeat restart on node {node}")),
            Note::NodeListDiffers { node, theirs, ours } => warn(format!(
                "node {node} is configured with the nodes [{theirs}], this node with [{ours}]: make the \
                 'node' lines of both ha.cf files equal"
            )),
            Note::AddingNode(node) => {
                info(format!("hb_add_one_node: Adding new node[{node}] to configuration."))
            }
            Note::RemovingNode(node) => info(format!("Removing node [{node}] from configuration.")),
            Note::DeleteAlive(node) => warn(format!("deletion failed: node {node} is not dead")),
            Note::DeleteWithout(node) => error(format!(
                "HBDoMsg_T_DELNODE: deletion failed. We don't have all required nodes alive ({node} is dead)"
            )),
            _ => return None,
        })
    }

    fn transport(&self) -> Option<(Level, String)> {
        Some(match self {
            Note::UuidChanged { node, uuid } => {
                info(format!("node {node} changed its uuid to {}", uuid_text(uuid)))
            }
            Note::Renamed { node, claimed } => warn(format!(
                "a message with the uuid of node {node} calls itself {claimed}: refused, the name stays"
            )),
            Note::DuplicateName => error(
                "another machine sends messages under this node's name: each node needs a name of its own",
            ),
            Note::UnknownNode { node, kind } => {
                error(format!("process_status_message: bad node [{node}] in message [t={kind}]"))
            }
            Note::Incomplete { link, from } => {
                error(format!("process_clustermsg: missing from/ts/type: iface {link}, from {from}"))
            }
            Note::BadSequence(seq) => error(format!("process_clustermsg: has bad cseq: {seq}")),
            Note::NoSequence { link, from } => {
                error(format!("process_clustermsg: missing seqno: iface {link}, from {from}"))
            }
            Note::Replay { node, generation, current } => error(format!(
                "should_drop_message: attempted replay attack [{node}]? [gen = {generation}, curgen = {current}]"
            )),
            Note::NoStatus => error("HBDoMsg_T_STATUS: status update without st field"),
            Note::FlowControlOff => info("flow control disabled due to different version heartbeat"),
            Note::Lost { node, count, last, seq } => {
                warn(format!("{count} lost packet(s) for [{node}] [{last}:{seq}]"))
            }
            Note::LostALot => error("lost a lot of packets!"),
            Note::NothingMissing(node) => info(format!("No pkts missing from {node}!")),
            Note::BadResend => error("Invalid rexmit seqnos"),
            Note::ResendBeyond { seq, highest } => {
                warn(format!("Rexmit of seq {seq} requested. {highest} is max."))
            }
            Note::LostForGood { node, seq } => {
                error(format!("Irretrievably lost packet: node {node} seq {seq}"))
            }
            Note::BadAck { highest, acked } => error(format!(
                "HBDoMsg_T_ACK: corrupted ackseq current hiseq = {highest} ackseq ={acked} in this message"
            )),
            Note::OutOfPlace { link, from } => warn(format!(
                "a message of {from} over {link} is refused: ping nodes are heard over their own link only"
            )),
            Note::ClientsPaused => info("all clients are now paused"),
            Note::ClientsResumed => info("all clients are now resumed"),
            Note::ClientMessageLost => {
                warn("clients send faster than the other node can take it: some messages are dropped")
            }
            Note::Unsendable(why) => warn(format!("a message of a script or client cannot be sent: {why}")),
            Note::QueueFilling(count) => {
                let text = format!("Message hist queue is filling up ({count} messages in queue)");
                if *count > 450 { error(text) } else { warn(text) }
            }
            _ => return None,
        })
    }

    fn resources(&self) -> (Level, String) {
        match self {
            Note::GaveUpResources(node) => info(format!("Dead node {node} gave up resources.")),
            Note::ResetFailed(node) => error(format!("STONITH of {node} failed.  Retrying...")),
            Note::ResetNoMore(node) => info(format!("node {node} is heard again: it is not reset any more.")),
            Note::BeingAcquired(node) => info(format!("Resources being acquired from {node}.")),
            Note::TakeoverCancelled => info("Resource takeover cancelled - shutdown in progress."),
            Note::MachDownComplete => info("mach_down takeover complete."),
            Note::MachDownSilent => warn("The status script ended and did not report the takeover complete."),
            Note::LocalAcquisitionNone => info("Local Resource acquisition completed. (none)"),
            Note::RemoteTransition => info("remote resource transition completed."),
            Note::LocalTransition => info("local resource transition completed."),
            Note::AcquisitionComplete(why) => info(format!("Initial resource acquisition complete ({why})")),
            Note::StartingInState(state) => error(format!("Received 'starting' message in state {state}")),
            Note::StartingDuringTakeover => info("T_STARTING received during takeover."),
            Note::ResourceInState(state) => error(format!("resource message received in state {state}")),
            Note::BadHold(word) => error(format!("encode_resources: bad resource type [{word}]")),
            Note::BothOwn => error("Both machines own our resources!"),
            Note::BothOwnForeign => error("Both machines own foreign resources!"),
            Note::NobodyOwnsLocal => error("No one owns our local resources!"),
            Note::NobodyOwnsForeign => error("No one owns foreign resources!"),
            Note::ClaimUnowned => warn("Nobody holds the local resource groups: acquiring them."),
            Note::DoubleYield { node, set, reason } => warn(reason.yielding(node, set)),
            Note::DoubleKeep { node, set, reason } => warn(reason.keeping(node, set)),
            Note::DoubleOver { node, set } => info(format!(
                "node {node} has let go of the {set} resource groups: announcing their addresses again."
            )),
            Note::ClaimForeign => warn("Nobody holds the resource groups of the other node: acquiring them."),
            Note::TryAgain(set) => {
                warn(format!("Nobody has taken what did not start here: trying again [{set}]."))
            }
            Note::ShutdownNotice(node) => info(format!("Received shutdown notice from '{node}'.")),
            Note::ShutdownDelayedComm => warn("Shutdown delayed until Communication is up."),
            Note::ShutdownDelayed => warn("Shutdown delayed until current resource activity finishes."),
            Note::ShutdownBegins(pid) => info(format!("Heartbeat shutdown in progress. ({pid})")),
            Note::RestartTriggered => info("Heartbeat restart triggered."),
            other => other.standby(),
        }
    }

    fn standby(&self) -> (Level, String) {
        match self {
            Note::StandbyLegacy => info("Standby mode only implemented when nice_failback on"),
            Note::StandbyBusy { node, left } => warn(format!(
                "Standby in progress- new request from {node} ignored [{} seconds left]",
                left.as_secs()
            )),
            Note::StandbyFlux { info, node, local: false } => {
                warn(format!("standby message [{info}] from {node} ignored.  Other side is in flux."))
            }
            Note::StandbyFlux { info, node, local: true } => {
                warn(format!("standby message [{info}] from {node} ignored.  local resources in flux."))
            }
            Note::WantsStandby { node, set } => info(format!("{node} wants to go standby [{set}]")),
            Note::CanTake { node, set } => info(format!("standby: {node} can take our {set} resources")),
            Note::StandbyUnable(set) => error(format!(
                "The {set} resource groups cannot be acquired here: refusing them, they stay where they run."
            )),
            Note::StandbyRefused { node, set } => error(format!(
                "standby: {node} cannot take our {set} resources, its log says why.  Standby request cancelled."
            )),
            Note::StandbyReleased(set) => info(format!("Local standby process completed [{set}].")),
            Note::StandbyAcquire { node, set } => {
                info(format!("standby: acquire [{set}] resources from {node}"))
            }
            Note::StandbyAcquired(set) => info(format!("Standby resource acquisition done [{set}].")),
            Note::StandbyTaken(set) => {
                info(format!("Other node completed standby takeover of {set} resources."))
            }
            Note::StandbyIgnored { info, node, state } => {
                error(format!("Ignored standby message '{info}' from {node} in state {state}"))
            }
            Note::StandbyTimeout => warn("No reply to standby request.  Standby request cancelled."),
            Note::StandbyCancelled => info("Cancelling pending standby operation"),
            other => (Level::Debug, format!("{other:?}")),
        }
    }
}

/// Two longest gaps, three heartbeats: see `gaps`.
fn suggestion(node: &str, gaps: &GapSummary, given: Duration, directive: &str) -> String {
    let given = given.as_millis();
    let left_out = match gaps.fatal {
        0 => String::new(),
        fatal => {
            let longest = gaps.max.as_millis();
            format!("; it does not bear those beyond {directive}: {fatal}, up to {longest} ms")
        }
    };
    match gaps.suggested {
        Some(suggested) => format!(
            "Suggested {directive} for node {node}: {} ms or more (in force: {given} ms){left_out}",
            suggested.as_millis()
        ),
        None => format!("Too few heartbeats of node {node} to suggest a {directive} (in force: {given} ms)"),
    }
}

fn partition(node: &str) -> Vec<(Level, String)> {
    vec![
        (Level::Crit, format!("Cluster node {node} returning after partition.")),
        info(format!("For information on cluster partitions, See URL: {SPLIT_BRAIN}")),
        warn("Deadtime value may be too small."),
        info("See FAQ for information on tuning deadtime."),
        info(format!("URL: {HEAVY_LOAD}")),
    ]
}

fn info(text: impl Into<String>) -> (Level, String) {
    (Level::Info, text.into())
}

fn warn(text: impl Into<String>) -> (Level, String) {
    (Level::Warn, text.into())
}

fn error(text: impl Into<String>) -> (Level, String) {
    (Level::Error, text.into())
}

/// The usual 8-4-4-4-12 form of 16 bytes.
pub fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut out = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    out
}
