//! The threads that run jobs. They are there from the start: a take-over must not depend on whether the
//! system has room for a new thread.

use crate::engine::{Input, Job, JobId};
use crate::resources::{Context, run_job};
use crate::sys::realtime;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::mpsc;

/// Jobs that run beside each other at most. The engine runs one hook at a time, and at most an
/// acquisition and a standby beside it, the reset of a node and a look at the device that does it, and two
/// announcements.
const THREADS: usize = 8;

/// Takes jobs and never makes the caller wait.
pub(super) struct Executor {
    queue: Sender<(JobId, Job)>,
}

impl Executor {
    /// Starts the threads. The messages and the end of each job go to `inputs`, in this order.
    pub(super) fn start(
        context: &Context,
        inputs: &mpsc::Sender<Input>,
        preferred: bool,
    ) -> io::Result<Self> {
        let (queue, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..THREADS {
            let (jobs, context, inputs) = (Arc::clone(&jobs), context.clone(), inputs.clone());
            thread::Builder::new().name(format!("job {number}")).spawn(move || {
                if preferred {
                    realtime::prefer();
                }
                work(&jobs, &context, &inputs);
            })?;
        }
        Ok(Self { queue })
    }

    /// Hands over a job.
    pub(super) fn run(&self, id: JobId, job: Job) {
        // The threads live as long as this queue.
        let _ = self.queue.send((id, job));
    }
}

fn work(jobs: &Mutex<Receiver<(JobId, Job)>>, context: &Context, inputs: &mpsc::Sender<Input>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, job)) = next else { return };
        let well = run_job(&job, context, &mut |message| {
            let _ = inputs.blocking_send(Input::Local(message));
        });
        let end = if well { Input::JobDone(id) } else { Input::JobFailed(id) };
        if inputs.blocking_send(end).is_err() {
            return;
        }
    }
}
