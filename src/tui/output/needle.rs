//! What is looked for in the output: letters, or a regular expression. Capitals count only where some are typed.

use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};

use crate::tui::lists::filter::Mode;

/// What somebody looks for.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    text: String,
    mode: Mode,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// These letters; in small ones where capitals do not count.
    Letters { letters: String, as_typed: bool },
    /// What fits this.
    Regex(Regex),
    /// Nothing: it is not understood.
    Wrong(String),
}

impl Needle {
    /// What was typed; nothing for nothing.
    pub(crate) fn new(text: &str, mode: Mode) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let what = if mode == Mode::Regex {
            regex(text)
        } else {
            let as_typed = text.chars().any(char::is_uppercase);
            let letters = if as_typed {
                text.to_owned()
            } else {
                text.to_lowercase()
            };
            What::Letters { letters, as_typed }
        };
        Some(Self {
            text: text.to_owned(),
            mode,
            what,
        })
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How it is looked for.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Why it is not understood; then nothing is found.
    pub(crate) fn problem(&self) -> Option<&str> {
        match &self.what {
            What::Wrong(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether a line has a hit.
    pub(crate) fn is_in(&self, line: &str) -> bool {
        match &self.what {
            What::Letters { letters, as_typed } => find(line, letters, *as_typed).is_some(),
            What::Regex(regex) => regex.find_iter(line).any(|hit| !hit.is_empty()),
            What::Wrong(_) => false,
        }
    }

    /// Every hit in a line, in bytes.
    pub(crate) fn hits(&self, line: &str) -> Vec<Range<usize>> {
        match &self.what {
            What::Letters { letters, as_typed } => {
                let mut hits = Vec::new();
                let mut from = 0;
                while let Some(hit) = line
                    .get(from..)
                    .and_then(|rest| find(rest, letters, *as_typed))
                {
                    hits.push(from + hit.start..from + hit.end);
                    from += hit.end;
                }
                hits
            }
            What::Regex(regex) => {
                let hits = regex.find_iter(line).map(|hit| hit.range());
                hits.filter(|hit| !hit.is_empty()).collect()
            }
            What::Wrong(_) => Vec::new(),
        }
    }
}

fn regex(text: &str) -> What {
    // A capital behind a backslash is a kind of letters.
    let mut escaped = false;
    let capital = text.chars().any(|c| {
        let counts = c.is_uppercase() && !escaped;
        escaped = c == '\\' && !escaped;
        counts
    });
    match RegexBuilder::new(text).case_insensitive(!capital).build() {
        Ok(regex) => What::Regex(regex),
        Err(error) => What::Wrong(format!("{text} is no regular expression: {error}")),
    }
}

/// The first place of some letters in a text.
fn find(text: &str, letters: &str, as_typed: bool) -> Option<Range<usize>> {
    if as_typed {
        let start = text.find(letters)?;
        return Some(start..start + letters.len());
    }
    if letters.is_ascii() {
        // Bytes of ASCII are in no longer character.
        let (letters, text) = (letters.as_bytes(), text.as_bytes());
        let start = text
            .windows(letters.len())
            .position(|part| part.eq_ignore_ascii_case(letters))?;
        return Some(start..start + letters.len());
    }
    text.char_indices().find_map(|(start, _)| {
        let length = begins(text.get(start..)?, letters)?;
        Some(start..start + length)
    })
}

/// How much of the beginning of a text is these small letters, in whichever case.
fn begins(text: &str, letters: &str) -> Option<usize> {
    let mut wanted = letters.chars().peekable();
    for (at, c) in text.char_indices() {
        if wanted.peek().is_none() {
            return Some(at);
        }
        for small in c.to_lowercase() {
            wanted.next_if_eq(&small)?;
        }
    }
    wanted.peek().is_none().then_some(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hits<'a>(typed: &str, mode: Mode, line: &'a str) -> Vec<&'a str> {
        let needle = Needle::new(typed, mode).unwrap();
        let hits: Vec<&str> = needle
            .hits(line)
            .into_iter()
            .map(|hit| &line[hit])
            .collect();
        assert_eq!(needle.is_in(line), !hits.is_empty());
        hits
    }

    #[test]
    fn capitals_count_where_some_are_typed() {
        let line = "Error: no error in ERRORS";
        assert_eq!(
            hits("error", Mode::Exact, line),
            ["Error", "error", "ERROR"]
        );
        assert_eq!(hits("Error", Mode::Exact, line), ["Error"]);
        assert_eq!(hits("err\\w+", Mode::Regex, line).len(), 3);
        assert_eq!(hits("E\\w+", Mode::Regex, line), ["Error", "ERRORS"]);
        assert_eq!(
            hits("rs\\W?", Mode::Regex, "ERRORS."),
            ["RS."],
            "\\W is no capital"
        );
        assert_eq!(hits("größe", Mode::Exact, "GRÖSSE, Größe"), ["Größe"]);
        assert_eq!(hits("x*", Mode::Regex, "abc"), [""; 0]);
    }

    #[test]
    fn what_is_not_understood_is_said_and_found_nowhere() {
        let needle = Needle::new("a(", Mode::Regex).unwrap();
        assert!(needle.problem().unwrap().contains("no regular expression"));
        assert!(!needle.is_in("a("));
        assert!(Needle::new("", Mode::Exact).is_none());
    }

    proptest! {
        #[test]
        fn hits_are_parts_of_the_line(typed in "[aAßİé(.*x ]{1,3}", line in "[aAßİéÉxX\u{301} .(]{0,12}") {
            for mode in [Mode::Exact, Mode::Regex] {
                let needle = Needle::new(&typed, mode).unwrap();
                let mut end = 0;
                for hit in needle.hits(&line) {
                    prop_assert!(hit.start >= end && hit.end > hit.start);
                    prop_assert!(line.get(hit.clone()).is_some());
                    end = hit.end;
                }
                prop_assert_eq!(needle.is_in(&line), end > 0);
            }
        }
    }
}
