//! What the engine tells the operator: typed events. `words` is the one place where they become lines.

use super::{GapSummary, Reason};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something worth a log line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each variant is told by the words that `lines` gives it")]
pub enum Note {
    LocalStatus(String),
    LinkUp {
        node: String,
        link: String,
    },
    LinkDead {
        node: String,
        link: String,
    },
    StatusUpdate {
        node: String,
        status: String,
    },
    CommNowUp,
    NodeDead(String),
    /// Why `NodeDead` was said: a line of our own.
    Silence {
        node: String,
        silent: Duration,
        allowed: Duration,
    },
    Late {
        node: String,
        interval: Duration,
        fatal: bool,
    },
    Asleep(Duration),
    /// Lines of our own: how regularly a peer was heard over one link, and over all of them.
    Gaps {
        node: String,
        over: String,
        gaps: GapSummary,
    },
    GapsInAll {
        node: String,
        gaps: GapSummary,
        given: Duration,
        directive: String,
    },
    HeartbeatRestart(String),
    UuidChanged {
        node: String,
        uuid: [u8; 16],
    },
    Renamed {
        node: String,
        claimed: String,
    },
    DuplicateName,
    UnknownNode {
        node: String,
        kind: String,
    },
    Incomplete {
        link: String,
        from: String,
    },
    BadSequence(String),
    NoSequence {
        link: String,
        from: String,
    },
    Replay {
        node: String,
        generation: u64,
        current: u64,
    },
    NoStatus,
    FlowControlOff,
    Lost {
        node: String,
        count: u64,
        last: u64,
        seq: u64,
    },
    LostALot,
    NothingMissing(String),
    BadResend,
    ResendBeyond {
        seq: u64,
        highest: u64,
    },
    CannotResend {
        seq: u64,
        node: String,
        why: String,
        acked: u64,
        highest: u64,
        lowest: u64,
    },
    LostForGood {
        node: String,
        seq: u64,
    },
    BadAck {
        highest: u64,
        acked: u64,
    },
    QueueFilling(u64),
    ClientsPaused,
    ClientsResumed,
    ClientMessageLost,
    Unsendable(String),
    OutOfPlace {
        link: String,
        from: String,
    },
    AddingNode(String),
    AddFailed {
        node: String,
        why: String,
    },
    DeleteAlive(String),
    DeleteWithout(String),
    RemovingNode(String),
    NoSuchNode(String),
    NodeListDiffers {
        node: String,
        theirs: String,
        ours: String,
    },
    Partition(String),
    NoStonith,
    ResetFailed(String),
    /// A line of our own: the reference goes on.
    ResetNoMore(String),
    GaveUpResources(String),
    BeingAcquired(String),
    TakeoverCancelled,
    MachDownComplete,
    MachDownSilent,
    LocalAcquisitionNone,
    RemoteTransition,
    LocalTransition,
    AcquisitionComplete(String),
    StartingInState(u8),
    StartingDuringTakeover,
    ResourceInState(u8),
    BadHold(String),
    BothOwn,
    BothOwnForeign,
    NobodyOwnsLocal,
    NobodyOwnsForeign,
    /// A line of our own: what we do about `NobodyOwnsLocal`.
    ClaimUnowned,
    ClaimForeign,
    TryAgain(String),
    /// Lines of our own: the reference leaves it so.
    DoubleYield {
        node: String,
        set: String,
        reason: Reason,
    },
    DoubleKeep {
        node: String,
        set: String,
        reason: Reason,
    },
    DoubleOver {
        node: String,
        set: String,
    },
    StandbyLegacy,
    StandbyBusy {
        node: String,
        left: Duration,
    },
    StandbyFlux {
        info: String,
        node: String,
        local: bool,
    },
    WantsStandby {
        node: String,
        set: String,
    },
    CanTake {
        node: String,
        set: String,
    },
    /// Lines of our own, between two of ours.
    StandbyUnable(String),
    StandbyRefused {
        node: String,
        set: String,
    },
    StandbyReleased(String),
    StandbyAcquire {
        node: String,
        set: String,
    },
    StandbyAcquired(String),
    StandbyTaken(String),
    StandbyIgnored {
        info: String,
        node: String,
        state: u8,
    },
    StandbyTimeout,
    StandbyCancelled,
    ShutdownNotice(String),
    ShutdownDelayedComm,
    ShutdownDelayed,
    ShutdownBegins(u32),
    RestartTriggered,
}
