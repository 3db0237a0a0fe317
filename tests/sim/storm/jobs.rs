//! The stock scripts, played: which groups go up and down, what is said, how long it takes, and what follows
//! when a group will not start or stop (resources.md sections 3, 4, 6).

use super::script::NAMES;
use super::world::{Event, World};
use heartbeat::engine::{Hold, Input, Job, JobId, Verb};
use heartbeat::wire::Message;
use std::time::Duration;

/// A group that could not be started: the node asks for standby after this.
const GIVE_AWAY_AFTER: Duration = Duration::from_secs(30);
/// A look ahead that nobody waits for to its end.
const LONG_LOOK: Duration = Duration::from_secs(20);
/// What a fencing device takes.
const RESET: Duration = Duration::from_millis(300);

impl World {
    pub fn run_job(&mut self, node: usize, id: JobId, job: &Job) {
        let mut at = self.now;
        match job {
            Job::AcquireLocal { nice, dont_ask } => {
                at += self.script_time();
                if !self.nodes[node].groups[node] {
                    self.say(node, at, wish_for(node, *nice || *dont_ask));
                }
            }
            Job::Standby { verb, set } => {
                let groups = groups_of(node, *set);
                at = self.play_all(node, at, &groups, *verb == Verb::Take);
            }
            Job::ReleaseLeftovers => {
                let running: Vec<usize> = (0..2).filter(|g| self.nodes[node].groups[*g]).collect();
                at = self.play_all(node, at, &running, false);
            }
            Job::GiveUpAll => at = self.play_all(node, at, &[0, 1], false),
            Job::Hook { kind, env } => at = self.hook(node, kind, env),
            Job::Reset { .. } => {
                let life = self.nodes[node].life;
                return self.at(at + RESET, Event::Shot { node, life, id });
            }
            Job::CheckDevice => {}
            Job::Announce { set, for_peer } => at = self.announce(node, *set, *for_peer),
            Job::Prepare { set } => return self.look_ahead(node, id, *set),
        }
        self.end_job(node, at, Input::JobDone(id));
    }

    fn end_job(&mut self, node: usize, at: Duration, input: Input) {
        let life = self.nodes[node].life;
        self.at(at, Event::Input { node, life, input });
    }

    /// Some obstacles are seen beforehand, some are none in the end; and some disks stand still.
    fn look_ahead(&mut self, node: usize, id: JobId, set: Hold) {
        let broken = groups_of(node, set).iter().any(|group| self.nodes[node].no_start[*group]);
        let doubts = match (broken, self.config.seed.is_multiple_of(8)) {
            (true, _) => self.random.u8(0..2) == 0,
            (false, sees_ghosts) => sees_ghosts && self.random.u8(0..16) == 0,
        };
        let stands_still = self.random.u8(0..16) == 0;
        let at = self.now + if stands_still { LONG_LOOK } else { self.script_time() };
        self.end_job(node, at, if doubts { Input::JobFailed(id) } else { Input::JobDone(id) });
    }

    fn script_time(&mut self) -> Duration {
        let [least, most] = self.config.script.map(|t| t.as_micros() as u64);
        Duration::from_micros(self.random.u64(least..=most.max(least)))
    }

    fn play_all(&mut self, node: usize, mut at: Duration, groups: &[usize], up: bool) -> Duration {
        for owner in groups {
            at += self.script_time();
            let power = self.nodes[node].power;
            self.at(at, Event::Group { node, power, owner: *owner, up });
        }
        at
    }

    /// A script has done its work, or cannot.
    pub fn script_acts(&mut self, node: usize, owner: usize, up: bool) {
        let machine = &mut self.nodes[node];
        if machine.groups[owner] == up {
            return;
        }
        match up {
            true if machine.no_start[owner] => {
                machine.failed[owner] = true;
                let request = Message::of("ask_resources").with("rsc_hold", "foreign").with("info", "me");
                self.say(node, self.now + GIVE_AWAY_AFTER, request);
            }
            true => {
                machine.groups[owner] = true;
                machine.failed[owner] = false;
                self.told[owner] = Some(node);
            }
            false if machine.no_stop[owner] => self.reboot(node),
            false => machine.groups[owner] = false,
        }
    }

    /// The device takes the other machine's power away for a while, or fails to.
    pub fn shoot(&mut self, node: usize, id: JobId) {
        let life = self.nodes[node].life;
        let input = match self.random.u8(0..4) {
            0 => Input::JobFailed(id),
            _ => {
                self.reboot(1 - node);
                Input::JobDone(id)
            }
        };
        self.at(self.now, Event::Input { node, life, input });
    }

    fn hook(&mut self, node: usize, kind: &str, env: &[(String, String)]) -> Duration {
        let value = |name: &str| env.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
        let at = self.now + Duration::from_millis(2);
        let from = NAMES.iter().position(|n| *n == value("HA_src"));
        match (kind, from) {
            ("status", Some(dead)) if value("HA_st") == "dead" => {
                let at = self.play_all(node, at, &[dead], true);
                if value("HA_NICEFAILBACK") == "yes" {
                    self.say(
                        node,
                        at,
                        Message::of("resource").with("rsc_hold", "foreign").with("info", "mach_down"),
                    );
                }
                at
            }
            ("ip-request-resp", _) if value("HA_dest") == NAMES[node] && value("HA_ok") == "OK" => {
                let owner = if value("HA_ipaddr") == "0" { 0 } else { 1 };
                self.play_all(node, at, &[owner], true)
            }
            ("ip-request", Some(asker)) => self.answer_request(node, asker, value("HA_ipaddr"), at),
            ("hb_takeover", Some(asker)) if asker != node => {
                let set = match value("HA_rsc_hold") {
                    "local" => "foreign",
                    "foreign" => "local",
                    _ => "all",
                };
                self.say(node, at, Message::of("ask_resources").with("rsc_hold", set).with("info", "me"));
                at
            }
            _ => at,
        }
    }

    /// The old protocol: a group that runs here is released, then granted.
    fn answer_request(&mut self, node: usize, asker: usize, key: &str, at: Duration) -> Duration {
        let owner = if key == "0" { 0 } else { 1 };
        let own = self.nodes[node].groups[owner];
        let at = match own {
            true => self.play_all(node, at, &[owner], false),
            false => at,
        };
        let answer = Message::of("ip-request-resp").with("dest", NAMES[asker]).with("ipaddr", key);
        let answer = answer.with("weown", if own { "yes" } else { "no" });
        self.say(node, at, answer.with("ok", "OK"));
        at
    }

    /// A message for the daemon of now.
    fn say(&mut self, node: usize, at: Duration, message: Message) {
        let life = self.nodes[node].life;
        self.at(at, Event::Input { node, life, input: Input::Local(message) });
    }
}

/// What `req_resource` writes: a grant to itself, or a question.
fn wish_for(node: usize, granted: bool) -> Message {
    let key = node.to_string();
    match granted {
        false => Message::of("ip-request").with("ipaddr", &key),
        true => {
            let grant = Message::of("ip-request-resp").with("dest", NAMES[node]).with("ipaddr", &key);
            grant.with("weown", "yes").with("ok", "OK")
        }
    }
}

pub fn groups_of(node: usize, set: Hold) -> Vec<usize> {
    match set {
        Hold::None => vec![],
        Hold::Local => vec![node],
        Hold::Foreign => vec![1 - node],
        Hold::All => vec![0, 1],
    }
}
