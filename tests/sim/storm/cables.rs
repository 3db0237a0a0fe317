//! The cables between the two: each direction of each link may be cut; the weather is the same on all.

use std::time::Duration;

/// What even the best cable takes.
const FASTEST: Duration = Duration::from_micros(200);

pub struct Cables {
    /// `up[link][from]`
    pub up: Vec<[bool; 2]>,
    pub loss: f64,
    pub duplicate: f64,
    /// At most; at least it is `FASTEST`.
    pub delay: Duration,
}

impl Cables {
    pub fn new(links: usize) -> Self {
        Self { up: vec![[true; 2]; links], loss: 0.0, duplicate: 0.0, delay: FASTEST }
    }

    pub fn cut(&mut self, from: Option<usize>, link: Option<usize>) {
        let hit = |at: usize| link.is_none_or(|link| link == at);
        for (_, up) in self.up.iter_mut().enumerate().filter(|(at, _)| hit(*at)) {
            match from {
                Some(node) => up[node] = false,
                None => *up = [false; 2],
            }
        }
    }

    pub fn join(&mut self) {
        self.up.iter_mut().for_each(|up| *up = [true; 2]);
    }

    /// Something that this node sends can arrive.
    pub fn leads_from(&self, node: usize) -> bool {
        self.up.iter().any(|up| up[node])
    }

    /// How long each copy of a packet takes; none: it is lost.
    pub fn send(&self, from: usize, link: usize, random: &mut fastrand::Rng) -> Vec<Duration> {
        if !self.up[link][from] || (self.loss > 0.0 && random.f64() < self.loss) {
            return Vec::new();
        }
        let copies = if self.duplicate > 0.0 && random.f64() < self.duplicate { 2 } else { 1 };
        (0..copies).map(|_| self.one_way(random)).collect()
    }

    fn one_way(&self, random: &mut fastrand::Rng) -> Duration {
        let most = self.delay.as_micros() as u64;
        let least = FASTEST.as_micros() as u64;
        if most <= least { FASTEST } else { Duration::from_micros(random.u64(least..=most)) }
    }
}
