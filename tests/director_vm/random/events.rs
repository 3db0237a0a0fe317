//! Random events, the same ones in both rooms.

use fastrand::Rng;
use nix::sys::signal::Signal;

use super::make;
use super::setup::{MACHINES, NEWS, PORTS, Setup, Virtual, v4, v6};
use crate::director::farm::Mode;
use crate::director::room::{CONFIG, Room};
use crate::director::{Program, settle};
use crate::lab::Failure;

/// Succeeds unless the server is on the list of bad ones; the address may stand in brackets.
const EXTERNAL: &str = "#!/bin/sh\ntest ! -e \"/etc/ha.d/bad/$3\"\n";
const EXTERNAL_PERL: &str = "exit(-e \"/etc/ha.d/bad/$ARGV[2]\" ? 1 : 0);\n";
/// Mistakes that make a whole file useless.
const MISTAKES: [&str; 3] =
    ["quiescent=maybe\n", "virtual=10.9.0.200:80\n        real=10.9.0.1:80\n", "no such line\n"];

/// What a machine is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    Wrong,
    Failing,
    Closing,
    Hanging,
    Refusing,
    Gone,
}

const HEALTHS: [Health; 9] = [
    Health::Good,
    Health::Good,
    Health::Good,
    Health::Wrong,
    Health::Failing,
    Health::Closing,
    Health::Hanging,
    Health::Refusing,
    Health::Gone,
];

/// Both rooms and what is the case in them.
pub(crate) struct World<'r> {
    rooms: &'r [Room; 2],
    rng: Rng,
    setup: Setup,
    healths: [Health; MACHINES],
    /// What was done, for who has to find out why it went wrong.
    pub(crate) history: Vec<String>,
}

impl<'r> World<'r> {
    /// Everything is in place, nothing runs.
    pub(crate) fn new(rooms: &'r [Room; 2], mut rng: Rng) -> Result<Self, Failure> {
        let setup = make::setup(&mut rng);
        let mut world = Self { rooms, rng, setup, healths: [Health::Good; MACHINES], history: Vec::new() };
        for room in rooms {
            room.must(&["mkdir", "/etc/ha.d/bad", "/etc/ha.d/maint"])?;
            room.write("/etc/ha.d/external", EXTERNAL, 0o755)?;
            room.write("/etc/ha.d/external-perl", EXTERNAL_PERL, 0o755)?;
        }
        for machine in 0..MACHINES {
            let health = match world.rng.u32(..100) < 70 {
                true => Health::Good,
                false => HEALTHS[world.rng.usize(..HEALTHS.len())],
            };
            world.be(machine, health)?;
        }
        world.configure()?;
        Ok(world)
    }

    pub(crate) fn rooms(&self) -> [&'r Room; 2] {
        self.rooms.each_ref()
    }

    fn note(&mut self, what: impl Into<String>) -> String {
        let what = what.into();
        self.history.push(what.clone());
        what
    }

    fn both(&self, act: impl Fn(&Room) -> Result<(), Failure>) -> Result<(), Failure> {
        self.rooms.iter().try_for_each(act)
    }

    fn configure(&mut self) -> Result<(), Failure> {
        for machine in 0..MACHINES {
            let bearable = self.bearable(machine, self.healths[machine]);
            if bearable != self.healths[machine] {
                self.be(machine, bearable)?;
            }
        }
        let text = self.setup.text();
        self.note(text.clone());
        self.both(|room| room.write(CONFIG, &text, 0o644))
    }

