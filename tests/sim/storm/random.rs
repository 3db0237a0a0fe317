//! From a seed to a script: a configuration, and some tens of faults in several minutes.
//!
//! Each seed draws which families of faults it has: with few of them the properties are at their strictest.

use super::script::{Config, Fault, Kind, Script, Step, ms};
use heartbeat::engine::{Failback, Hold};
use std::time::Duration;

pub fn script(seed: u64) -> Script {
    let seats = match seed % 4 {
        2 => [Kind::Ours, Kind::Model],
        3 => [Kind::Model, Kind::Ours],
        _ => [Kind::Ours; 2],
    };
    script_for(seed, seats)
}

pub fn script_for(seed: u64, seats: [Kind; 2]) -> Script {
    let mut dice = Dice(fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let config = config(&mut dice, seed, seats);
    let steps = steps(&mut dice, &config);
    Script { config, steps }
}

struct Dice(fastrand::Rng);

impl Dice {
    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.usize(..of.len())]
    }

    fn one_in(&mut self, of: u32) -> bool {
        self.0.u32(..of) == 0
    }

    fn time(&mut self, most: Duration) -> Duration {
        ms(self.0.u64(..=most.as_millis() as u64))
    }
}

fn config(dice: &mut Dice, seed: u64, seats: [Kind; 2]) -> Config {
    let keepalive = ms(dice.one_of(&[100, 200, 500, 500, 500, 1000, 1000, 2000]));
    let deadtime = keepalive * dice.one_of(&[3, 5, 5, 6, 10]);
    let script = match dice.0.u8(..5) {
        0 => [ms(1); 2],
        1 | 2 => [ms(1), ms(100)],
        3 => [ms(1), ms(800)],
        _ => [ms(1), deadtime * 3 / 2],
    };
    let model = seats.contains(&Kind::Model);
    Config {
        seats,
        failback: dice.one_of(&[Failback::On, Failback::On, Failback::Off, Failback::Legacy]),
        links: dice.one_of(&[1, 1, 2, 2, 3]),
        bcast: dice.one_in(2),
        keepalive,
        deadtime,
        warntime: ms(deadtime.as_millis() as u64 / dice.one_of(&[2, 2, 3])),
        initdead: deadtime * dice.one_of(&[1, 2, 2, 3]),
        rexmit: ms(dice.one_of(&[250, 250, 250, 50, 100, 1000])),
        script,
        ping: dice.one_in(4),
        fencing: !model && dice.one_in(5),
        lag: if model {
            ms(keepalive.as_millis() as u64 / dice.one_of(&[1000, 10, 4, 2]))
        } else {
            Duration::ZERO
        },
        signed: dice.one_in(16),
        seed,
    }
}

/// Which kinds of trouble a seed knows. Orderly requests and crashes are always there.
struct Families {
    weather: bool,
    cuts: bool,
    sleep: bool,
    kills: bool,
    scripts: bool,
    clocks: bool,
}

impl Families {
    /// The old protocol has no words for what is held: a reload while the other cannot hear it cannot be told from
    /// a fresh start, for nobody (docs/compatibility.md).
    fn may_reload(&self, config: &Config) -> bool {
        config.failback.nice() || !(self.weather || self.cuts || self.sleep || self.kills)
    }
}

fn steps(dice: &mut Dice, config: &Config) -> Vec<Step> {
    let mut coin = || dice.0.bool();
    let families = Families {
        weather: coin(),
        cuts: coin(),
        sleep: coin(),
        kills: coin() && coin(),
        scripts: coin() && coin(),
        clocks: coin(),
    };
    let first = dice.0.usize(..2);
    let mut steps = vec![Step { at: Duration::ZERO, what: Fault::Start(first) }];
    let mut at = dice.time(config.initdead * 2);
    steps.push(Step { at, what: Fault::Start(1 - first) });
    let pause = (2 * config.deadtime + ms(2000)).max(ms(9000));
    for _ in 0..dice.0.usize(20..40) {
        at += dice.time(pause);
        steps.push(Step { at, what: fault(dice, config, &families) });
    }
    steps
}

fn fault(dice: &mut Dice, config: &Config, families: &Families) -> Fault {
    let node = dice.0.usize(..2);
    let group = dice.0.usize(..2);
    let set = dice.one_of(&[Hold::All, Hold::Local, Hold::Foreign]);
    let link = if dice.one_in(2) { None } else { Some(dice.0.usize(..config.links)) };
    match dice.0.u8(..40) {
        0..3 => Fault::Crash(node),
        3..5 => Fault::Stop(node),
        5..11 => Fault::Start(node),
        11..14 => Fault::Standby(node, set),
        14 => Fault::Takeover(node, set),
        15 | 16 if families.may_reload(config) => Fault::Reload(node),
        17 => Fault::Ping(node, dice.one_in(2)),
        18 => Fault::Replay(node, dice.0.u8(1..20)),
        19 if families.clocks => Fault::Clock(node, dice.one_of(&[-3600, -10, -1, 1, 10, 86_400])),
        20..23 if families.weather => Fault::Loss(dice.one_of(&[0, 5, 20, 30])),
        23 if families.weather => Fault::Duplicate(dice.one_of(&[0, 10])),
        24 | 25 if families.weather => Fault::Delay(ms(dice.one_of(&[0, 5, 50, 100]))),
        26 if families.cuts => Fault::Cut(Some(node), link),
        27 | 28 if families.cuts => Fault::Cut(None, link),
        29..32 => Fault::Join,
        32 if families.sleep => Fault::Pause(node, dice.time(config.deadtime * 5)),
        33 if families.sleep => Fault::Suspend(node, dice.time(config.deadtime * 5)),
        34 if families.sleep => Fault::Pause(node, dice.time(config.deadtime)),
        35 if families.sleep => Fault::Starve(node, dice.time(dice_lag(config))),
        36 | 37 if families.kills => killed(config, node),
        38 if families.scripts => Fault::BreakStart(node, group),
        39 if families.scripts && dice.one_in(2) => Fault::BreakStop(node, group),
        _ => Fault::Mend(node),
    }
}

/// A C daemon that begins anew does not look at what its earlier life left running, and takes no notice of it for
/// ever: it is killed together with its services.
fn killed(config: &Config, node: usize) -> Fault {
    match config.seats[node] {
        Kind::Ours => Fault::Kill(node),
        Kind::Model => Fault::Crash(node),
    }
}

fn dice_lag(config: &Config) -> Duration {
    config.deadtime / 2
}
