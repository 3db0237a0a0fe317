//! Property (f): in the end the neighbourhood knows where each group is. Whoever starts one tells it, and so does an
//! [`Announce`](heartbeat::engine::Job::Announce); what was told last is believed.

use super::jobs::groups_of;
use super::script::{GROUPS, Kind, NAMES};
use super::watch::Failure;
use super::world::{Event, World};
use heartbeat::engine::Hold;
use std::time::Duration;

/// An announcement goes on for so long.
const ROUNDS: Duration = Duration::from_millis(800);

/// A C daemon that keeps a group through all that happens tells nobody.
pub fn known(world: &World) -> Result<(), Failure> {
    for (group, told) in world.told.into_iter().enumerate() {
        let Some(owner) = (0..2).find(|n| world.nodes[*n].groups[group]) else { continue };
        if told != Some(owner) && world.config.seats[owner] == Kind::Ours {
            let (group, owner) = (GROUPS[group], NAMES[owner]);
            let text = format!("group {group} runs on {owner}, and the neighbourhood was told otherwise");
            return Err(Failure { property: 'f', text });
        }
    }
    Ok(())
}

impl World {
    /// Says when it is over.
    pub fn announce(&mut self, node: usize, set: Hold, for_peer: bool) -> Duration {
        let (power, end) = (self.nodes[node].power, self.now + ROUNDS);
        for at in [self.now, end] {
            self.at(at, Event::Told { node, power, set, for_peer });
        }
        end
    }

    /// What is announced is looked at first.
    pub fn tell(&mut self, node: usize, set: Hold, for_peer: bool) {
        let at = if for_peer { 1 - node } else { node };
        for group in groups_of(node, set) {
            if self.nodes[node].groups[group] != for_peer {
                self.told[group] = Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::read_script;
    use super::super::play::{play, story};

    /// What follows two takeovers behind a cut cable, with nobody left to say that there were two.
    const CUT: &str =
        "failback on\ndeadtime 3s\ninitdead 6s\nkeepalive 500ms\nat 0s start a1\nat 0s start a2\n";

    #[test]
    fn who_may_have_been_taken_over_tells_where_it_is() {
        for (trouble, steps) in [
            ("it crashes", "at 6s cut both\nat 9100ms crash a2\nat 9200ms join\n"),
            ("its daemon is killed", "at 6200ms pause a1 49s\nat 9200ms kill a2\n"),
            ("a reload forgets", "at 6s cut both\nat 9100ms crash a2\nat 9100ms reload a1\nat 9200ms join\n"),
        ] {
            let script = read_script(&format!("{CUT}{steps}")).unwrap();
            if let Err(failure) = play(&script) {
                panic!("{trouble}: {}\n{}", failure.text, story(&script));
            }
        }
    }

    /// Seed 27179. Each takes everything behind the cut cable, and the first to do so has never heard of the other.
    const UNHEARD: &str = "seats model ours\nfailback legacy\nwith ping\ndeadtime 3s\ninitdead 6s\nkeepalive 500ms\n\
        at 0s ping a2 no\nat 0s cut both\nat 0s start a2\nat 500ms start a1\nat 7500ms stop a1\nat 9500ms stop a1\n";

    /// Seed 20849. The second hears nothing of the first, which loses much of what it hears, and takes over. What it
    /// lets go of goes in two steps, the second begun within the first.
    const DEAF: &str = "failback on\nkeepalive 100ms\ndeadtime 300ms\nwarntime 150ms\ninitdead 600ms\n\
        rexmit 250ms\nlag 0s\nwith nothing\nscript 1ms 800ms\nseed 3\nat 0s start a2\nat 0s cut from-a1\nat 15179ms duplicate 10\n\
        at 18058ms loss 30\nat 21531ms starve a2 8ms\nat 26026ms start a1\nat 29026ms pause a1 0s\n";

    #[test]
    fn who_hears_the_other_for_the_first_time_tells_where_it_is() {
        let script = read_script(UNHEARD).unwrap();
        play(&script).unwrap_or_else(|failure| panic!("{}\n{}", failure.text, story(&script)));
    }

    #[test]
    fn all_that_is_left_to_the_other_is_told_of() {
        let script = read_script(DEAF).unwrap();
        play(&script).unwrap_or_else(|failure| panic!("{}\n{}", failure.text, story(&script)));
        let releases = story(&script).matches("releasing them here").count();
        assert_eq!(releases, 2, "the story is another one now:\n{}", story(&script));
    }
}
