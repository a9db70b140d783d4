//! How often something long looks at news: a flood of them must not make it anew with every one.

use std::time::Duration;

use crate::model::timestamp::Timestamp;

/// News wait this long at most.
const LONGEST: Duration = Duration::from_millis(250);

/// Of which news something was made, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calm {
    made: Option<(u64, Timestamp)>,
}

impl Calm {
    /// It is made of these news now.
    pub(crate) fn made(&mut self, news: u64, now: Timestamp) {
        self.made = Some((news, now));
    }

    /// Whether it was made a moment ago, whatever has come since. A clock that went back makes nothing young.
    pub(crate) fn young(&self, now: Timestamp) -> bool {
        self.made
            .is_some_and(|(_, at)| at <= now && now.since(at) < LONGEST)
    }

    /// Whether it can stay as it is: nothing is newer, or it is young.
    pub(crate) fn stands(&self, news: u64, now: Timestamp) -> bool {
        self.made.is_some_and(|(of, _)| of == news) || self.young(now)
    }

    /// When it has to look at these news, if it has let them wait.
    pub(crate) fn due(&self, news: u64) -> Option<Timestamp> {
        let (of, at) = self.made?;
        (of != news).then(|| at + LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_wait_a_moment_and_never_longer() {
        let mut calm = Calm::default();
        assert!(!calm.stands(0, Timestamp(0)), "nothing was made yet");
        assert_eq!(calm.due(1), None);
        calm.made(1, Timestamp(1_000));
        assert!(calm.stands(1, Timestamp(9_000)), "nothing is newer");
        assert_eq!(calm.due(1), None);
        assert!(calm.stands(2, Timestamp(1_249)));
        assert!(!calm.stands(2, Timestamp(1_250)));
        assert_eq!(calm.due(2), Some(Timestamp(1_250)));
        assert!(!calm.stands(2, Timestamp(999)), "the clock went back");
    }
}
