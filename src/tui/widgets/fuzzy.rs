//! How well a text fits letters that somebody typed: they are in it, in this order, in whichever case.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// Compares texts. It has room of its own to work in: make one for many texts.
#[derive(Debug)]
pub(crate) struct Fuzzy {
    matcher: Matcher,
    letters: Vec<char>,
}

impl Fuzzy {
    pub(crate) fn new() -> Self {
        Self {
            matcher: Matcher::new(Config::DEFAULT),
            letters: Vec::new(),
        }
    }

    /// How well a text fits a word, higher being better; `None` if it does not.
    pub(crate) fn score(&mut self, word: &Word, text: &str) -> Option<u32> {
        let text = Utf32Str::new(text, &mut self.letters);
        word.0.score(text, &mut self.matcher).map(u32::from)
    }

    /// The letters of a text that a word fits best, as positions among the characters; none if it does not.
    pub(crate) fn indices(&mut self, word: &Word, text: &str) -> Vec<usize> {
        // Of a text that is not ASCII the matcher counts graphemes: given letters one by one, it counts those.
        let text: Vec<char> = text.chars().collect();
        let mut indices = Vec::new();
        let fits = word
            .0
            .indices(Utf32Str::Unicode(&text), &mut self.matcher, &mut indices);
        let found = fits.map(|_| indices).unwrap_or_default();
        found
            .into_iter()
            .filter_map(|at| usize::try_from(at).ok())
            .collect()
    }

    /// How well a text fits all of these words.
    pub(crate) fn score_all(&mut self, words: &[Word], text: &str) -> Option<u32> {
        words.iter().map(|word| self.score(word, text)).sum()
    }
}

/// A word that was typed.
#[derive(Clone, Debug)]
pub(crate) struct Word(Atom);

impl Word {
    pub(crate) fn new(typed: &str) -> Self {
        let (case, letters) = (CaseMatching::Ignore, Normalization::Smart);
        Self(Atom::new(typed, case, letters, AtomKind::Fuzzy, false))
    }

    /// The words of what was typed.
    pub(crate) fn all(typed: &str) -> Vec<Self> {
        typed.split_whitespace().map(Self::new).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_come_before_scattered_letters() {
        let best = |typed: &str, candidates: &[&str]| {
            let (words, mut fuzzy) = (Word::all(typed), Fuzzy::new());
            let scored = candidates.iter();
            let scored =
                scored.filter_map(|c| Some((fuzzy.score_all(&words, c)?, (*c).to_owned())));
            scored.max_by_key(|(score, _)| *score).map(|(_, c)| c)
        };
        assert_eq!(
            best("prod", &["pair of odd", "shop/production"]).as_deref(),
            Some("shop/production")
        );
        assert_eq!(
            best("shpr", &["staging", "shop/production"]).as_deref(),
            Some("shop/production")
        );
        assert_eq!(
            best("web 12", &["web-2", "web-12"]).as_deref(),
            Some("web-12")
        );
        assert_eq!(best("WEB", &["web-2"]).as_deref(), Some("web-2"));
        assert_eq!(best("zzz", &["web-2"]), None);
    }
}
