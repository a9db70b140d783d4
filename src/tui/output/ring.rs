//! The lines that are kept, in the order of their time: as many as there is room for, the oldest go first. Lines have
//! numbers, counted from the very first one, and whoever holds on to a line is told its new number when others come
//! before it.
//!
//! ```text
//!   gone │ 7 8 9 10 11 12 …        lines
//!        │   8    10    12 …       shown: the numbers of those that are shown
//!        │        10       …       hits: the numbers of those in which something was found
//! ```
//!
//! So a window on what is shown costs what it shows, however much there is.

use std::collections::VecDeque;

use crate::model::lifecycle::LifecycleEvent;
use crate::model::output::OutputSource;
use crate::model::timestamp::Timestamp;

/// Lines kept.
pub(crate) const KEPT: usize = 100_000;
/// Bytes kept: long lines must not fill the memory.
const MOST: usize = 48 << 20;

/// One line, safe to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub at: Timestamp,
    pub event: LifecycleEvent,
    pub source: OutputSource,
    /// The place of its instance among those that are read.
    pub of: u16,
    pub text: Box<str>,
    /// Its place among the lines of others: its time, but never before what its own instance wrote before.
    pub order: Timestamp,
    /// What was found about it.
    pub found: Found,
}

/// What was found about a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// It is shown.
    pub shown: bool,
    /// It has a hit of what is looked for.
    pub hit: bool,
}

impl Line {
    fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

/// The numbers of lines that somebody holds on to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// The first one in view.
    pub top: usize,
    /// The one whose hit was gone to.
    pub hit: Option<usize>,
}

/// The lines.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    lines: VecDeque<Line>,
    /// How many are gone.
    gone: usize,
    bytes: usize,
    shown: VecDeque<usize>,
    hits: VecDeque<usize>,
    pub held: Held,
    /// The numbers of those that came last, as far as they are shown.
    pub came: Vec<usize>,
}

impl Ring {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// How many older ones are gone.
    pub(crate) fn gone(&self) -> usize {
        self.gone
    }

    /// The line of a number.
    pub(crate) fn get(&self, number: usize) -> Option<&Line> {
        self.lines.get(number.checked_sub(self.gone)?)
    }

    /// The numbers of the lines that are shown.
    pub(crate) fn shown(&self) -> &VecDeque<usize> {
        &self.shown
    }

    /// The numbers of the lines with hits.
    pub(crate) fn hits(&self) -> &VecDeque<usize> {
        &self.hits
    }

    /// Takes lines of one instance, in its order, each to its place. Answers how many of them are shown.
    pub(crate) fn merge(&mut self, new: Vec<Line>, judge: impl Fn(&Line) -> Found) -> usize {
        self.came.clear();
        let Some(earliest) = new.first().map(|line| line.order) else {
            return 0;
        };
        // From the end on: nearly all lines come behind all that are here.
        let later = self.lines.iter().rev();
        let later = later.take_while(|line| line.order > earliest).count();
        let stay = self.lines.len() - later;
        let from = self.gone + stay;
        let held = self.held;
        let tail = self.lines.split_off(stay);
        let mut tail = tail.into_iter().zip(from..).peekable();
        let mut new = new.into_iter().peekable();
        loop {
            let number = self.gone + self.lines.len();
            let old = match (tail.peek(), new.peek()) {
                (Some((old, _)), Some(new)) => old.order <= new.order,
                (old, _) => old.is_some(),
            };
            if old && let Some((line, was)) = tail.next() {
                if held.top == was {
                    self.held.top = number;
                }
                if held.hit == Some(was) {
                    self.held.hit = Some(number);
                }
                self.lines.push_back(line);
            } else if let Some(mut line) = new.next() {
                line.found = judge(&line);
                if line.found.shown {
                    self.came.push(number);
                }
                self.bytes += line.cost();
                self.lines.push_back(line);
            } else {
                break;
            }
        }
        self.index(from);
        self.drop_oldest();
        self.came.len()
    }

    /// Judges every line anew.
    pub(crate) fn judge(&mut self, judge: impl Fn(&Line) -> Found) {
        for line in &mut self.lines {
            line.found = judge(line);
        }
        self.index(self.gone);
        let hit = self.held.hit.and_then(|number| self.get(number));
        if !hit.is_some_and(|line| line.found.hit) {
            self.held.hit = None;
        }
    }

    /// Lines before a time are no longer shown, and have no hits. It costs what leaves.
    pub(crate) fn leave(&mut self, from: Timestamp) {
        let early = |lines: &VecDeque<Line>, gone: usize, number: usize| {
            let line = lines.get(number.saturating_sub(gone));
            line.is_some_and(|line| line.order < from)
        };
        for numbers in [&mut self.shown, &mut self.hits] {
            while let Some(number) = numbers.pop_front_if(|it| early(&self.lines, self.gone, *it)) {
                let line = self.lines.get_mut(number.saturating_sub(self.gone));
                if let Some(line) = line {
                    line.found = Found::default();
                }
            }
        }
        let hit = self.held.hit.and_then(|number| self.get(number));
        if !hit.is_some_and(|line| line.found.hit) {
            self.held.hit = None;
        }
    }

