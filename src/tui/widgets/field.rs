//! A line that text is typed into, and how well a candidate fits it.

use crossterm::event::KeyCode;

use crate::tui::action::key::Key;

/// Text that is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    pub text: String,
}

impl Field {
    /// Takes a key; `true` if the text changed.
    pub(crate) fn key(&mut self, key: Key) -> bool {
        if let Some(c) = key.typed() {
            self.text.push(c);
            return true;
        }
        key.code() == KeyCode::Backspace && self.text.pop().is_some()
    }

    /// Takes pasted text, one line of it.
    pub(crate) fn paste(&mut self, text: &str) {
        self.text
            .extend(text.chars().take_while(|c| !c.is_control()).take(200));
    }
}

/// How well a candidate fits what was typed, higher being better; `None` if it does not. Every word that was typed must
/// be found as a subsequence; whole, early and word-initial finds count more.
pub(crate) fn score(typed: &str, candidate: &str) -> Option<i32> {
    let candidate = candidate.to_lowercase();
    typed
        .to_lowercase()
        .split_whitespace()
        .map(|word| word_score(word, &candidate))
        .sum()
}

fn word_score(word: &str, candidate: &str) -> Option<i32> {
    if let Some(at) = candidate.find(word) {
        let initial = candidate[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric());
        let early = 20 - i32::try_from(at.min(20)).unwrap_or(20);
        return Some(100 + early + if initial { 50 } else { 0 });
    }
    let mut rest = candidate.chars();
    let mut gaps = 0;
    for wanted in word.chars() {
        gaps += i32::try_from(rest.by_ref().position(|c| c == wanted)?).unwrap_or(i32::MAX / 2);
    }
    Some((60 - gaps).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_come_before_scattered_letters() {
        let best = |typed: &str, candidates: &[&str]| {
            let mut scored: Vec<_> = candidates
                .iter()
                .filter_map(|c| Some((score(typed, c)?, (*c).to_owned())))
                .collect();
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
            scored.first().map(|(_, c)| c.clone())
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
        assert_eq!(best("zzz", &["web-2"]), None);
    }
}
