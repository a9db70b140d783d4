//! Looking for something in the output, and going from one line with a hit to the next.

use super::needle::Needle;
use super::rows::{Long, Shape, Spot, parts};
use super::{Lines, Output};
use crate::tui::safe;

impl Output {
    /// Looks for something else; for nothing, all lines are shown again.
    pub(crate) fn search(&mut self, needle: Option<Needle>) {
        self.how.needle = needle;
        if self.how.needle.is_none() {
            self.how.lines = Lines::All;
        }
        self.ring.held.hit = None;
        self.judge();
    }

    /// Shows the lines with hits alone, or all again.
    pub(crate) fn toggle_lines(&mut self) {
        self.how.lines = match self.how.lines {
            Lines::All => Lines::Hits,
            Lines::Hits => Lines::All,
        };
        self.judge();
    }

    /// Which line with a hit was gone to, counted from one, and how many there are.
    pub(crate) fn hits(&self) -> (Option<usize>, usize) {
        let hits = self.ring.hits();
        let at = self.ring.held.hit;
        let at = at.map(|number| hits.partition_point(|hit| *hit <= number));
        (at, hits.len())
    }

    /// Goes to the next line with a hit, or the one before, round and round; from what is in view, if to none yet. `false`
    /// if there is none.
    pub(crate) fn find(&mut self, forward: bool, shape: Shape) -> bool {
        let hits = self.ring.hits();
        let place = match (self.ring.held.hit, forward) {
            (Some(at), true) => hits.partition_point(|hit| *hit <= at),
            (Some(at), false) => hits.partition_point(|hit| *hit < at).wrapping_sub(1),
            (None, _) => {
                let window = self.window(shape);
                let ends = (window.first(), window.last());
                let (first, last) = (ends.0.map(|s| s.number), ends.1.map(|s| s.number));
                if forward {
                    hits.partition_point(|hit| Some(*hit) < first)
                } else {
                    hits.partition_point(|hit| Some(*hit) <= last)
                        .wrapping_sub(1)
                }
            }
        };
        let round = if forward { hits.front() } else { hits.back() };
        let Some(&number) = hits.get(place).or(round) else {
            return false;
        };
        self.ring.held.hit = Some(number);
        self.reveal(number, shape);
        true
    }

    /// Brings a line and its first hit into view; what is in view stays where it is.
    fn reveal(&mut self, number: usize, shape: Shape) {
        let Some(line) = self.ring.get(number) else {
            return;
        };
        let needle = self.how.needle.as_ref();
        let hit = needle.and_then(|needle| needle.hits(&line.text).into_iter().next());
        let hit = hit.unwrap_or(0..0);
        let cells = |end: usize| line.text.get(..end).map_or(0, safe::width);
        let (start, end) = (cells(hit.start), cells(hit.end));
        let parts = parts(&line.text, shape);
        let row = parts.partition_point(|part| part.start <= hit.start);
        let spot = Spot {
            index: self.index(number),
            row: row.saturating_sub(1),
        };
        if shape.long == Long::Cut && (start < self.column || end > self.column + shape.width) {
            let half = (shape.width / 2).max(1);
            self.column = start.saturating_sub(half) / half * half;
        }
        let top = self.top(shape);
        let height = isize::try_from(shape.height).unwrap_or(isize::MAX);
        let bottom = self.step(top, height - 1, shape);
        if (top..=bottom).contains(&spot) {
            return;
        }
        // With what came before it in view, and more of what came after it.
        let top = self.step(spot, -(height / 3), shape);
        self.hold(top, shape);
        self.set_follow(false);
    }
}
