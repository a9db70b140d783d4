//! Text broken into lines.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::tui::safe;

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

/// Breaks a text wherever a line is full, and leaves every blank: what is joined again is the same.
pub(crate) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let cells = safe::width(grapheme);
        if used > 0 && used + cells > width {
            lines.push(String::new());
            used = 0;
        }
        used += cells;
        let last = lines.len() - 1;
        lines[last].push_str(grapheme);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_long_words_stay_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 5), ["a", "verylongword", "b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn what_is_folded_loses_nothing() {
        assert_eq!(fold("  a b cd", 3), ["  a", " b ", "cd"]);
        assert_eq!(fold("", 3), [""]);
        assert_eq!(fold("ab", 0), ["a", "b"]);
        assert_eq!(fold("\u{6f22}\u{5b57}x", 3), ["\u{6f22}", "\u{5b57}x"]);
    }
}
