//! Text from outside within Markdown: harmless to a terminal, and taken for nothing but text.

use crate::text::safe;

/// A text within a line: no part of it is markup.
pub(super) fn inline(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in safe(text).trim().chars() {
        if "\\`*_[]<>#|~&!$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

/// Lines as they are, behind a fence that none of them ends.
pub(super) fn fenced(lines: &[&str], indent: &str) -> Vec<String> {
    let ticks = |line: &&str| line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let longest = lines.iter().map(ticks).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut block = vec![format!("{indent}{fence}text")];
    block.extend(
        lines
            .iter()
            .map(|line| format!("{indent}{}", safe(line)).trim_end().to_owned()),
    );
    block.push(format!("{indent}{fence}"));
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_no_markup() {
        assert_eq!(
            inline("a|b <img> `x` \u{1b}[1m\n# h"),
            "a\\|b \\<img\\> \\`x\\` ␛\\[1m␊\\# h"
        );
        let block = fenced(&["````", "</details>"], "  ");
        assert_eq!(block.first().unwrap(), "  `````text");
        assert_eq!(block.last().unwrap(), "  `````");
    }
}
