//! Children: jobs that run at once, hooks that wait until nothing runs (8.8).

use super::{Reference, Standby, Wish};
use heartbeat::engine::{Job, JobId, Verb};
use heartbeat::level::Level;
use heartbeat::wire::{Message, Value};

fn gives(job: &Job) -> bool {
    matches!(job, Job::GiveUpAll | Job::Standby { verb: Verb::Give, .. })
}

fn takes(job: &Job) -> bool {
    let dead = |env: &[(String, String)]| env.iter().any(|(name, value)| name == "HA_st" && value == "dead");
    match job {
        Job::AcquireLocal { .. } | Job::Standby { verb: Verb::Take, .. } => true,
        Job::Hook { kind, env } => kind.starts_with("ip-request") || (kind == "status" && dead(env)),
        _ => false,
    }
}

impl Reference {
    pub(super) fn run(&mut self, job: Job) {
        self.last_job += 1;
        let id = JobId(self.last_job);
        self.children.insert(id, job.clone());
        let all = || self.children.values().chain(&self.queue);
        self.raced |= all().any(takes) && all().any(gives);
        self.out.push(Wish::Run { id, job });
    }

    pub(super) fn queue_hook(&mut self, kind: &str, message: &Message) {
        let kind = kind.to_ascii_lowercase();
        if !self.settings.hooks.contains(&kind) {
            return;
        }
        let text = |field: &heartbeat::wire::Field| match &field.value {
            Value::Text(value) => Some((
                format!("HA_{}", String::from_utf8_lossy(&field.name)),
                String::from_utf8_lossy(value).into_owned(),
            )),
            _ => None,
        };
        let mut env: Vec<_> = message.fields().iter().filter_map(text).collect();
        env.push(("HA_OSTATUS".to_owned(), self.status.clone()));
        if self.nice() {
            env.push(("HA_NICEFAILBACK".to_owned(), "yes".to_owned()));
        }
        self.queue.push_back(Job::Hook { kind, env });
        self.run_queued();
    }

    fn run_queued(&mut self) {
        if self.children.is_empty()
            && let Some(job) = self.queue.pop_front()
        {
            self.run(job);
        }
    }

    pub(super) fn job_done(&mut self, id: JobId) {
        match self.children.remove(&id) {
            Some(Job::AcquireLocal { .. }) => {
                self.log(Level::Info, format_args!("Local Resource acquisition completed."));
                // The child says so: it knows nothing of a shutdown.
                if !self.is_leaving() {
                    self.send_held(true, Some("req_our_resources()"));
                }
            }
            Some(Job::Standby { verb, .. }) => {
                // What an earlier hand-over took passes for what a later one gave: it runs, and is not known.
                self.raced |= verb == Verb::Take && self.standby == Standby::Me;
                let what = if verb == Verb::Give { "release" } else { "acquisition" };
                let word = self.standby_set.word();
                self.log(Level::Info, format_args!("{word} HA resource {what} completed (standby)."));
                self.send(Message::of("ask_resources").with("rsc_hold", word).with("info", "done"));
            }
            Some(Job::GiveUpAll) => self.send(Message::of("shutdone").with("st", "dead")),
            _ => {}
        }
        self.run_queued();
        self.leave_on();
    }
}
