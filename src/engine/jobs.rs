//! Running jobs and the queue of hooks (8.8, resources.md section 4).
//!
//! Hooks wait until nothing else runs and run one at a time. So does releasing for a standby: an
//! acquisition that is still on its way must not come after it. Other jobs start at once.

use super::{Action, Engine, Hold, Job, JobId, Note, TAKING, Verb};
use crate::wire::{Message, Value};
use std::collections::{BTreeMap, VecDeque};

/// A script is given no message type longer than this.
const LONGEST_TYPE: usize = 31;
/// Hooks that peers may make wait here. What this node has asked of itself always finds room: each is a
/// group that would be lost.
const LONGEST_QUEUE: usize = 1024;
/// Announcements beside each other. Each goes on for a second or two, and looks anew at each round.
const MOST_ANNOUNCING: usize = 2;

#[derive(Default)]
pub(super) struct Jobs {
    running: BTreeMap<JobId, Job>,
    /// What no hook and no shutdown waits for: the fencing device, announcements, a look ahead.
    beside: BTreeMap<JobId, Job>,
    queue: VecDeque<Job>,
    last_id: u64,
}

impl Jobs {
    /// How many jobs run or wait.
    pub(super) fn held(&self) -> usize {
        self.running.len() + self.beside.len() + self.queue.len()
    }

    /// No script runs and none waits.
    pub(super) fn idle(&self) -> bool {
        self.running.is_empty() && self.queue.is_empty()
    }

    /// Whether a standby job of this kind runs or waits.
    pub(super) fn moving(&self, what: Verb) -> bool {
        let mut jobs = self.running.values().chain(&self.queue);
        jobs.any(|job| matches!(job, Job::Standby { verb, .. } if *verb == what))
    }

    /// What an earlier life left behind is still being released.
    pub(super) fn cleaning(&self) -> bool {
        self.running.values().any(|job| *job == Job::ReleaseLeftovers)
    }

    /// What waiting jobs will take.
    pub(super) fn acquiring(&self) -> Hold {
        self.queue.iter().fold(Hold::None, |all, job| match job {
            Job::AcquireLocal { .. } => all.with(Hold::Local),
            Job::Hook { kind, env } if kind == "status" && takes_over(env) => all.with(Hold::Foreign),
            Job::Standby { verb: Verb::Take, set } => all.with(*set),
            _ => all,
        })
    }

    /// What is on its way out.
    pub(super) fn releasing(&self) -> Hold {
        let running = self.running.values().chain(&self.queue);
        running.fold(Hold::None, |all, job| match job {
            Job::Standby { verb: Verb::Give, set } => all.with(*set),
            _ => all,
        })
    }
}

impl Engine {
    pub(super) fn run(&mut self, job: Job) {
        let id = self.start_job(job.clone());
        self.jobs.running.insert(id, job);
    }

    /// Runs a job that no hook and no shutdown waits for: a device may be slow.
    pub(super) fn run_beside(&mut self, job: Job) -> JobId {
        let id = self.start_job(job.clone());
        self.jobs.beside.insert(id, job);
        id
    }

    fn start_job(&mut self, job: Job) -> JobId {
        self.jobs.last_id += 1;
        let id = JobId(self.jobs.last_id);
        self.actions.push(Action::Run { id, job });
        id
    }

    /// Queues the hook for a message, if there is one of that name. One that takes groups is run also where there is
    /// none: nobody would have them, and what waits for its end would wait for ever.
    pub(super) fn queue_hook(&mut self, kind: &str, message: &Message) {
        let kind = kind.to_ascii_lowercase();
        let takes = TAKING.contains(&kind.as_str())
            && (kind != "status" || is_members_death(|name, value| message.text(name) == Some(value)));
        if kind.len() > LONGEST_TYPE || !takes && !self.settings.hooks.contains(&kind) {
            return;
        }
        let env = self.hook_environment(message);
        self.run_when_idle(Job::Hook { kind, env });
    }

    /// The same on a peer's word, which cannot make us hoard.
    pub(super) fn queue_peer_hook(&mut self, kind: &str, message: &Message) {
        if self.jobs.queue.len() < LONGEST_QUEUE {
            self.queue_hook(kind, message);
        }
    }

    /// Runs what acquires groups, behind what still releases some: it would find running what is about to be
    /// stopped.
    pub(super) fn run_taking(&mut self, job: Job) {
        match self.jobs.moving(Verb::Give) {
            true => self.run_when_idle(job),
            false => self.run(job),
        }
    }

    /// Announces, unless that is being done already in every way there is.
    pub(super) fn announce_again(&mut self, set: Hold, for_peer: bool) {
        let announcing = self.jobs.beside.values().filter(|job| matches!(job, Job::Announce { .. })).count();
        if announcing < MOST_ANNOUNCING {
            self.run_beside(Job::Announce { set, for_peer });
        }
    }

