//! What was said to the operator: shown for a while, or until it was read, and all of it kept.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::timestamp::Timestamp;

/// How long good news is shown.
pub(crate) const SHOWN: Duration = Duration::from_secs(6);
/// How many are kept: the oldest go.
const KEPT: usize = 1000;

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub at: Timestamp,
    pub bad: bool,
    pub text: String,
}

/// Everything that was said, and what of it is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// The newest last.
    kept: VecDeque<Said>,
    /// How many there were.
    count: u64,
    /// How many of all that there were can be gone from the screen: good ones whose time is over, and bad ones that were read.
    over: Over,
}

/// From which one on messages are on the screen, counted from the very first.
#[derive(Clone, Copy, Debug, Default)]
struct Over {
    good: u64,
    bad: u64,
}

impl Messages {
    /// Good news goes away by itself.
    pub(crate) fn say(&mut self, now: Timestamp, text: String) {
        self.keep(now, false, text);
    }

    /// Bad news stays until somebody was there to read it.
    pub(crate) fn complain(&mut self, now: Timestamp, text: String) {
        self.keep(now, true, text);
    }

    fn keep(&mut self, at: Timestamp, bad: bool, text: String) {
        self.count += 1;
        self.kept.push_back(Said { at, bad, text });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// What is on the screen, the newest first.
    fn present(&self) -> impl Iterator<Item = &Said> {
        let (over, first) = (self.over, self.over.good.min(self.over.bad));
        let numbers = (0..self.count)
            .rev()
            .take_while(move |number| *number >= first);
        let present = self.kept.iter().rev().zip(numbers);
        present
            .filter(move |(said, number)| *number >= if said.bad { over.bad } else { over.good })
            .map(|(said, _)| said)
    }

    /// What is on the screen where there is room for so many, the newest first, and how many bad ones besides them were not
    /// read: they are there again when others have gone.
    pub(crate) fn stack(&self, most: usize) -> (Vec<&Said>, usize) {
        let shown = self.present().take(most).collect();
        let hidden = self.present().skip(most).filter(|said| said.bad).count();
        (shown, hidden)
    }

    /// The newest that is on the screen, and how many bad ones besides it were not read.
    pub(crate) fn shown(&self) -> Option<(&Said, usize)> {
        let (shown, hidden) = self.stack(1);
        Some((shown.into_iter().next()?, hidden))
    }

    /// Somebody has read the bad news.
    pub(crate) fn read(&mut self) {
        self.over.bad = self.count;
    }

    /// Takes all from the screen; answers whether something was there.
    pub(crate) fn put_away(&mut self) -> bool {
        let was = self.shown().is_some();
        self.over = Over {
            good: self.count,
            bad: self.count,
        };
        was
    }

    /// Good news that was there long enough goes.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while self.good().is_some_and(|(_, said)| said.at + SHOWN <= now) {
            self.over.good = self.good().map_or(self.count, |(number, _)| number + 1);
        }
    }

    /// The oldest good one on the screen, with its number.
    fn good(&self) -> Option<(u64, &Said)> {
        let gone = self.count - u64::try_from(self.kept.len()).unwrap_or(self.count);
        let skipped = usize::try_from(self.over.good.saturating_sub(gone)).unwrap_or(usize::MAX);
        let mut kept = (gone..).zip(&self.kept).skip(skipped);
        kept.find(|(_, said)| !said.bad)
    }

    /// When something goes by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.good().map(|(_, said)| said.at + SHOWN)
    }

    /// How many there were since the beginning.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Everything that was said, the newest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Said> {
        self.kept.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn bad_news_outlasts_good_news_until_it_was_read() {
        let mut messages = Messages::default();
        let shown = |messages: &Messages| {
            messages
                .shown()
                .map(|(said, more)| (said.text.clone(), more))
        };
        messages.complain(at(0), "a".to_owned());
        messages.complain(at(1), "b".to_owned());
        assert_eq!(shown(&messages), Some(("b".to_owned(), 1)));
        messages.say(at(2), "good".to_owned());
        assert_eq!(shown(&messages), Some(("good".to_owned(), 2)));
        messages.settle(at(7));
        assert_eq!(shown(&messages), Some(("good".to_owned(), 2)));
        messages.settle(at(8));
        assert_eq!(shown(&messages), Some(("b".to_owned(), 1)));
        messages.read();
        assert_eq!(shown(&messages), None);
        let all: Vec<&str> = messages.all().map(|said| said.text.as_str()).collect();
        assert_eq!(all, ["good", "b", "a"]);
    }

    #[test]
    fn several_are_there_at_once_the_newest_first_and_each_good_one_for_its_own_time() {
        let mut messages = Messages::default();
        let stack = |messages: &Messages, most| {
            let (shown, hidden) = messages.stack(most);
            let shown: Vec<String> = shown.iter().map(|said| said.text.clone()).collect();
            (shown.join(" "), hidden)
        };
        for (second, text) in [(0, "good"), (1, "bad"), (2, "better"), (3, "worse")] {
            if ["good", "better"].contains(&text) {
                messages.say(at(second), text.to_owned());
            } else {
                messages.complain(at(second), text.to_owned());
            }
        }
        assert_eq!(stack(&messages, 3), ("worse better bad".to_owned(), 0));
        assert_eq!(stack(&messages, 1), ("worse".to_owned(), 1));
        assert_eq!(messages.due(), Some(at(6)));
        messages.settle(at(6));
        assert_eq!(messages.due(), Some(at(8)));
        assert_eq!(stack(&messages, 9), ("worse better bad".to_owned(), 0));
        messages.settle(at(8));
        assert_eq!(stack(&messages, 9), ("worse bad".to_owned(), 0));
        messages.complain(at(9), "worst".to_owned());
        messages.complain(at(9), "end".to_owned());
        assert_eq!(stack(&messages, 3), ("end worst worse".to_owned(), 1));
        messages.read();
        assert_eq!(
            (stack(&messages, 3), messages.due()),
            ((String::new(), 0), None)
        );
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut messages = Messages::default();
        for number in 0..2 * KEPT {
            messages.complain(at(0), number.to_string());
        }
        assert_eq!(messages.all().count(), KEPT);
        assert!(messages.put_away() && !messages.put_away());
    }
}
