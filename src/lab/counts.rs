//! What has become of the requests to `checkout`, as the process that sends them writes it down.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::timestamp::Timestamp;

/// The counts' file, below the lab's folder.
pub const FILE: &str = "requests.json";

/// What is recent.
pub(super) const RECENT: Duration = Duration::from_secs(10);

/// What has been counted since the requests began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// When this was written, in milliseconds since 1970.
    pub at: Timestamp,
    /// Requests a second.
    pub rate: u32,
    /// Requests that were answered well, by the version that did it.
    pub answered: BTreeMap<String, u64>,
    /// Requests that were not, by what went wrong. None is sent again.
    pub failed: BTreeMap<String, u64>,
    /// All requests of the last ten seconds.
    pub recent: u64,
    /// Those of them that failed.
    pub recent_failed: u64,
}

impl Counts {
    /// The counts in a lab's folder, if there are any.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Replaces the file, so that whoever reads finds one state or the next.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let new = file.with_extension("new");
        std::fs::write(&new, serde_json::to_vec(self)?)?;
        std::fs::rename(new, file)
    }

    /// Requests that were answered well.
    pub fn answers(&self) -> u64 {
        self.answered.values().sum()
    }

    /// Requests that failed.
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// How many of a hundred failed lately; none if nothing was sent.
    #[expect(clippy::cast_precision_loss, reason = "a few hundred requests")]
    pub(super) fn recent_percent(&self) -> Option<f64> {
        (self.recent > 0).then(|| 100.0 * self.recent_failed as f64 / self.recent as f64)
    }
}

/// Counts requests, and forgets when those were that are no longer recent.
#[derive(Debug, Default)]
pub(super) struct Counter {
    counts: Counts,
    recent: VecDeque<(Timestamp, bool)>,
}

impl Counter {
    pub fn new(rate: u32) -> Self {
        let mut counter = Self::default();
        counter.counts.rate = rate;
        counter
    }

    /// Counts a request that has ended: the version that answered it well, or what went wrong.
    pub fn count(&mut self, now: Timestamp, outcome: Result<String, String>) {
        self.recent.push_back((now, outcome.is_ok()));
        let entry = match outcome {
            Ok(version) => self.counts.answered.entry(version),
            Err(why) => self.counts.failed.entry(why),
        };
        *entry.or_default() += 1;
    }

    /// What has been counted up to now.
    pub fn counts(&mut self, now: Timestamp) -> Counts {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.since(*at) > RECENT)
        {
            self.recent.pop_front();
        }
        let number = |wanted: &dyn Fn(bool) -> bool| {
            let these = self.recent.iter().filter(|(_, well)| wanted(*well));
            u64::try_from(these.count()).unwrap_or(u64::MAX)
        };
        Counts {
            at: now,
            recent: number(&|_| true),
            recent_failed: number(&|well| !well),
            ..self.counts.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn failures_count_for_ten_seconds_and_in_the_sums_for_ever() {
        let mut counter = Counter::new(40);
        for second in 0..20 {
            let outcome = match second {
                5 => Err("status 500".to_owned()),
                0..10 => Ok("2.0".to_owned()),
                _ => Ok("2.1".to_owned()),
            };
            counter.count(at(second), outcome);
        }
        let then = counter.counts(at(15));
        assert_eq!((then.recent, then.recent_failed), (15, 1));
        let now = counter.counts(at(20));
        assert_eq!((now.recent, now.recent_failed), (10, 0));
        assert_eq!((now.answers(), now.failures()), (19, 1));
        assert_eq!(now.answered["2.1"], 10);
    }
}
