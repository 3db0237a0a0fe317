//! How regularly heartbeats come: the gaps between them, counted in cells of growing width, so that a life of
//! years takes no more room than a minute. From this an operator chooses `deadtime`.
//!
//! The counting costs no allocation. A gap that began in an earlier life of the peer, or in which this node itself
//! did not run, is none.

use super::node::{Link, Node};
use super::{Engine, Note};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Cells for each doubling of a gap: each is known to 1/32 of itself.
const PER_DOUBLING: u64 = 32;
const BITS: u32 = PER_DOUBLING.trailing_zeros();
/// Longer gaps are counted as if they were this long: more than two hours.
const LONGEST_US: u64 = (1 << 33) - 1;
/// The cell of the longest gap is the last one.
const CELLS: usize = cell_of(LONGEST_US) + 1;
/// From fewer gaps nothing is concluded.
const ENOUGH: u64 = 100;
/// A deadtime bears the longest gap so often,
const TIMES_LONGEST: u32 = 2;
/// and so many heartbeats: two of them may get lost.
const TIMES_USUAL: u32 = 3;

/// The gaps of one peer, over one link or all of them together.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    cells: Box<[u32]>,
    count: u64,
    shortest: Duration,
    /// The longest within the dead time, and of all.
    longest: Duration,
    longest_of_all: Duration,
    late: u64,
    fatal: u64,
    last: Option<Duration>,
}

/// What a dead time and a warn time are now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) warntime: Duration,
    pub(super) dead_time: Duration,
}

/// What became of the gaps, in words by [`fmt::Display`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapSummary {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min: Duration,
    /// Half of them are no longer than this; to 1/32, as the next two.
    pub median: Duration,
    /// 99 of 100 are no longer.
    pub p99: Duration,
    /// 999 of 1000 are no longer.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
    /// Longer than `warntime`, those beyond the dead time included.
    pub late: u64,
    /// Longer than the dead time that the peer asked for.
    pub fatal: u64,
    /// The shortest dead time that would have been comfortable; `None` where too little is known.
    pub suggested: Option<Duration>,
}

const fn cell_of(us: u64) -> usize {
    if us < PER_DOUBLING {
        return us as usize;
    }
    let shift = us.ilog2() - BITS;
    (shift as u64 * PER_DOUBLING + (us >> shift)) as usize
}

/// The longest gap of that cell.
fn end_of(cell: usize) -> Duration {
    let cell = cell as u64;
    let (doublings, at) = (cell / PER_DOUBLING, cell % PER_DOUBLING);
    Duration::from_micros(match doublings.checked_sub(1) {
        None => cell,
        Some(shift) => ((at + PER_DOUBLING + 1) << shift) - 1,
    })
}

impl Default for Gaps {
    fn default() -> Self {
        Self {
            cells: vec![0; CELLS].into_boxed_slice(),
            count: 0,
            shortest: Duration::MAX,
            longest: Duration::ZERO,
            longest_of_all: Duration::ZERO,
            late: 0,
            fatal: 0,
            last: None,
        }
    }
}

impl Gaps {
    /// A heartbeat came.
    pub(super) fn heard(&mut self, now: Duration, patience: Patience) {
        let Some(last) = self.last.replace(now) else { return };
        let gap = now.saturating_sub(last);
        let us = u64::try_from(gap.as_micros()).unwrap_or(u64::MAX).min(LONGEST_US);
        if let Some(cell) = self.cells.get_mut(cell_of(us)) {
            *cell = cell.saturating_add(1);
        }
        self.count += 1;
        self.shortest = self.shortest.min(gap);
        self.longest_of_all = self.longest_of_all.max(gap);
        self.late += u64::from(gap > patience.warntime);
        match gap > patience.dead_time {
            true => self.fatal += 1,
            false => self.longest = self.longest.max(gap),
        }
    }

    /// The next heartbeat is the first one of a life.
    pub(super) fn begin_anew(&mut self) {
        self.last = None;
    }

    /// This node did not run for so long.
    pub(super) fn leave_out(&mut self, pause: Duration) {
        self.last = self.last.map(|last| last + pause);
    }

    /// The cell at which so many of a thousand are counted.
    fn reached(&self, per_mille: u64) -> usize {
        let wanted = (self.count * per_mille).div_ceil(1000);
        let mut seen = 0;
        let reached = self.cells.iter().position(|cell| {
            seen += u64::from(*cell);
            seen >= wanted
        });
        reached.unwrap_or(CELLS - 1)
    }

    /// No longer than this are so many of a thousand.
    fn quantile(&self, per_mille: u64) -> Duration {
        end_of(self.reached(per_mille)).min(self.longest_of_all).max(self.shortest)
    }

    /// What a dead time should bear.
    fn suggested(&self) -> Duration {
        let usual = self.reached(500).checked_sub(1).map_or(Duration::ZERO, end_of).max(self.shortest);
        round_up((self.longest * TIMES_LONGEST).max(usual * TIMES_USUAL))
    }

    /// Nothing before the first gap.
    fn summary(&self) -> Option<GapSummary> {
        (self.count > 0).then(|| GapSummary {
            count: self.count,
            min: self.shortest,
            median: self.quantile(500),
            p99: self.quantile(990),
            p999: self.quantile(999),
            max: self.longest_of_all,
            late: self.late,
            fatal: self.fatal,
            suggested: (self.count >= ENOUGH).then(|| self.suggested()),
        })
    }
}

/// To what somebody would write into a file: two or three digits.
fn round_up(time: Duration) -> Duration {
    let ms = u64::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
    let step = match ms {
        0..100 => 1,
        100..1000 => 10,
        _ => 100,
    };
    Duration::from_millis(ms.div_ceil(step).saturating_mul(step))
}

