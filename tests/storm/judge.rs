//! The rule about two owners, and how it is measured.
//!
//! Two nodes hold an address from `a` to `b`. They *hear each other* at the first moment at which each of
//! them has received a heartbeat (`t=status`) that the other sent after `a`: the watch sees datagrams where
//! they arrive, behind all loss, and a cable takes no time. What arrives while a daemon sleeps or is not
//! there does not count. Every act (a cut, a pause, a start) begins the count anew: what was heard before
//! it does not help after it. From that moment to `b`, or to the next act, is the *overstay*.

use std::time::{Duration, Instant};

use super::Away;
use crate::lab::watch::Span;

/// What came of the spans of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) doubles: usize,
    pub(crate) doubled: Duration,
    pub(crate) longest_none: Duration,
    /// The longest time without an owner during which one node was there all the while, and where.
    pub(crate) unserved: Option<(Duration, String)>,
    /// The longest overstay, and where.
    pub(crate) worst: Option<(Duration, String)>,
}

impl Tally {
    pub(crate) fn add(&mut self, vip: &str, span: &Span, overstay: Option<Duration>, began: Instant) {
        let length = span.to.duration_since(span.from);
        match span.owners.len() {
            0 if span.from > began => self.longest_none = self.longest_none.max(length),
            2 => {
                self.doubles += 1;
                self.doubled += length;
            }
            _ => {}
        }
        let Some(overstay) = overstay else { return };
        if self.worst.as_ref().is_none_or(|(worst, _)| overstay > *worst) {
            let [from, to] = [span.from, span.to].map(|at| at.duration_since(began).as_secs_f64());
            self.worst = Some((overstay, format!("{vip} from {from:.3} to {to:.3}")));
        }
    }

    /// A time without an owner; before `began` there was nothing to own.
    pub(crate) fn add_unserved(&mut self, vip: &str, span: &Span, aways: &[Away], began: Instant) {
        if span.from <= began || !span.owners.is_empty() {
            return;
        }
        let longest =
            [1, 2].into_iter().map(|node| longest_awake(span, node, aways)).max().unwrap_or_default();
        if self.unserved.as_ref().is_none_or(|(worst, _)| longest > *worst) {
            let from = span.from.duration_since(began).as_secs_f64();
            self.unserved = Some((longest, format!("{vip} from {from:.3}")));
        }
    }

    /// For the reader of the test's output.
    pub(crate) fn text(&self) -> String {
        let seconds =
            |of: &Option<(Duration, String)>| of.as_ref().map_or(0.0, |(worst, _)| worst.as_secs_f64());
        format!(
            "{} doubles, {:.1} s in all, at most {:.3} s after hearing; without owner at most {:.1} s, while a node \
             was there {:.1} s",
            self.doubles,
            self.doubled.as_secs_f64(),
            seconds(&self.worst),
            self.longest_none.as_secs_f64(),
            seconds(&self.unserved)
        )
    }
}

/// The longest part of a span during which a node was there.
fn longest_awake(span: &Span, node: usize, aways: &[Away]) -> Duration {
    let mut absent: Vec<_> = aways.iter().filter(|a| a.node == node).collect();
    absent.sort_by_key(|a| a.from);
    let (mut from, mut longest) = (span.from, Duration::ZERO);
    for away in absent {
        longest = longest.max(away.from.min(span.to).saturating_duration_since(from));
        from = from.max(away.to.unwrap_or(span.to));
    }
    longest.max(span.to.saturating_duration_since(from))
}

/// What of the heartbeats that reached a node its daemon was there to hear.
pub(crate) fn awake(heartbeats: &[Instant], node: usize, aways: &[Away]) -> Vec<Instant> {
    let asleep = |at: Instant| aways.iter().any(|a| a.node == node && a.covers(at, Duration::ZERO));
    heartbeats.iter().copied().filter(|at| !asleep(*at)).collect()
}

/// How long a double ownership lasted beyond the moment at which both heard each other.
pub(crate) fn overstay(span: &Span, heard: &[Vec<Instant>; 2], breaks: &[Instant]) -> Option<Duration> {
    if span.owners.len() < 2 {
        return None;
    }
    let mut starts = vec![span.from];
    starts.extend(breaks.iter().copied().filter(|at| *at > span.from && *at < span.to));
    starts.push(span.to);
    let between = |pair: &[Instant]| {
        let (from, to) = (pair[0], pair[1]);
        let first = |at: &Vec<Instant>| at.iter().copied().find(|at| *at > from);
        let both = first(&heard[0])?.max(first(&heard[1])?);
        (both < to).then(|| to.duration_since(both))
    };
    starts.windows(2).filter_map(between).max()
}

#[cfg(test)]
mod tests {
    use super::{awake, longest_awake, overstay};
    use crate::lab::watch::Span;
    use crate::storm::{Away, ms};
    use std::time::{Duration, Instant};

    fn at(zero: Instant, times: &[u64]) -> Vec<Instant> {
        times.iter().map(|t| zero + ms(*t)).collect()
    }

    fn stayed(heard: [&[u64]; 2], breaks: &[u64]) -> Option<Duration> {
        let zero = Instant::now();
        let span = Span { from: zero + ms(1000), to: zero + ms(5000), owners: vec![1, 2] };
        overstay(&span, &heard.map(|h| at(zero, h)), &at(zero, breaks))
    }

    #[test]
    fn both_have_to_hear_after_the_double_began() {
        assert_eq!(stayed([&[900, 1500], &[800, 2000]], &[]), Some(ms(3000)));
        assert_eq!(stayed([&[900, 1500], &[800]], &[]), None);
        assert_eq!(stayed([&[1500], &[6000]], &[]), None);
    }

    #[test]
    fn who_is_there_should_serve() {
        let zero = Instant::now();
        let span = Span { from: zero + ms(1000), to: zero + ms(5000), owners: vec![] };
        let away = |from, to| Away {
            node: 1,
            from: zero + ms(from),
            to: Some(zero + ms(to)),
            leaves_addresses: false,
        };
        assert_eq!(longest_awake(&span, 1, &[]), ms(4000));
        assert_eq!(longest_awake(&span, 1, &[away(4000, 9000), away(0, 2000)]), ms(2000));
        assert_eq!(longest_awake(&span, 1, &[away(0, 9000)]), ms(0));
        assert_eq!(longest_awake(&span, 1, &[away(1500, 2500)]), ms(2500));
    }

    #[test]
    fn an_act_begins_the_count_anew() {
        assert_eq!(stayed([&[1500, 4600], &[2000, 4700]], &[2500, 4500]), Some(ms(500)));
        assert_eq!(stayed([&[1500], &[2000]], &[1600]), None);
    }

    #[test]
    fn who_sleeps_hears_nothing() {
        let zero = Instant::now();
        let away = Away { node: 1, from: zero + ms(100), to: Some(zero + ms(200)), leaves_addresses: true };
        assert_eq!(awake(&at(zero, &[50, 150, 250]), 1, &[away]), at(zero, &[50, 250]));
        assert_eq!(awake(&at(zero, &[150]), 2, &[away]), at(zero, &[150]));
    }
}
