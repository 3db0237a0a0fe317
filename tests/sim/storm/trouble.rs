//! What happens to the pair: each [`Fault`] of a script, and the end of all trouble.

use super::cables::Cables;
use super::script::{Fault, ms};
use super::world::{Event, Packet, Waiting, World};
use heartbeat::engine::Input;
use heartbeat::wire::Message;
use std::time::Duration;

impl World {
    pub fn apply(&mut self, fault: &Fault) {
        let local = |message| Input::Local(message);
        match *fault {
            Fault::Start(at) if self.nodes[at].seat.is_none() && !self.comes_back(at) => self.boot(at, None),
            Fault::Start(_) | Fault::Recover => {}
            Fault::Stop(at) => self.give(at, Input::Shutdown),
            Fault::Crash(at) => self.crash(at),
            Fault::Kill(at) => self.kill(at),
            Fault::Reload(at) => self.give(at, Input::Reload),
            Fault::Standby(at, set) => {
                self.give(
                    at,
                    local(Message::of("ask_resources").with("rsc_hold", set.word()).with("info", "me")),
                );
            }
            Fault::Takeover(at, set) => {
                self.give(at, local(Message::of("hb_takeover").with("rsc_hold", set.word())));
            }
            Fault::Cut(from, link) => self.cables.cut(from, link),
            Fault::Join => self.cables.join(),
            Fault::Loss(percent) => self.cables.loss = f64::from(percent) / 100.0,
            Fault::Duplicate(percent) => self.cables.duplicate = f64::from(percent) / 100.0,
            Fault::Delay(time) => self.cables.delay = time,
            Fault::Pause(at, time) => self.sleep(at, time, false),
            Fault::Suspend(at, time) => self.sleep(at, time, true),
            Fault::Starve(at, time) => self.nodes[at].starved = time,
            Fault::Clock(at, seconds) => self.nodes[at].clock += seconds,
            Fault::BreakStart(at, group) => self.nodes[at].no_start[group] = true,
            Fault::BreakStop(at, group) => self.nodes[at].no_stop[group] = true,
            Fault::Mend(at) => (self.nodes[at].no_start, self.nodes[at].no_stop) = ([false; 2], [false; 2]),
            Fault::Ping(at, up) => self.nodes[at].pingable = up,
            Fault::Replay(at, count) => self.replay(at, count),
        }
    }

    /// The daemon is told as soon as it runs.
    fn give(&mut self, at: usize, input: Input) {
        let life = self.nodes[at].life;
        if self.nodes[at].seat.is_some() {
            self.nodes[at].waiting.push_back(Waiting::Input { life, input });
            self.at(self.now, Event::Look);
        }
    }

    fn sleep(&mut self, at: usize, time: Duration, deaf: bool) {
        let node = &mut self.nodes[at];
        node.asleep_until = node.asleep_until.max(self.now + time);
        node.deaf = deaf;
    }

    fn replay(&mut self, to: usize, count: u8) {
        let from_peer: Vec<Packet> =
            self.memory.iter().filter(|(from, _)| *from != to).map(|(_, p)| p.clone()).collect();
        for _ in 0..count.min(from_peer.len() as u8) {
            let packet = from_peer[self.random.usize(..from_peer.len())].clone();
            let soon = ms(self.random.u64(0..1000));
            // Long ago: it proves to nobody that the sender can be heard.
            self.at(self.now + soon, Event::Deliver { to, link: 0, sent: Duration::ZERO, packet });
        }
    }

    /// The end of all trouble: everything is whole. Who sleeps is still to wake up.
    pub fn mend_all(&mut self) {
        self.cables = Cables::new(self.config.links);
        for at in 0..2 {
            let node = &mut self.nodes[at];
            (node.starved, node.pingable) = (Duration::ZERO, true);
            self.apply(&Fault::Mend(at));
        }
    }

    pub fn everybody_awake(&self) -> Duration {
        self.nodes.iter().map(|n| n.asleep_until).max().unwrap_or_default()
    }

    pub fn start_what_is_down(&mut self) {
        for at in 0..2 {
            self.apply(&Fault::Start(at));
        }
    }
}
