//! Text broken into lines.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::tui::paint::{Run, run};
use crate::tui::safe;

/// How far a row is further in that goes on with what did not fit above it.
const FURTHER: &str = "  ";

/// Breaks a text at blanks into lines of at most this width.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if !line.is_empty() && safe::width(line) + 1 + safe::width(word) > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// Breaks a row at blanks into rows of at most this width, each of which goes on further in.
pub(crate) fn fold(row: &[Run], width: usize) -> Vec<Vec<Run>> {
    let (mut rows, mut used): (Vec<Vec<Run>>, usize) = (vec![Vec::new()], 0);
    let mut begins = false;
    for (role, text) in row {
        for word in text.split_inclusive(' ') {
            let wide = safe::width(word.trim_end());
            if used > FURTHER.len() && used + wide > width {
                rows.push(vec![run(*role, FURTHER)]);
                (used, begins) = (FURTHER.len(), true);
            }
            if begins && wide == 0 {
                continue;
            }
            begins = false;
            used += safe::width(word);
            if let Some(last) = rows.last_mut() {
                match last.last_mut() {
                    Some((same, text)) if same == role => text.push_str(word),
                    _ => last.push(run(*role, word)),
                }
            }
        }
    }
    rows
}

/// Breaks a text wherever a line is full, and leaves every blank: what is joined again is the same.
pub(crate) fn chop(text: &str, width: usize) -> Vec<String> {
    let parts = breaks(text, width).into_iter();
    let parts = parts.filter_map(|part| text.get(part));
    parts.map(str::to_owned).collect()
}

/// The same as places in the text, in bytes.
pub(crate) fn breaks(text: &str, width: usize) -> Vec<Range<usize>> {
    // Most lines are short.
    if text.is_ascii() && text.len() <= width {
        return std::iter::once(0..text.len()).collect();
    }
    let mut parts = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let cells = safe::width(grapheme);
        if used > 0 && used + cells > width {
            parts.push(start..at);
            (start, used) = (at, 0);
        }
        used += cells;
    }
    parts.push(start..text.len());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::paint::width;
    use crate::tui::theme::Role;

    #[test]
    fn a_row_of_runs_breaks_at_blanks_and_keeps_its_roles() {
        let row = [
            run(Role::Bad, "web-1, web-2  "),
            run(Role::Text, "the script ended"),
        ];
        let rows = fold(&row, 14);
        let texts = rows.iter().map(|row| {
            let text: String = row.iter().map(|(_, text)| text.as_str()).collect();
            text.trim_end().to_owned()
        });
        let texts: Vec<String> = texts.collect();
        assert_eq!(texts, ["web-1, web-2", "  the script", "  ended"]);
        assert!(rows.iter().all(|row| width(row) <= 15));
        assert_eq!(rows[0][0].0, Role::Bad);
        assert_eq!(fold(&row, 80), [row.to_vec()]);
        assert_eq!(fold(&[run(Role::Text, "verylongword b")], 5).len(), 2);
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 5), ["a", "verylongword", "b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn what_is_chopped_loses_nothing() {
        assert_eq!(chop("  a b cd", 3), ["  a", " b ", "cd"]);
        assert_eq!(chop("", 3), [""]);
        assert_eq!(chop("ab", 0), ["a", "b"]);
        assert_eq!(chop("\u{6f22}\u{5b57}x", 3), ["\u{6f22}", "\u{5b57}x"]);
    }
}
