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
    /// How many bad ones came since somebody was there to read.
    unread: usize,
    /// Until when the newest good one is shown.
    until: Option<Timestamp>,
}

impl Messages {
    /// Good news goes away by itself.
    pub(crate) fn say(&mut self, now: Timestamp, text: String) {
        self.until = Some(now + SHOWN);
        self.keep(now, false, text);
    }

    /// Bad news stays until somebody was there to read it.
    pub(crate) fn complain(&mut self, now: Timestamp, text: String) {
        self.unread += 1;
        self.keep(now, true, text);
    }

    fn keep(&mut self, at: Timestamp, bad: bool, text: String) {
        self.count += 1;
        self.kept.push_back(Said { at, bad, text });
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// What is on the screen, the newest, and how many bad ones besides it were not read: they are there again when good news
    /// has gone.
    pub(crate) fn shown(&self) -> Option<(&Said, usize)> {
        let newest = self.kept.back()?;
        if !newest.bad && self.until.is_some() {
            return Some((newest, self.unread));
        }
        let bad = self.kept.iter().rev().find(|said| said.bad);
        bad.filter(|_| self.unread > 0)
            .map(|said| (said, self.unread - 1))
    }

    /// Somebody has read the bad news.
    pub(crate) fn read(&mut self) {
        self.unread = 0;
    }

    /// Takes all from the screen; answers whether something was there.
    pub(crate) fn put_away(&mut self) -> bool {
        let was = self.shown().is_some();
        (self.unread, self.until) = (0, None);
        was
    }

    /// Good news that was there long enough goes.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.until = self.until.filter(|until| *until > now);
    }

    /// When something goes by itself.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.until
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
    fn only_so_many_are_kept() {
        let mut messages = Messages::default();
        for number in 0..2 * KEPT {
            messages.complain(at(0), number.to_string());
        }
        assert_eq!(messages.all().count(), KEPT);
        assert!(messages.put_away() && !messages.put_away());
    }
}
