//! A pair that lives: where most scenarios begin, and the wait for where they end.

use crate::world::*;
use heartbeat::engine::Failback;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
/// Long enough for any negotiation, the ten-second timer included.
pub const SETTLE: Duration = Duration::from_secs(20);

pub fn settle(world: &mut World, layout: &str) {
    let wanted = layout.to_owned();
    world.run_until(&format!("layout {wanted}, calm"), SETTLE, |w| w.layout() == wanted && w.calm());
    world.run(3 * SECOND);
    assert_eq!(world.layout(), layout, "{}", world.story());
}

pub fn pair(failback: Failback) -> World {
    let mut world = World::new(failback, 1, 7);
    world.start(0);
    world.run(ms(36));
    world.start(1);
    settle(&mut world, "0 1");
    world
}
