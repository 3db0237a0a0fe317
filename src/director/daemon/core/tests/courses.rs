//! Any course of events: whatever comes, and however the kernel behaves meanwhile, in the end all is as it should be.

use proptest::prelude::*;

use super::*;

/// Which of three services there are, by their bits, and what `warmstandby` says.
#[derive(Clone, Copy, Debug)]
struct Setup {
    warm: &'static str,
    services: u8,
}

#[derive(Clone, Debug)]
enum Move {
    Activate,
    Release,
    Reload(Setup),
    Go(u64),
    Down(bool, bool),
    Pace(u64),
    Broken(bool),
    Refuses(bool),
    /// It is killed; the next one is told to serve, or does what that one did.
    Killed {
        serves: bool,
    },
}

impl Setup {
    fn text(self) -> String {
        let services = (0..3).filter(|n| self.services & (1 << n) != 0);
        let one = |n: u8| {
            WEB.replace("checkinterval=1\n", "").replace("10.0.0.100", &format!("10.0.0.{}", 100 + n))
        };
        format!("warmstandby={}\ncheckinterval=1\n{}", self.warm, services.map(one).collect::<String>())
    }
}

fn setup() -> impl Strategy<Value = Setup> {
    let warm = prop_oneof![Just("no"), Just("yes"), Just("loaded")];
    (warm, 1..8u8).prop_map(|(warm, services)| Setup { warm, services })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Active), Just(Mode::Standby)]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => Just(Move::Activate),
        3 => Just(Move::Release),
        3 => setup().prop_map(Move::Reload),
        5 => (0..400u64).prop_map(Move::Go),
        1 => (400..20_000u64).prop_map(Move::Go),
        2 => any::<(bool, bool)>().prop_map(|(first, second)| Move::Down(first, second)),
        1 => (1..300u64).prop_map(Move::Pace),
        1 => any::<bool>().prop_map(Move::Broken),
        1 => any::<bool>().prop_map(Move::Refuses),
        1 => any::<bool>().prop_map(|serves| Move::Killed { serves }),
    ];
    prop::collection::vec(one, 1..25)
}

/// A world, and what it is to be like in the end.
struct Course {
    world: World,
    setup: Setup,
    mode: Mode,
}

impl Course {
    fn begin(setup: Setup, mode: Mode) -> Course {
        let mut world = World::new(&setup.text(), mode, Default::default(), Vec::new());
        world.go(ms(1));
        Course { world, setup, mode }
    }

    fn go(&mut self, step: &Move) {
        let world = &mut self.world;
        match *step {
            Move::Activate => {
                self.mode = Mode::Active;
                world.give(Input::Activate);
            }
            Move::Release => {
                self.mode = Mode::Standby;
                world.give(Input::Release);
            }
            Move::Reload(setup) => {
                self.setup = setup;
                world.give(Input::Reload(config(&setup.text())));
            }
            Move::Go(time) => world.go(ms(time)),
            Move::Down(first, second) => {
                let all = [("10.0.0.1", first), ("10.0.0.2", second)];
                let down = all.iter().filter(|(_, down)| *down);
                world.down = down.map(|(ip, _)| ip.parse().unwrap()).collect();
            }
            Move::Pace(time) => world.pace = ms(time),
            Move::Broken(broken) => world.broken = broken.then(|| "gone".to_owned()),
            Move::Refuses(refuses) => world.refused = refuses.then_some("-D "),
            Move::Killed { serves } => self.killed(serves),
        }
    }

    fn killed(&mut self, serves: bool) {
        let old = &mut self.world;
        self.mode = if serves { Mode::Active } else { old.record.mode };
        let once = old.record.services.iter().copied().collect();
        let mut next = World::new(&self.setup.text(), self.mode, std::mem::take(&mut old.kernel), once);
        (next.pace, next.broken, next.refused) = (old.pace, old.broken.take(), old.refused);
        next.down = std::mem::take(&mut old.down);
        next.go(ms(1));
        self.world = next;
    }

    /// What a daemon has in the table that never saw anything else.
    fn wanted(&self) -> String {
        let mut world = World::active(&self.setup.text());
        world.down.clone_from(&self.world.down);
        world.go(ms(20_000));
        let loads = loads(self.mode, world.core.config());
        if loads { world.rows() } else { String::new() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, .. ProptestConfig::default() })]

    #[test]
    fn ends_well(setup in setup(), mode in mode(), moves in moves(), ends in any::<bool>()) {
        let mut course = Course::begin(setup, mode);
        moves.iter().for_each(|step| course.go(step));
        (course.world.broken, course.world.refused) = (None, None);
        if ends {
            course.world.give(Input::Stop { keep: false });
            course.world.go(ms(10_000));
            prop_assert_eq!((course.world.rows(), course.world.clean), (String::new(), true));
        } else {
            course.world.go(ms(100_000));
            prop_assert_eq!((course.world.rows(), course.world.core.mode), (course.wanted(), course.mode));
            prop_assert!(course.world.core.once().is_empty());
        }
    }
}
