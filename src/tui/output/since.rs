//! From when on lines are shown: all, those of the last minutes, or those of the event that the instance is at.
//!
//! Time goes on while lines are read, so lines leave the range at its beginning, one after the other: that costs what leaves,
//! however much there is.

use std::time::Duration;

use super::{Output, Reach};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::timestamp::Timestamp;

/// From when on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Since {
    /// From the beginning on.
    #[default]
    Beginning,
    /// Since so many minutes ago; of a deployment that is over, before its end.
    Minutes(u8),
    /// What the event wrote that runs, has failed, or came last.
    Event,
}

impl Since {
    /// The one after it, round and round. Of all instances there is no one event.
    pub(crate) fn next(self, reach: Reach) -> Self {
        match (self, reach) {
            (Self::Beginning, _) => Self::Minutes(15),
            (Self::Minutes(15), _) => Self::Minutes(5),
            (Self::Minutes(5), _) => Self::Minutes(1),
            (Self::Minutes(_), Reach::One) => Self::Event,
            (Self::Minutes(_), Reach::All) | (Self::Event, _) => Self::Beginning,
        }
    }

    /// What it is called; nothing where all is shown.
    pub(crate) fn words(self, reach: Reach) -> Option<String> {
        match (self, reach) {
            (Self::Minutes(minutes), _) => Some(format!("last {minutes} min")),
            (Self::Event, Reach::One) => Some("newest event".to_owned()),
            (Self::Beginning, _) | (Self::Event, Reach::All) => None,
        }
    }
}

/// What that comes to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    /// Lines before this time are left out.
    pub from: Option<Timestamp>,
    /// Lines of other events are left out.
    pub event: Option<LifecycleEvent>,
}

impl Output {
    /// Shows from when on it is read: `now` is the time that it is counted back from, `event` the one that the instance is at.
    pub(crate) fn keep_up(&mut self, now: Timestamp, event: Option<LifecycleEvent>) {
        let range = match (self.how.since, self.how.reach) {
            (Since::Minutes(minutes), _) => Range {
                from: Some(now - Duration::from_secs(60 * u64::from(minutes))),
                event: None,
            },
            (Since::Event, Reach::One) => Range { from: None, event },
            (Since::Beginning | Since::Event, _) => Range::default(),
        };
        let before = std::mem::replace(&mut self.range, range);
        match (before.from, range.from) {
            // Only time has gone by.
            (Some(was), Some(is)) if was <= is && before.event == range.event => {
                self.ring.leave(is);
            }
            _ if before != range => self.judge(),
            _ => {}
        }
    }
}
