//! What was typed to narrow a list: words, each of which a row has to fit.
//!
//! ```text
//! web            a value of the row has these letters, in this order; which letters count how is the mode
//! !test          no value of the row does
//! status:failed  this field of the row does
//! ```

use std::collections::BTreeSet;
use std::ops::Range;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::model::yaml::nearest;
use crate::tui::widgets::fuzzy::{Fuzzy, Word};

/// How a word fits a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mode {
    /// Its letters are in the value in this order, with others between them.
    #[default]
    Fuzzy,
    /// It is a part of the value.
    Exact,
    /// It is a regular expression that fits a part of the value.
    Regex,
}

impl Mode {
    /// Its word on the screen.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fuzzy => "fuzzy",
            Self::Exact => "exact",
            Self::Regex => "regex",
        }
    }

    /// The one after it, round and round.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Fuzzy => Self::Exact,
            Self::Exact => Self::Regex,
            Self::Regex => Self::Fuzzy,
        }
    }
}

/// A filter: empty, everything fits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    text: String,
    mode: Mode,
    terms: Vec<Term>,
    problem: Option<String>,
}

#[derive(Clone, Debug)]
struct Term {
    negated: bool,
    field: Option<&'static str>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Fuzzy(Word),
    /// In small letters.
    Exact(String),
    Regex(Regex),
}

impl Filter {
    /// A filter of what was typed, for rows that have these fields.
    pub(crate) fn new(text: &str, mode: Mode, fields: &[&'static str]) -> Self {
        let mut filter = Self {
            text: text.to_owned(),
            mode,
            ..Self::default()
        };
        let terms = text.split_whitespace().filter(|word| *word != "!");
        match terms.map(|word| term(word, mode, fields)).collect() {
            Ok(terms) => filter.terms = terms,
            Err(problem) => filter.problem = Some(problem),
        }
        filter
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How its words fit.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// Why it is not understood; then nothing fits it.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether everything fits.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.problem.is_none()
    }

    /// The letters of a text that its words fit, as positions among the characters.
    pub(crate) fn hits(&self, text: &str, fuzzy: &mut Fuzzy) -> BTreeSet<usize> {
        let wanted = self.terms.iter().filter(|term| !term.negated);
        wanted
            .flat_map(|term| term.what.hits(text, fuzzy))
            .collect()
    }

    /// Whether a row fits.
    pub(crate) fn fits(&self, facts: &Facts, fuzzy: &mut Fuzzy) -> bool {
        self.problem.is_none()
            && self.terms.iter().all(|term| {
                let mut values = facts.values(term.field);
                values.any(|value| term.what.is_in(value, fuzzy)) != term.negated
            })
    }
}

impl What {
    fn is_in(&self, value: &str, fuzzy: &mut Fuzzy) -> bool {
        match self {
            Self::Fuzzy(word) => fuzzy.score(word, value).is_some(),
            Self::Exact(part) => value.to_lowercase().contains(part),
            Self::Regex(regex) => regex.is_match(value),
        }
    }

