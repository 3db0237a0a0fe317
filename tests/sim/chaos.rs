//! Random faults on random weather. Whatever happens, after the last fault every group ends on exactly
//! one live node, and while a path is up nobody holds it twice for longer than the paths explain.

use crate::world::*;
use heartbeat::engine::Failback;
use std::time::Duration;

const SEEDS: u64 = 400;
const FAULTS: usize = 12;

/// Crashes and orderly operations on fair weather: never two owners, not for a moment.
#[test]
fn crashes_and_requests_never_double_a_group() {
    for seed in 0..SEEDS {
        let failback = [Failback::On, Failback::Off, Failback::Legacy][seed as usize % 3];
        let mut world = World::new(failback, 1 + (seed as usize / 2) % 2, seed);
        world.start(0);
        let pause = world.random().u64(0..8000);
        world.run(ms(pause));
        world.start(1);
        for _ in 0..FAULTS {
            fault(&mut world);
            let pause = world.random().u64(0..9000);
            world.run(ms(pause));
        }
        recover(&mut world, seed);
        assert!(world.doubles.is_empty(), "seed {seed}: two owners {:?}\n{}", world.doubles, world.story());
    }
}

/// The same in bad weather on two links, one of which may fail: loss, duplicates, delays that reorder.
#[test]
fn bad_weather_and_a_broken_cable_do_not_double_a_group() {
    for seed in 0..SEEDS {
        let failback = [Failback::On, Failback::Off, Failback::Legacy][seed as usize % 3];
        let mut world = World::new(failback, 2, 10_000 + seed);
        let loss = world.random().f64() * 0.1;
        let jitter = ms(world.random().u64(0..30));
        let weather = Weather { loss, duplicate: 0.05, jitter, ..Weather::FAIR };
        world.weather(weather);
        world.start(0);
        world.start(1);
        for _ in 0..FAULTS {
            match world.random().usize(0..6) {
                link @ (0 | 1) => world.cables = cut_one(link, weather),
                _ => fault(&mut world),
            }
            let pause = world.random().u64(0..9000);
            world.run(ms(pause));
        }
        recover(&mut world, seed);
        assert!(world.doubles.is_empty(), "seed {seed}: two owners {:?}\n{}", world.doubles, world.story());
    }
}

fn cut_one(link: usize, weather: Weather) -> Vec<[Weather; 2]> {
    let mut cables = vec![[weather; 2]; 2];
    cables[link] = [Weather::CUT; 2];
    cables
}

fn fault(world: &mut World) {
    let node = world.random().usize(0..2);
    let set = ["all", "local", "foreign"][world.random().usize(0..3)];
    match world.random().u8(0..5) {
        0 if world.running(1 - node) => world.crash(node),
        1 => world.standby(node, set),
        2 => world.takeover(node, set),
        3 if world.running(1 - node) => world.stop(node),
        _ if !world.running(node) => world.start(node),
        _ => {}
    }
}

/// After the last fault: start what does not run, and everything has one owner in bounded time.
fn recover(world: &mut World, seed: u64) {
    world.run(Duration::from_secs(20));
    for node in 0..2 {
        if !world.running(node) {
            world.start(node);
        }
    }
    let owned = |w: &World| (0..2).all(|owner| w.holders(owner).len() == 1);
    world.run_until(&format!("seed {seed}: one owner each"), Duration::from_secs(60), |w| {
        owned(w) && w.calm()
    });
    world.run(Duration::from_secs(15));
    assert!(owned(world), "seed {seed}: {}\n{}", world.layout(), world.story());
}