    /// Sometimes the tables are not empty before.
    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        let at = self.rng.usize(..self.setup.virtuals.len());
        if self.rng.u32(..100) < 30 && !self.setup.virtuals[at].is_off() {
            let words = self.setup.virtuals[at].id.words();
            let dest = self.stranger(at);
            self.note(format!("before the start: {words}, {dest}"));
            self.both(|room| {
                room.ipvsadm(&format!("-A {words} -s rr"))?;
                room.ipvsadm(&format!("-a {words} -r {dest} -m -w 3"))
            })?;
        }
        self.note("start");
        self.both(Room::start)
    }

    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
        self.note("stop");
        self.both(Room::stop)
    }

    /// An address that may, or may not, be one of the service's servers.
    fn stranger(&mut self, at: usize) -> String {
        let id = self.setup.virtuals[at].id;
        let machine = self.rng.usize(..MACHINES + 2);
        let port = id.port().map_or(0, |own| if self.rng.bool() { own } else { PORTS[0] });
        if id.six() { format!("[{}]:{port}", v6(machine)) } else { format!("{}:{port}", v4(machine)) }
    }

    /// One event; what it was.
    pub(crate) fn next_event(&mut self) -> Result<String, Failure> {
        match self.rng.u32(..20) {
            0..=9 => self.healths_change(),
            10..=11 if self.setup.has("maintenancedir") => self.maintenance(),
            10..=13 => self.by_hand(),
            14..=16 => self.edited(),
            17..=18 => self.broken(),
            _ => self.restart(),
        }
    }

    fn healths_change(&mut self) -> Result<String, Failure> {
        let mut done = Vec::new();
        for _ in 0..self.rng.usize(1..=3) {
            let machine = self.rng.usize(..MACHINES);
            let health = HEALTHS[self.rng.usize(..HEALTHS.len())];
            self.be(machine, health)?;
            done.push(format!("{} is {:?}", v4(machine), self.healths[machine]));
        }
        Ok(self.note(done.join(", ")))
    }

    /// Who is asked for news is there, if only to refuse: the reference waits for others without limit.
    fn bearable(&self, machine: usize, health: Health) -> Health {
        match health {
            Health::Hanging | Health::Gone if self.setup.has_news(machine) => Health::Refusing,
            _ => health,
        }
    }

    fn be(&mut self, machine: usize, health: Health) -> Result<(), Failure> {
        let health = self.bearable(machine, health);
        let before = std::mem::replace(&mut self.healths[machine], health);
        let (page, greeting) = match health {
            Health::Good | Health::Gone => {
                (Mode::page(200, "OK all is well"), Mode::Greeting("200 hi\r\n".to_owned()))
            }
            Health::Wrong => (Mode::page(200, "nothing"), Mode::Greeting("400 no\r\n".to_owned())),
            Health::Failing => (Mode::page(503, "OK all is well"), Mode::Greeting("502 no\r\n".to_owned())),
            Health::Closing => (Mode::Close, Mode::Close),
            Health::Hanging => (Mode::Hang, Mode::Hang),
            Health::Refusing => (Mode::Refuse, Mode::Refuse),
        };
        let (four, six) = (v4(machine), v6(machine));
        for room in self.rooms {
            if (health == Health::Gone) != (before == Health::Gone) {
                let verb = if health == Health::Gone { "del" } else { "add" };
                let script = format!(
                    "set -e\nip addr {verb} {four}/32 dev lo\nip addr {verb} {six}/128 dev lo {}\n",
                    if verb == "add" { "nodad" } else { "" }
                );
                room.stage.script(&[], &script)?;
            }
            for host in [four.clone(), format!("[{six}]")] {
                for (port, mode) in [(PORTS[0], &page), (PORTS[1], &page), (NEWS, &greeting)] {
                    room.farm.set(format!("{host}:{port}").parse().unwrap(), mode.clone());
                }
                let bad = format!("/etc/ha.d/bad/{host}");
                match health {
                    Health::Good => drop(room.remove(&bad)),
                    _ => room.write(&bad, "", 0o644)?,
                }
            }
        }
        Ok(())
    }

    fn maintenance(&mut self) -> Result<String, Failure> {
        let machine = self.rng.usize(..MACHINES);
        let file = match self.rng.u32(..3) {
            0 => format!("/etc/ha.d/maint/{}:80", v4(machine)),
            1 => format!("/etc/ha.d/maint/[{}]", v6(machine)),
            _ => format!("/etc/ha.d/maint/{}", v4(machine)),
        };
        for room in self.rooms {
            if room.remove(&file).is_err() {
                room.write(&file, "", 0o644)?;
            }
        }
        Ok(self.note(format!("{file} comes or goes")))
    }

    /// An operator changes the table by hand. The reference does not look until it is told to.
    fn by_hand(&mut self) -> Result<String, Failure> {
        let at = self.rng.usize(..self.setup.virtuals.len());
        let service = self.setup.virtuals[at].clone();
        if service.is_off() {
            return self.healths_change();
        }
        let (words, dest) = (service.id.words(), self.stranger(at));
        let commands = [
            format!("-d {words} -r {}", self.known(&service).unwrap_or_else(|| dest.clone())),
            format!("-a {words} -r {dest} -m -w 3"),
            format!("-e {words} -r {} -m -w 9", self.known(&service).unwrap_or(dest)),
            format!("-D {words}"),
            format!("-E {words} -s wlc -p 77"),
        ];
        let command = commands[self.rng.usize(..commands.len())].clone();
        for room in self.rooms {
            let argv: Vec<&str> = std::iter::once("ipvsadm").chain(command.split(' ')).collect();
            // what is not there cannot be deleted, and what is there not be added
            room.run(&argv)?;
        }
        let what = self.note(format!("ipvsadm {command}, then HUP"));
        self.both(|room| room.signal(Signal::SIGHUP))?;
        Ok(what)
    }

    /// The address of one of its servers as the kernel knows it, more or less.
    fn known(&mut self, service: &Virtual) -> Option<String> {
        if service.reals.is_empty() {
            return None;
        }
        let real = &service.reals[self.rng.usize(..service.reals.len())];
        let port = if real.method == "masq" { real.port } else { service.id.port() };
        let port = port.or(service.id.port()).unwrap_or(0);
        let six = service.id.six();
        Some(if six {
            format!("[{}]:{port}", v6(real.machine))
        } else {
            format!("{}:{port}", v4(real.machine))
        })
    }

    /// A changed file, which is noticed or has to be told.
    fn edited(&mut self) -> Result<String, Failure> {
        let before = self.setup.clone();
        let changes: Vec<_> =
            (0..self.rng.usize(1..=3)).map(|_| make::change(&mut self.rng, &mut self.setup)).collect();
        make::without_mapped(&mut self.setup);
        make::without_moved(&before, &mut self.setup);
        self.configure()?;
        if self.setup.is("autoreload", "yes") && self.rng.bool() {
            return Ok(self.note(format!("edited: {}", changes.join(", "))));
        }
        self.both(|room| room.signal(Signal::SIGHUP))?;
        Ok(self.note(format!("edited, HUP: {}", changes.join(", "))))
    }

    /// A broken file is as good as none: the reference, which goes half deaf of it, does not get it.
    fn broken(&mut self) -> Result<String, Failure> {
        let mistake = MISTAKES[self.rng.usize(..MISTAKES.len())];
        let text = self.setup.text();
        let text = if self.rng.bool() { format!("{text}{mistake}") } else { format!("{mistake}{text}") };
        for room in self.rooms.iter().filter(|room| room.program == Program::Ours) {
            room.write(CONFIG, &text, 0o644)?;
            room.signal(Signal::SIGHUP)?;
        }
        self.note(format!("a broken file for ours, HUP: {mistake:?}"));
        settle::same(self.rooms(), "with a broken file")?;
        self.healths_change()?;
        settle::same(self.rooms(), "with a broken file and other servers")?;
        self.configure()?;
        self.both(|room| room.signal(Signal::SIGHUP))?;
        Ok(self.note("a good file again, HUP"))
    }

    fn restart(&mut self) -> Result<String, Failure> {
        self.both(|room| room.director("restart"))?;
        self.both(|room| {
            crate::lab::wait_until(
                &format!("{}: runs again", room.name),
                crate::director::room::PATIENCE,
                || room.pid().map(drop).ok_or_else(|| "no pid".to_owned()),
            )
        })?;
        Ok(self.note("restart"))
    }
}
