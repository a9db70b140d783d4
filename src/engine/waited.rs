//! How long a deployment waited instead of working: a part of the fold.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deployment::Deployment;
use super::plan::Stage;
use crate::model::timestamp::Timestamp;

/// The time in which nothing was worked on: somebody had to decide, a freeze to end, or a zone to be watched for long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Waited {
    /// Since when it waits, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// How long it had waited before.
    milliseconds: u64,
}

impl Waited {
    /// Takes up whether it waits from now on.
    pub(super) fn observe(&mut self, waits: bool, at: Timestamp) {
        match (self.since, waits) {
            (None, true) => self.since = Some(at),
            (Some(since), false) => {
                self.milliseconds += u64::try_from(at.since(since).as_millis()).unwrap_or(0);
                self.since = None;
            }
            _ => {}
        }
    }

    /// How long it has waited by now.
    pub fn by(self, now: Timestamp) -> Duration {
        let open = self.since.map_or(Duration::ZERO, |since| now.since(since));
        Duration::from_millis(self.milliseconds) + open
    }
}

impl Deployment {
    /// Whether it waits at this moment, after it has begun and before it is over.
    pub(super) fn waits(&self) -> bool {
        let open = self.start_time.is_some() && !self.status.is_terminal();
        let stands = matches!(
            self.current_stage(),
            Some(Stage::Wait { .. } | Stage::Approval | Stage::Monitor { .. })
        );
        open && (stands || self.frozen_since.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_while_it_waits_and_only_then() {
        let mut waited = Waited::default();
        let at = |seconds: i64| Timestamp(seconds * 1000);
        waited.observe(false, at(1));
        waited.observe(true, at(10));
        waited.observe(true, at(12));
        assert_eq!(waited.by(at(15)), Duration::from_secs(5));
        waited.observe(false, at(20));
        waited.observe(true, at(30));
        waited.observe(false, at(29));
        assert_eq!(
            waited.by(at(99)),
            Duration::from_secs(10),
            "a clock that was set back"
        );
    }
}
