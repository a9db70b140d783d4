//! Turns the parser's marks into lines, columns and byte offsets.

use std::cell::Cell;
use std::collections::HashMap;

use saphyr_parser::Marker;

use super::node::{Position, Span};

/// The size of a byte order mark, which the parser does not see.
pub(super) const BOM: char = '\u{feff}';

/// Finds positions in one text. Lines and columns are the parser's; offsets are derived from them, because its index
/// counts characters in some places and bytes in others.
pub(super) struct Positions<'a> {
    text: &'a str,
    /// Where the parsed text starts in the whole one: behind the byte order mark.
    skipped: usize,
    /// Byte offset of every line's first character.
    lines: Vec<usize>,
    /// The place that was looked up last. The next one is rarely before it, so that a long line is walked through once.
    last: Cell<Place>,
    /// Blanks in front of lines that the parser sees, but that are not written.
    shifts: HashMap<usize, usize>,
}

/// A character of a line: which line, how many characters and how many bytes come before it there.
#[derive(Clone, Copy, Default)]
struct Place {
    line: usize,
    column: usize,
    bytes: usize,
}

impl<'a> Positions<'a> {
    /// Prepares to look up positions in `text`, the rest of a document of which `skipped` bytes were taken away.
    pub(super) fn new(text: &'a str, skipped: usize) -> Self {
        let bytes = text.as_bytes();
        // A line ends with \n, \r\n or a lone \r, as the parser counts them.
        let lines = std::iter::once(0)
            .chain(bytes.iter().enumerate().filter_map(|(at, byte)| {
                let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
                ends.then_some(at + 1)
            }))
            .collect();
        Self {
            text,
            skipped,
            lines,
            last: Cell::default(),
            shifts: HashMap::new(),
        }
    }

    /// The place of a marker, whose line counts from 1 and whose column counts characters from 0.
    pub(super) fn marker(&self, marker: &Marker) -> Position {
        let start = |line: usize| self.lines.get(line).copied().unwrap_or(self.text.len());
        let line = marker.line().max(1);
        if line > self.lines.len() {
            // The parser is on a new line behind a last one that has no end.
            return self.offset(self.text.len() + self.skipped);
        }
        let shift = self.shifts.get(&line).copied().unwrap_or_default();
        let column = marker.col().saturating_sub(shift);
        let begin = start(line - 1);
        let whole = self.text.get(begin..start(line)).unwrap_or_default();
        let last = self.last.get();
        let from = if last.line == line && last.column <= column {
            last
        } else {
            Place {
                line,
                ..Place::default()
            }
        };
        let rest = whole.get(from.bytes..).unwrap_or_default();
        let here = match rest.char_indices().nth(column - from.column) {
            Some((bytes, _)) => Place {
                line,
                column,
                bytes: from.bytes + bytes,
            },
            None => Place {
                line,
                column: from.column + rest.chars().count(),
                bytes: whole.len(),
            },
        };
        self.last.set(here);
        Position {
            line,
            column: here.column + 1,
            offset: begin + here.bytes + self.skipped,
        }
    }

    /// The place of the character at a byte offset of the whole text.
    pub(super) fn offset(&self, offset: usize) -> Position {
        let at = offset.saturating_sub(self.skipped);
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let begin = self.lines.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(begin..at).unwrap_or_default();
        Position {
            line,
            column: before.chars().count() + 1,
            offset,
        }
    }

    /// The place of a span.
    pub(super) fn span(&self, span: saphyr_parser::Span) -> Span {
        Span {
            start: self.marker(&span.start),
            end: self.marker(&span.end),
        }
    }

    /// Takes note that a line of the parsed text has this many blanks in front that are not written; once a line only.
    pub(super) fn shift(&mut self, line: usize, blanks: usize) -> bool {
        self.shifts.insert(line, blanks).is_none()
    }

    /// Byte offset of a line's (from 1) first character.
    pub(super) fn line_start(&self, line: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1)).copied();
        start.unwrap_or(self.text.len())
    }

    /// The character at a place.
    pub(super) fn character(&self, position: Position) -> Option<char> {
        let at = position.offset.saturating_sub(self.skipped);
        self.text.get(at..)?.chars().next()
    }

    /// What is written in a span.
    pub(super) fn slice(&self, span: Span) -> &'a str {
        let offset = |position: Position| position.offset.saturating_sub(self.skipped);
        self.text
            .get(offset(span.start)..offset(span.end))
            .unwrap_or_default()
    }

    /// The line (from 1) as text, without its end.
    pub(super) fn line(&self, line: usize) -> &'a str {
        let start = self.lines.get(line.saturating_sub(1)).copied();
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        start
            .and_then(|start| self.text.get(start..end))
            .unwrap_or_default()
            .trim_end_matches(['\r', '\n'])
    }
}
