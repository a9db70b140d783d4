//! Lines as rows of the screen: one each, or as many as a long one needs. Only the lines on the way are looked at: what
//! all of them would take is never counted.

use serde::{Deserialize, Serialize};
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::Output;
use super::ring::Line;
use crate::tui::safe;

/// What happens to what is longer than the screen is wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Long {
    /// It is cut, and the screen moves sideways.
    #[default]
    Cut,
    /// It goes on in the next row.
    Wrapped,
}

/// The room for lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Columns of text.
    pub width: usize,
    /// Rows.
    pub height: usize,
    pub long: Long,
}

/// A row: which of the lines that are shown, and which row of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub index: usize,
    pub row: usize,
}

/// A row in view.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'a> {
    pub number: usize,
    pub line: &'a Line,
    /// The part of its text, in bytes.
    pub part: Range<usize>,
}

/// The parts of a text that are a row each.
pub(crate) fn parts(text: &str, shape: Shape) -> Vec<Range<usize>> {
    let width = shape.width.max(1);
    if shape.long == Long::Cut || text.len() <= width {
        return std::iter::once(0..text.len()).collect();
    }
    let mut parts = Vec::new();
    let (mut start, mut cells) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = safe::width(grapheme);
        if cells + wide > width && at > start {
            parts.push(start..at);
            (start, cells) = (at, 0);
        }
        cells += wide;
    }
    parts.push(start..text.len());
    parts
}

/// How many rows a text takes.
fn count(text: &str, shape: Shape) -> usize {
    if shape.long == Long::Cut {
        1
    } else if text.is_ascii() {
        text.len().div_ceil(shape.width.max(1)).max(1)
    } else {
        parts(text, shape).len()
    }
}

impl Output {
    /// How many lines are shown.
    pub(crate) fn len(&self) -> usize {
        self.ring.shown().len()
    }

    fn shown(&self, index: usize) -> Option<(usize, &Line)> {
        let number = *self.ring.shown().get(index)?;
        Some((number, self.ring.get(number)?))
    }

    fn count(&self, index: usize, shape: Shape) -> usize {
        let line = self.shown(index);
        line.map_or(1, |(_, line)| count(&line.text, shape))
    }

    /// The index of a line, or of the next one that is shown.
    pub(super) fn index(&self, number: usize) -> usize {
        self.ring.shown().partition_point(|shown| *shown < number)
    }

    /// The highest row that has the end in view.
    fn last_top(&self, shape: Shape) -> Spot {
        let mut left = shape.height.max(1);
        let mut index = self.len();
        while index > 0 {
            index -= 1;
            let rows = self.count(index, shape);
            if rows >= left {
                let row = rows - left;
                return Spot { index, row };
            }
            left -= rows;
        }
        Spot::default()
    }

    /// The row that is the first in view.
    pub(crate) fn top(&self, shape: Shape) -> Spot {
        let last = self.last_top(shape);
        if self.follow {
            return last;
        }
        let index = self.index(self.ring.held.top);
        let row = match self.shown(index) {
            Some((number, line)) if number == self.ring.held.top => {
                let parts = parts(&line.text, shape);
                let row = parts.partition_point(|part| part.start <= self.offset);
                row.saturating_sub(1)
            }
            _ => 0,
        };
        last.min(Spot { index, row })
    }

    /// The row that is so many away.
    pub(super) fn step(&self, from: Spot, by: isize, shape: Shape) -> Spot {
        let end = self.len().saturating_sub(1);
        if shape.long == Long::Cut {
            let index = from.index.saturating_add_signed(by).min(end);
            return Spot { index, row: 0 };
        }
        let mut left = by.unsigned_abs();
        let mut at = from;
        while left > 0 {
            if by > 0 {
                let rest = self.count(at.index, shape).saturating_sub(1 + at.row);
                if left <= rest || at.index >= end {
                    at.row += left.min(rest);
                    break;
                }
                left -= rest + 1;
                at = Spot {
                    index: at.index + 1,
                    row: 0,
                };
            } else {
                if left <= at.row || at.index == 0 {
                    at.row = at.row.saturating_sub(left);
                    break;
                }
                left -= at.row + 1;
                at.index -= 1;
                at.row = self.count(at.index, shape).saturating_sub(1);
            }
        }
        at
    }

    /// Holds on to a row as the first in view.
    pub(super) fn hold(&mut self, spot: Spot, shape: Shape) {
        let held = self.shown(spot.index).map(|(number, line)| {
            let part = parts(&line.text, shape).into_iter().nth(spot.row);
            (number, part.map_or(0, |part| part.start))
        });
        if let Some((number, offset)) = held {
            self.ring.held.top = number;
            self.offset = offset;
        }
    }

    /// Moves the view by so many rows; upwards stops following, the end resumes it.
    pub(crate) fn scroll(&mut self, rows: isize, shape: Shape) {
        let last = self.last_top(shape);
        let top = self.step(self.top(shape), rows, shape).min(last);
        self.hold(top, shape);
        let follow = top == last && (rows > 0 || self.follow);
        self.set_follow(follow);
    }

    /// Stops following, or follows again.
    pub(crate) fn toggle_follow(&mut self, shape: Shape) {
        if self.follow {
            self.hold(self.top(shape), shape);
        }
        self.set_follow(!self.follow);
    }

    /// The rows in view.
    pub(crate) fn window(&self, shape: Shape) -> Vec<Seen<'_>> {
        let top = self.top(shape);
        let mut seen = Vec::new();
        let mut skip = top.row;
        for index in top.index.. {
            let Some((number, line)) = self.shown(index) else {
                break;
            };
            for part in parts(&line.text, shape).into_iter().skip(skip) {
                if seen.len() >= shape.height {
                    return seen;
                }
                seen.push(Seen { number, line, part });
            }
            skip = 0;
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, width: usize) -> Vec<&str> {
        let shape = Shape {
            width,
            height: 1,
            long: Long::Wrapped,
        };
        let parts = parts(text, shape);
        assert_eq!(parts.len(), count(text, shape), "{text}");
        parts.into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn a_line_goes_on_in_the_next_row() {
        assert_eq!(broken("", 3), [""]);
        assert_eq!(broken("abc", 3), ["abc"]);
        assert_eq!(broken("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(broken("äöüß", 3), ["äöü", "ß"]);
        assert_eq!(broken("語語語", 5), ["語語", "語"], "never half of one");
        assert_eq!(broken("語語", 1), ["語", "語"]);
    }
}
