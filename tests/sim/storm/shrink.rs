//! Makes a failing script shorter while it fails in the same way: fewer steps, a simpler configuration, rounder
//! and shorter times. What is left is for people to read.

use super::play::play;
use super::script::{Config, Fault, Script, Step, ms};
use super::watch::Failure;
use std::time::Duration;

/// Attempts at most: a slow script must not take for ever.
const MOST_TRIES: usize = 4000;

pub struct Shrink {
    pub script: Script,
    property: char,
    tries: usize,
}

/// The shortest script found that breaks the same property.
pub fn shrink(script: &Script, failure: &Failure) -> Script {
    let mut shrink = Shrink { script: script.clone(), property: failure.property, tries: 0 };
    loop {
        let before = shrink.script.clone();
        shrink.drop_steps();
        shrink.simplify_config();
        shrink.soften_steps();
        shrink.shorten_times();
        if shrink.script == before || shrink.tries >= MOST_TRIES {
            return shrink.script;
        }
    }
}

impl Shrink {
    /// Takes the candidate if it still fails.
    fn try_this(&mut self, candidate: Script) -> bool {
        if candidate == self.script || self.tries >= MOST_TRIES {
            return false;
        }
        self.tries += 1;
        let fails = matches!(play(&candidate), Err(failure) if failure.property == self.property);
        if fails {
            self.script = candidate;
        }
        fails
    }

    fn drop_steps(&mut self) {
        let mut size = self.script.steps.len().div_ceil(2);
        while size > 0 {
            let mut from = 0;
            while from < self.script.steps.len() {
                let mut candidate = self.script.clone();
                let to = (from + size).min(candidate.steps.len());
                candidate.steps.drain(from..to);
                if !self.try_this(candidate) {
                    from += size;
                }
            }
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn simplify_config(&mut self) {
        let simpler: [fn(&mut Config); 15] = [
            |c| c.links = 1,
            |c| c.bcast = false,
            |c| c.ping = false,
            |c| c.signed = false,
            |c| c.fencing = false,
            |c| c.lag = Duration::ZERO,
            |c| c.script = [ms(1); 2],
            |c| c.script = [ms(40); 2],
            |c| c.script = [c.script[1]; 2],
            |c| c.rexmit = ms(250),
            |c| c.failback = heartbeat::engine::Failback::On,
            |c| c.initdead = c.deadtime * 2,
            |c| c.warntime = c.deadtime / 2,
            |c| (c.keepalive, c.deadtime, c.warntime, c.initdead) = (ms(500), ms(3000), ms(1500), ms(6000)),
            // Property (d) is watched for every third seed.
            |c| c.seed = 3,
        ];
        for change in simpler {
            let mut candidate = self.script.clone();
            change(&mut candidate.config);
            self.try_this(candidate);
        }
    }

    /// Milder troubles of the same kind.
    fn soften_steps(&mut self) {
        for at in 0..self.script.steps.len() {
            for what in milder(&self.script.steps[at].what) {
                let mut candidate = self.script.clone();
                candidate.steps[at].what = what;
                self.try_this(candidate);
            }
        }
    }

    fn shorten_times(&mut self) {
        for at in 0..self.script.steps.len() {
            let before = at.checked_sub(1).map_or(Duration::ZERO, |b| self.script.steps[b].at);
            let gap = self.script.steps[at].at - before;
            for shorter in [Duration::ZERO, gap / 4, gap / 2, gap * 3 / 4, round(gap, 1000), round(gap, 100)]
            {
                if shorter < gap && self.try_this(moved(&self.script, at, gap - shorter)) {
                    break;
                }
            }
        }
    }
}

fn round(time: Duration, to: u64) -> Duration {
    ms(time.as_millis() as u64 / to * to)
}

/// Everything from that step on, earlier.
fn moved(script: &Script, from: usize, by: Duration) -> Script {
    let mut script = script.clone();
    for Step { at, .. } in script.steps.iter_mut().skip(from) {
        *at -= by;
    }
    script
}

fn milder(fault: &Fault) -> Vec<Fault> {
    match *fault {
        Fault::Cut(_, Some(_)) => vec![Fault::Cut(None, None)],
        Fault::Cut(Some(_), None) => vec![Fault::Cut(None, None)],
        Fault::Replay(node, count) => vec![Fault::Replay(node, 1), Fault::Replay(node, count / 2)],
        Fault::Pause(node, time) => vec![Fault::Pause(node, time / 2), Fault::Pause(node, round(time, 1000))],
        Fault::Suspend(node, time) => vec![
            Fault::Pause(node, time),
            Fault::Suspend(node, time / 2),
            Fault::Suspend(node, round(time, 1000)),
        ],
        Fault::Starve(node, time) => {
            vec![Fault::Starve(node, time / 2), Fault::Starve(node, round(time, 100))]
        }
        Fault::Delay(time) => vec![Fault::Delay(Duration::ZERO), Fault::Delay(time / 2)],
        Fault::Loss(percent) => vec![Fault::Loss(0), Fault::Loss(percent / 2)],
        _ => Vec::new(),
    }
}
