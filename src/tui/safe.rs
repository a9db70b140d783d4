//! Text from outside, made safe where it comes in: what a hook wrote becomes one line of harmless, readable text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::text;

/// A line is kept up to this many characters: a script that writes one endless line must not fill the memory.
const LONGEST: usize = 4096;

/// One line of output without colours and cursor movements. Of a line that was rewritten with carriage returns (a
/// progress bar) the last version stays, as on a terminal.
pub(crate) fn line(raw: &str) -> String {
    let last = raw
        .rsplit('\r')
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let stripped = without_sequences(last);
    let short: String = stripped.chars().take(LONGEST).collect();
    text::safe(&expand_tabs(&short))
}

/// Text that is safe to draw. Most is as it came.
pub(crate) fn drawable(raw: &str) -> Cow<'_, str> {
    // Everything that `text::safe` changes is a control character or lies beyond ASCII.
    if raw.bytes().all(|b| (b' '..0x7f).contains(&b)) {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(text::safe(raw))
    }
}

/// The width of a text in cells.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(|g| g.width().min(2)).sum()
}

/// Removes whole escape sequences, so that coloured output reads as it was meant.
fn without_sequences(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\u{1b}') {
        return Cow::Borrowed(raw);
    }
    let mut kept = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            kept.push(c);
            continue;
        }
        match chars.next() {
            // CSI: parameters, then one final letter.
            Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
            // OSC, DCS, APC, PM, SOS: up to BEL or ESC \.
            Some(']' | 'P' | '_' | '^' | 'X') => {
                while let Some(c) = chars.next() {
                    if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
            // Character sets carry one more character.
            Some('(' | ')' | '#' | '%') => {
                chars.next();
            }
            _ => {}
        }
    }
    Cow::Owned(kept)
}

fn expand_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let mut wide = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for grapheme in text.graphemes(true) {
        if grapheme == "\t" {
            let blanks = 8 - column % 8;
            wide.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            wide.push_str(grapheme);
            column += grapheme.width();
        }
    }
    Cow::Owned(wide)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_titles_and_progress_bars_read_as_meant() {
        assert_eq!(line("\u{1b}[1;31merror\u{1b}[0m: no"), "error: no");
        assert_eq!(line("\u{1b}]0;title\u{7}text\u{1b}(B"), "text");
        assert_eq!(
            line("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\"),
            "link"
        );
        assert_eq!(line(" 10 %\r 50 %\r100 %\r"), "100 %");
        assert_eq!(line("a\tb"), "a       b");
        assert_eq!(line("cut \u{1b}["), "cut ");
    }

    fn harmless(text: &str) -> bool {
        !text.chars().any(|c| {
            c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
    }

    proptest! {
        #[test]
        fn nothing_harmful_survives(raw in "(\\PC|[\\x00-\\x1f\\x7f-\\u{9f}\\u{202e}\\u{2066}\\u{200f}]|\\x1b\\[|\\x1b\\]){0,60}") {
            prop_assert!(harmless(&line(&raw)));
            prop_assert!(harmless(&drawable(&raw)));
        }
    }
}