    fn hits(&self, text: &str, fuzzy: &mut Fuzzy) -> Vec<usize> {
        let characters = |range: Range<usize>| {
            let before = text
                .get(..range.start)
                .map_or(0, |text| text.chars().count());
            let within = text.get(range).map_or(0, |text| text.chars().count());
            before..before + within
        };
        match self {
            Self::Fuzzy(word) => fuzzy.indices(word, text),
            Self::Exact(part) => {
                // A letter a letter, so that positions are those of the text.
                let small = |c: char| c.to_lowercase().next().unwrap_or(c);
                let text: Vec<char> = text.chars().map(small).collect();
                let part: Vec<char> = part.chars().collect();
                let starts = text.windows(part.len().max(1)).enumerate();
                let starts = starts.filter(|(_, letters)| *letters == part);
                starts
                    .flat_map(|(at, letters)| at..at + letters.len())
                    .collect()
            }
            Self::Regex(regex) => regex
                .find_iter(text)
                .flat_map(|found| characters(found.range()))
                .collect(),
        }
    }
}

fn term(word: &str, mode: Mode, fields: &[&'static str]) -> Result<Term, String> {
    let (negated, word) = match word.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let (field, wanted) = match word.split_once(':') {
        Some((name, wanted)) => (Some(field(name, fields)?), wanted),
        None => (None, word),
    };
    let what = match mode {
        // Who names a field knows what is in it.
        Mode::Fuzzy if field.is_none() => What::Fuzzy(Word::new(wanted)),
        Mode::Fuzzy | Mode::Exact => What::Exact(wanted.to_lowercase()),
        Mode::Regex => {
            let regex = RegexBuilder::new(wanted).case_insensitive(true).build();
            What::Regex(
                regex.map_err(|error| format!("{wanted} is no regular expression: {error}"))?,
            )
        }
    };
    Ok(Term {
        negated,
        field,
        what,
    })
}

fn field(name: &str, fields: &[&'static str]) -> Result<&'static str, String> {
    let found = fields.iter().find(|field| **field == name);
    found.copied().ok_or_else(|| {
        let help = nearest(name, fields.iter().copied());
        let help = help.unwrap_or_else(|| format!("there are {}", fields.join(", ")));
        format!("no field {name} here: {help}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 2] = ["status", "by"];

    #[test]
    fn what_fits_is_found_in_a_row() {
        let hits = |typed: &str, mode| {
            let filter = Filter::new(typed, mode, &FIELDS);
            let hits = filter.hits("  w\u{e9}b-12  Failed  ana", &mut Fuzzy::new());
            hits.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(hits("12", Mode::Exact), [6, 7]);
        assert_eq!(
            hits("status:failed !12", Mode::Fuzzy),
            [10, 11, 12, 13, 14, 15]
        );
        assert_eq!(hits("b1", Mode::Fuzzy), [4, 6]);
        assert_eq!(hits("b-[0-9]+|an", Mode::Regex), [4, 5, 6, 7, 18, 19]);
        assert_eq!(hits("", Mode::Exact), Vec::<usize>::new());
    }

    fn fits(typed: &str, mode: Mode) -> Vec<&'static str> {
        let rows = [
            ("web-1", "Failed", "ana"),
            ("web-12", "Succeeded", "ben"),
            ("db-1", "Failed", "failbot"),
        ];
        let filter = Filter::new(typed, mode, &FIELDS);
        let mut fuzzy = Fuzzy::new();
        let mut fits = |name: &str, status: &str, by: &str| {
            let facts = Facts::new(name).with("status", status).with("by", by);
            filter.fits(&facts, &mut fuzzy)
        };
        let rows = rows
            .into_iter()
            .filter(|(name, status, by)| fits(name, status, by));
        rows.map(|(name, ..)| name).collect()
    }

    #[test]
    fn words_narrow_negate_and_name_fields() {
        assert_eq!(fits("", Mode::Fuzzy), ["web-1", "web-12", "db-1"]);
        assert_eq!(fits("w1", Mode::Fuzzy), ["web-1", "web-12"]);
        assert_eq!(fits("w1", Mode::Exact), [""; 0]);
        assert_eq!(fits("WEB !12", Mode::Exact), ["web-1"]);
        assert_eq!(fits("fail", Mode::Fuzzy), ["web-1", "db-1"]);
        assert_eq!(fits("status:fail !by:bot", Mode::Fuzzy), ["web-1"]);
        assert_eq!(fits("^web-1$", Mode::Regex), ["web-1"]);
        assert_eq!(fits("!", Mode::Fuzzy).len(), 3, "half typed");
    }

    #[test]
    fn what_is_not_understood_is_said_and_fits_nothing() {
        let problem = |typed: &str, mode| {
            let filter = Filter::new(typed, mode, &FIELDS);
            filter.problem().unwrap().to_owned()
        };
        assert!(problem("stats:failed", Mode::Fuzzy).contains("did you mean"));
        assert!(problem("colour:red", Mode::Fuzzy).ends_with("there are status, by"));
        assert!(problem("we(", Mode::Regex).contains("is no regular expression"));
        assert_eq!(fits("colour:red", Mode::Fuzzy), [""; 0]);
    }
}