    /// Writes down which lines from a number on are shown, and which have hits.
    fn index(&mut self, from: usize) {
        for numbers in [&mut self.shown, &mut self.hits] {
            let stay = numbers.partition_point(|number| *number < from);
            numbers.truncate(stay);
        }
        let lines = (from..).zip(self.lines.iter().skip(from - self.gone));
        for (number, line) in lines {
            if line.found.shown {
                self.shown.push_back(number);
            }
            if line.found.hit {
                self.hits.push_back(number);
            }
        }
    }

    fn drop_oldest(&mut self) {
        while self.lines.len() > KEPT || self.bytes > MOST {
            let Some(line) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= line.cost();
            self.shown.pop_front_if(|number| *number == self.gone);
            self.hits.pop_front_if(|number| *number == self.gone);
            self.gone += 1;
        }
        self.held.top = self.held.top.max(self.gone);
        self.held.hit = self.held.hit.filter(|number| *number >= self.gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(of: u16, at: i64, text: &str) -> Line {
        Line {
            at: Timestamp(at),
            event: LifecycleEvent::Install,
            source: OutputSource::Stdout,
            of,
            text: text.into(),
            order: Timestamp(at),
            found: Found::default(),
        }
    }

    fn judge(line: &Line) -> Found {
        Found {
            shown: !line.text.starts_with('#'),
            hit: line.text.contains('!'),
        }
    }

    fn texts(ring: &Ring) -> Vec<&str> {
        let shown = ring.shown().iter();
        shown
            .map(|number| &*ring.get(*number).unwrap().text)
            .collect()
    }

    #[test]
    fn lines_of_several_are_in_the_order_of_their_time_and_what_is_held_stays() {
        let mut ring = Ring::default();
        let first = vec![line(0, 1, "a1"), line(0, 5, "a5!"), line(0, 9, "a9")];
        assert_eq!(ring.merge(first, judge), 3);
        ring.held = Held {
            top: 1,
            hit: Some(1),
        };
        let second = vec![line(1, 1, "b1"), line(1, 5, "#b5"), line(1, 10, "b10!")];
        assert_eq!(ring.merge(second, judge), 2);
        assert_eq!(texts(&ring), ["a1", "b1", "a5!", "a9", "b10!"]);
        assert_eq!(&*ring.get(ring.held.top).unwrap().text, "a5!");
        assert_eq!(ring.held.hit, Some(ring.held.top));
        assert_eq!(ring.hits().len(), 2);
        ring.judge(|_| Found {
            shown: true,
            hit: false,
        });
        assert_eq!((ring.shown().len(), ring.hits().len()), (6, 0));
        assert_eq!(ring.held.hit, None);
    }

    #[test]
    fn what_leaves_is_shown_no_more_also_when_others_come_before_it() {
        let mut ring = Ring::default();
        let lines = vec![line(0, 1, "a1!"), line(0, 5, "a5"), line(0, 9, "a9!")];
        ring.merge(lines, judge);
        ring.held.hit = Some(0);
        ring.leave(Timestamp(5));
        assert_eq!(texts(&ring), ["a5", "a9!"]);
        assert_eq!((ring.hits().len(), ring.held.hit), (1, None));
        let late = vec![line(1, 0, "#b0"), line(1, 6, "b6")];
        ring.merge(late, judge);
        assert_eq!(texts(&ring), ["a5", "b6", "a9!"]);
        ring.leave(Timestamp(100));
        assert_eq!(texts(&ring), Vec::<&str>::new());
    }

    #[test]
    fn there_is_room_for_so_many_lines_and_so_many_bytes() {
        let mut ring = Ring::default();
        let many = (0..120_000).map(|n| line(0, n, "!")).collect();
        ring.merge(many, judge);
        assert_eq!((ring.lines.len(), ring.gone()), (KEPT, 20_000));
        assert_eq!((ring.shown().len(), ring.hits().len()), (KEPT, KEPT));
        assert_eq!(ring.shown()[0], 20_000);
        assert_eq!(ring.held.top, 20_000);
        ring.held.top = 30_000;
        let long = "x".repeat(4096);
        let long = (0..20_000).map(|n| line(0, 120_000 + n, &long)).collect();
        ring.merge(long, judge);
        assert!(ring.bytes <= MOST);
        let bytes: usize = ring.lines.iter().map(Line::cost).sum();
        assert_eq!(ring.bytes, bytes);
        assert_eq!(
            ring.held.top,
            ring.gone(),
            "the line that was in view is gone"
        );
        assert_eq!(
            ring.get(ring.gone()).unwrap().at.0,
            i64::try_from(ring.gone()).unwrap()
        );
    }
}
