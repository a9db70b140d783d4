//! A line of output: when, whose, during what, from where, and what was written, with what was found in it marked.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::model::output::OutputSource;
use crate::tui::model::Model;
use crate::tui::output::rows::{Long, Seen};
use crate::tui::output::{Reach, Times, written};
use crate::tui::paint::{Run, run};
use crate::tui::safe;
use crate::tui::theme::Role;

/// Below so many columns the text has the room that times and events would take.
const NARROW: usize = 36;

/// The columns before the text.
pub(super) fn margin(model: &Model, width: usize) -> usize {
    let how = &model.output.how;
    let time = if width < NARROW || how.times == Times::Hidden {
        0
    } else {
        9
    };
    let name = if how.reach == Reach::All {
        model.output.names + 1
    } else {
        0
    };
    let event = if width < NARROW { 0 } else { 6 };
    time + name + event + 4
}

/// A row of a line, in this many columns.
pub(super) fn runs(model: &Model, seen: &Seen<'_>, width: usize) -> Vec<Run> {
    let output = &model.output;
    let line = seen.line;
    let mut runs = if seen.part.start == 0 {
        before(model, seen, width)
    } else {
        vec![run(Role::Muted, " ".repeat(margin(model, width)))]
    };
    let role = match line.source {
        OutputSource::Stdout => Role::Text,
        OutputSource::Stderr => Role::Stderr,
        OutputSource::Agent => Role::Muted,
    };
    let part = match output.how.long {
        Long::Cut => from_column(&line.text, output.column)..line.text.len(),
        Long::Wrapped => seen.part.clone(),
    };
    let needle = output.how.needle.as_ref().filter(|_| line.found.hit);
    let hits = needle.map_or_else(Vec::new, |needle| needle.hits(&line.text));
    let found = if output.ring.held.hit == Some(seen.number) {
        Role::Selected
    } else {
        Role::Found
    };
    runs.extend(marked(&line.text, part, &hits, role, found));
    runs
}

/// What is before the text in a line's first row.
fn before(model: &Model, seen: &Seen<'_>, width: usize) -> Vec<Run> {
    let output = &model.output;
    let line = seen.line;
    let mut runs = Vec::new();
    if width >= NARROW && output.how.times != Times::Hidden {
        runs.push(run(Role::Muted, format!("{} ", written::time(model, line))));
    }
    if output.how.reach == Reach::All {
        let name = output.name(line).map_or("", |name| name.as_str());
        let wide = output.names;
        runs.push(run(Role::Heading, format!("{name:wide$.wide$} ")));
    }
    if width >= NARROW {
        let event = line.event.short_name();
        runs.push(run(Role::Muted, format!("{event:5} ")));
    }
    // Three cells that tell the source also where there is no colour.
    runs.push(run(
        if line.source == OutputSource::Stderr {
            Role::Stderr
        } else {
            Role::Muted
        },
        format!("{} ", written::source(line)),
    ));
    runs
}

/// Where a text goes on at a column.
fn from_column(text: &str, column: usize) -> usize {
    let mut cells = 0;
    let mut graphemes = text.grapheme_indices(true);
    let first = graphemes.find(|(_, grapheme)| {
        let here = cells >= column;
        cells += safe::width(grapheme);
        here
    });
    first.map_or(text.len(), |(at, _)| at)
}

/// A part of a text with the hits in it marked.
pub(crate) fn marked(
    text: &str,
    part: Range<usize>,
    hits: &[Range<usize>],
    role: Role,
    found: Role,
) -> Vec<Run> {
    let piece = |role, range: Range<usize>| {
        let text = text.get(range).filter(|text| !text.is_empty());
        text.map(|text| run(role, text))
    };
    let mut runs = Vec::new();
    let mut at = part.start;
    for hit in hits {
        let (start, end) = (hit.start.max(at), hit.end.min(part.end));
        if start < end {
            runs.extend(piece(role, at..start));
            runs.extend(piece(found, start..end));
            at = end;
        }
    }
    runs.extend(piece(role, at..part.end));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_marked_wherever_the_part_begins_and_ends() {
        let texts = |part: Range<usize>| -> Vec<(bool, String)> {
            let runs = marked("abcabcabc", part, &[1..3, 4..6], Role::Text, Role::Found);
            let runs = runs.into_iter();
            runs.map(|(role, text)| (role == Role::Found, text))
                .collect()
        };
        let said = |parts: &[(bool, &str)]| -> Vec<(bool, String)> {
            let parts = parts.iter();
            parts
                .map(|(hit, text)| (*hit, (*text).to_owned()))
                .collect()
        };
        let all = [
            (false, "a"),
            (true, "bc"),
            (false, "a"),
            (true, "bc"),
            (false, "abc"),
        ];
        assert_eq!(texts(0..9), said(&all));
        assert_eq!(texts(2..5), said(&[(true, "c"), (false, "a"), (true, "b")]));
        assert_eq!(texts(6..9), said(&[(false, "abc")]));
    }

    #[test]
    fn a_text_goes_on_at_a_column() {
        assert_eq!(from_column("abc", 1), 1);
        assert_eq!(from_column("語語", 2), 3);
        assert_eq!(from_column("abc", 9), 3);
    }
}