    /// Looks whether groups can be acquired; not while an earlier look goes on: a disk may stand still.
    pub(super) fn look_ahead(&mut self, set: Hold) -> Option<JobId> {
        let looking = self.jobs.beside.values().any(|job| matches!(job, Job::Prepare { .. }));
        (!looking).then(|| self.run_beside(Job::Prepare { set }))
    }

    pub(super) fn run_when_idle(&mut self, job: Job) {
        self.jobs.queue.push_back(job);
        self.next_queued();
    }

    fn hook_environment(&self, message: &Message) -> Vec<(String, String)> {
        let mut env = Vec::new();
        for field in message.fields() {
            if let (Ok(name), Value::Text(value)) = (std::str::from_utf8(&field.name), &field.value) {
                env.push((format!("HA_{name}"), String::from_utf8_lossy(value).into_owned()));
            }
        }
        env.push(("HA_OSTATUS".to_owned(), self.status().to_owned()));
        if self.nice() {
            env.push(("HA_NICEFAILBACK".to_owned(), "yes".to_owned()));
        }
        env
    }

    fn next_queued(&mut self) {
        if self.jobs.running.is_empty()
            && let Some(job) = self.jobs.queue.pop_front()
        {
            self.run(job);
        }
    }

    pub(super) fn job_done(&mut self, id: JobId, well: bool) {
        let started = self.jobs.running.remove(&id).or_else(|| self.jobs.beside.remove(&id));
        let Some(job) = started else {
            return;
        };
        match job {
            Job::Hook { kind, .. } if kind == "ip-request-resp" => {
                self.own_groups_came();
                self.local_settled("ip-request-resp");
            }
            Job::Hook { kind, .. } if kind == "ip-request" => self.peers_groups_went(),
            Job::Hook { kind, env } if kind == "status" => self.death_hook_done(&env),
            Job::Hook { .. } => {}
            Job::AcquireLocal { .. } => self.local_acquired(),
            Job::Standby { verb, set } => self.standby_job_done(verb, set),
            Job::ReleaseLeftovers => self.check_startup(),
            Job::Reset { .. } => self.reset_done(id, well),
            Job::CheckDevice => self.device_checked(),
            Job::Prepare { .. } => self.prepared(id, well),
            Job::Announce { .. } => {}
            Job::GiveUpAll => self.send(Message::of("shutdone").with("st", "dead")),
        }
        self.next_queued();
        self.audit();
        self.retry_shutdown();
    }

    /// The take-over is over, whether or not the hook found words for it: nothing may wait for ever.
    fn death_hook_done(&mut self, env: &[(String, String)]) {
        let dead = takes_over(env);
        if dead && !self.nice() {
            self.resources.i_hold = self.resources.i_hold.with(Hold::Foreign);
        }
        if dead && self.resources.takeover_in_progress {
            self.resources.takeover_in_progress = false;
            self.note(Note::MachDownSilent);
        }
    }

    /// Legacy mode: a peer that asks for one of its groups asks for all of them.
    fn peers_groups_went(&mut self) {
        if !self.nice() {
            self.resources.i_hold = self.resources.i_hold.without(Hold::Foreign);
        }
    }

    fn local_acquired(&mut self) {
        self.own_groups_came();
        self.local_settled("req_our_resources");
        if self.is_shutting_down() {
            return;
        }
        self.send_held(true, Some("req_our_resources()"));
    }

    pub(super) fn on_ip_request(&mut self, from: usize, message: &Message) {
        if from != self.me {
            self.queue_peer_hook("ip-request", message);
        } else if let Some(key) = message.text("ipaddr") {
            self.resources.unanswered.insert(key.to_owned());
        }
    }

    /// The grant to take a group. One that comes after this node has let its groups go is void.
    pub(super) fn on_ip_request_resp(&mut self, from: usize, message: &Message) {
        let void = self.nice() && !self.resources.i_hold.includes(Hold::Local);
        if let Some(key) = message.text("ipaddr").filter(|_| message.text("dest") == Some(&self.settings.me))
        {
            self.resources.unanswered.remove(key);
        }
        match self.is_shutting_down() || void {
            true => {}
            false if from == self.me => self.queue_hook("ip-request-resp", message),
            false => self.queue_peer_hook("ip-request-resp", message),
        }
    }
}

/// Whether this environment of the hook `status` tells of a member's death.
fn takes_over(env: &[(String, String)]) -> bool {
    let is = |set: &str, name: &str| set.strip_prefix("HA_") == Some(name);
    is_members_death(|name, value| env.iter().any(|(n, v)| is(n, name) && v == value))
}

/// Whether a status that has these fields is for the hook to take the groups. With a ping node's death it takes nothing.
fn is_members_death(has: impl Fn(&str, &str) -> bool) -> bool {
    has("st", "dead") && !has("info", "ping")
}
