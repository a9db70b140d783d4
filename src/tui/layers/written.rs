//! A text of many lines on a screen of so many columns: where its rows begin is kept, and only what is seen is made.

use std::ops::Range;

use crate::text::safe;
use crate::tui::output::needle::Needle;
use crate::tui::paint::Run;
use crate::tui::panes::output::marked;
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::breaks;

/// The text, and its rows.
#[derive(Debug)]
pub(super) struct Written {
    /// As a terminal may see it.
    text: String,
    rows: Vec<Range<usize>>,
    width: usize,
}

impl Written {
    /// Without rows as yet.
    pub(super) fn new(text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(safe).collect();
        Self {
            text: lines.join("\n"),
            rows: Vec::new(),
            width: 0,
        }
    }

    /// Fits it into so many columns; answers whether that is another width.
    pub(super) fn fit(&mut self, width: usize) -> bool {
        if self.width == width {
            return false;
        }
        self.width = width;
        self.rows.clear();
        for (start, line) in lines(&self.text) {
            let rows = breaks(line, width).into_iter();
            self.rows
                .extend(rows.map(|row| start + row.start..start + row.end));
        }
        true
    }

    /// How many rows it has.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Its lines, whole.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        lines(&self.text).map(|(_, line)| line)
    }

    /// The rows in which something that is found begins, though it may go on in the next.
    pub(super) fn found(&self, needle: &Needle) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for (start, line) in lines(&self.text) {
            for hit in needle.hits(line) {
                let at = start + hit.start;
                let behind = self.rows.partition_point(|row| row.start <= at);
                let row = behind.saturating_sub(1);
                if found.last() != Some(&row) {
                    found.push(row);
                }
            }
        }
        found
    }

    /// A row, with what is found in it marked.
    pub(super) fn row(&self, at: usize, sought: Option<(&Needle, Role)>) -> Vec<Run> {
        let Some(row) = self.rows.get(at).cloned() else {
            return Vec::new();
        };
        let before = self.text.get(..row.start).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        let hits = sought.map(|(needle, _)| needle.hits(line));
        let sign = sought.map_or(Role::Found, |(_, sign)| sign);
        let part = row.start - start..row.end - start;
        marked(line, part, &hits.unwrap_or_default(), Role::Text, sign)
    }
}

/// Every line of a text with the place at which it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n').scan(0, |next, line| {
        let start = *next;
        *next += line.len() + 1;
        Some((start, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::lists::filter::Mode;

    #[test]
    fn what_goes_over_the_end_of_a_row_is_found_and_marked_in_both() {
        let mut written = Written::new("one two\n\nthree\u{1b}\n");
        assert!(written.fit(4) && !written.fit(4));
        let plain = |at| -> String {
            let runs = written.row(at, None).into_iter();
            runs.map(|(_, text)| text).collect()
        };
        let rows: Vec<String> = (0..written.len()).map(plain).collect();
        assert_eq!(rows, ["one ", "two", "", "thre", "e\u{241b}"]);
        let needle = Needle::new("e t", Mode::Exact).unwrap();
        assert_eq!(written.found(&needle), [0]);
        let marked = |at| {
            let runs = written.row(at, Some((&needle, Role::Selected)));
            let found = runs.into_iter().filter(|(role, _)| *role == Role::Selected);
            found.map(|(_, text)| text).collect::<String>()
        };
        assert_eq!((marked(0), marked(1)), ("e ".to_owned(), "t".to_owned()));
        let needle = Needle::new("e", Mode::Exact).unwrap();
        assert_eq!(written.found(&needle), [0, 3, 4]);
    }
}