/// Milliseconds, to a tenth.
struct Ms(Duration);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}", self.0.as_secs_f64() * 1000.0)
    }
}

impl fmt::Display for GapSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, late, fatal, .. } = self;
        let (min, median, max) = (Ms(self.min), Ms(self.median), Ms(self.max));
        let (p99, p999) = (Ms(self.p99), Ms(self.p999));
        write!(
            f,
            "{count} gaps, in ms: min {min}, median {median}, p99 {p99}, p99.9 {p999}, max {max}; \
             {late} beyond warntime, {fatal} beyond deadtime"
        )
    }
}

impl Engine {
    /// How regularly each peer was heard: over each link, over all of them together, and the deadtime that
    /// follows from it. Nothing of a peer that was not heard twice.
    pub fn heartbeat_gaps(&self) -> Vec<Note> {
        let others = self.nodes.iter().enumerate().filter(|(at, _)| *at != self.me);
        others.flat_map(|(_, node)| gaps_of(node)).collect()
    }

    pub(super) fn patience_with(&self, at: usize) -> Patience {
        let dead_time = self.nodes.get(at).map_or(Duration::MAX, |node| node.dead_time);
        Patience { warntime: self.settings.warntime, dead_time }
    }

    /// A heartbeat came over that link; those of a ping node have no number.
    pub(super) fn count_gap(&mut self, at: usize, medium: &str, seq: Option<u64>) {
        let (now, patience) = (self.now.mono, self.patience_with(at));
        if let Some(link) = self.nodes.get_mut(at).and_then(|node| node.link_mut(medium))
            && seq.is_none_or(|seq| link.is_new(seq))
        {
            link.gaps.heard(now, patience);
        }
    }
}

fn gaps_of(node: &Node) -> Vec<Note> {
    let of_link = |link: &Link| {
        let (node, over) = (node.name.clone(), link.name.clone());
        link.gaps.summary().map(|gaps| Note::Gaps { node, over, gaps })
    };
    let in_all = node.gaps.summary().map(|gaps| Note::GapsInAll {
        node: node.name.clone(),
        gaps,
        given: node.dead_time,
        directive: if node.is_normal() { "deadtime" } else { "deadping" }.to_owned(),
    });
    node.links.iter().filter_map(of_link).chain(in_all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const PATIENCE: Patience =
        Patience { warntime: Duration::from_millis(250), dead_time: Duration::from_millis(500) };

    fn counted(gaps: impl IntoIterator<Item = u64>) -> Gaps {
        let (mut counted, mut now) = (Gaps::default(), ms(1000));
        counted.heard(now, PATIENCE);
        for gap in gaps {
            now += ms(gap);
            counted.heard(now, PATIENCE);
        }
        counted
    }

    #[test]
    fn every_gap_has_a_cell_that_knows_it_to_a_thirtysecond() {
        let mut before = 0;
        for us in (0..5000).chain((5000..LONGEST_US).step_by(9_999_991)).chain([LONGEST_US]) {
            let cell = cell_of(us);
            assert!(cell < CELLS && cell >= before, "{us}");
            before = cell;
            let end = end_of(cell).as_micros() as u64;
            assert!(end >= us && end - us <= us / PER_DOUBLING, "{us} is told as {end}");
        }
    }

    #[test]
    fn what_is_told_is_what_was_counted() {
        let gaps = (0..1000).map(|n| if n == 500 { 300 } else { 100 }).chain([600]);
        let told = counted(gaps).summary().unwrap();
        assert_eq!((told.count, told.min, told.max), (1001, ms(100), ms(600)));
        assert_eq!((told.late, told.fatal), (2, 1));
        let near = |is: Duration, wanted: u64| is >= ms(wanted) && is <= ms(wanted) * 33 / 32;
        assert!(near(told.median, 100) && near(told.p99, 100) && near(told.p999, 300), "{told}");
        let text = told.to_string();
        assert!(text.starts_with("1001 gaps, in ms: min 100.0, median 10"), "{text}");
        assert!(text.ends_with(", max 600.0; 2 beyond warntime, 1 beyond deadtime"), "{text}");
    }

    #[test]
    fn a_deadtime_bears_two_longest_gaps_and_three_heartbeats() {
        let suggested =
            |gaps: &[u64]| counted(gaps.iter().copied().cycle().take(200)).summary().unwrap().suggested;
        assert_eq!(suggested(&[20]), Some(ms(60)));
        assert_eq!(suggested(&[20, 20, 47]), Some(ms(94)));
        assert_eq!(suggested(&[100, 100, 251]), Some(ms(510)));
        assert_eq!(counted([100; 99]).summary().unwrap().suggested, None, "too few");
        assert_eq!(counted([]).summary(), None);
        assert_eq!(suggested(&[100, 100, 100, 9000]), Some(ms(300)), "that was a partition");
    }

    #[test]
    fn a_new_life_and_a_pause_make_no_gap() {
        let mut gaps = counted([100]);
        gaps.begin_anew();
        gaps.heard(ms(60_000), PATIENCE);
        gaps.leave_out(ms(5000));
        gaps.heard(ms(65_100), PATIENCE);
        let told = gaps.summary().unwrap();
        assert_eq!((told.count, told.max), (2, ms(100)));
    }

    #[test]
    fn room_is_bounded_and_counts_do_not_wrap() {
        let mut gaps = counted([u64::from(u32::MAX)]);
        assert_eq!(gaps.cells.len(), CELLS);
        assert_eq!(gaps.cells.last(), Some(&1));
        gaps.cells.fill(u32::MAX);
        gaps.heard(ms(u64::from(u32::MAX)) * 3, PATIENCE);
        assert_eq!(gaps.cells.last(), Some(&u32::MAX));
    }
}
