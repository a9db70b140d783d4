//! What is known of one alarm: the fold of what its polls found.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{AlarmState, Reading};
use crate::model::timestamp::Timestamp;

/// So many polls in a row without an answer make an alarm unreadable; fewer change nothing (operations.md §6).
pub const UNREADABLE_AFTER: u32 = 3;

/// So many of the last polls are kept.
pub const HISTORY: usize = 240;

/// What a poll found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// When it was found.
    pub at: Timestamp,
    /// What it was.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// An answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The source said this.
    Reading(Reading),
    /// The state can't be read, and why.
    Unreadable(String),
}

/// One poll of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// The state; none if it could not be read.
    pub state: Option<AlarmState>,
    /// The value, as its source wrote it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What is known of an alarm that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmStatus {
    /// As `alarmConfiguration` of a group names it.
    pub name: String,
    /// The last reading.
    pub reading: Option<Reading>,
    /// Since when every reading has been in its state, as far as it was watched.
    pub since: Option<Timestamp>,
    /// When it was polled last.
    pub checked: Option<Timestamp>,
    /// Polls in a row, up to the last, that found no state.
    pub failures: u32,
    /// Why the last poll found no state.
    pub trouble: Option<String>,
    /// The last polls, oldest first; at most [`HISTORY`].
    pub history: VecDeque<Sample>,
}

impl AlarmStatus {
    /// Nothing is known yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            reading: None,
            since: None,
            checked: None,
            failures: 0,
            trouble: None,
            history: VecDeque::new(),
        }
    }

    /// Takes what a poll found. What was taken already, or is older, is told by its time and changes nothing.
    pub fn observe(&mut self, observation: Observation) {
        let Observation { at, outcome } = observation;
        if self.checked.is_some_and(|checked| at <= checked) {
            return;
        }
        self.checked = Some(at);
        let mut sample = Sample {
            at,
            state: None,
            value: None,
        };
        match outcome {
            Outcome::Reading(reading) => {
                sample.state = Some(reading.state);
                sample.value.clone_from(&reading.value);
                if self.state() != Some(reading.state) {
                    self.since = Some(at);
                }
                self.reading = Some(reading);
                self.failures = 0;
                self.trouble = None;
            }
            Outcome::Unreadable(why) => {
                self.failures = self.failures.saturating_add(1);
                self.trouble = Some(why);
            }
        }
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(sample);
    }

    /// The state of the last reading.
    pub fn state(&self) -> Option<AlarmState> {
        self.reading.as_ref().map(|reading| reading.state)
    }

    /// Why its state counts as unreadable, if it does: enough polls in a row have failed.
    pub fn unreadable(&self) -> Option<&str> {
        let trouble = self.trouble.as_deref();
        trouble.filter(|_| self.failures >= UNREADABLE_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(at: i64, state: AlarmState) -> Observation {
        let reading = Reading {
            state,
            value: Some(at.to_string()),
            threshold: "above 1".to_owned(),
            message: String::new(),
        };
        Observation {
            at: Timestamp(at),
            outcome: Outcome::Reading(reading),
        }
    }

    fn failed(at: i64) -> Observation {
        Observation {
            at: Timestamp(at),
            outcome: Outcome::Unreadable("gone".to_owned()),
        }
    }

    #[test]
    fn a_state_holds_since_its_first_reading_over_failures() {
        let mut status = AlarmStatus::new("errors");
        for observation in [
            read(1, AlarmState::Ok),
            read(2, AlarmState::Alarm),
            failed(3),
            read(4, AlarmState::Alarm),
        ] {
            status.observe(observation);
        }
        assert_eq!(status.state(), Some(AlarmState::Alarm));
        assert_eq!(status.since, Some(Timestamp(2)));
        let history: Vec<_> = status.history.iter().map(|sample| sample.state).collect();
        let alarm = Some(AlarmState::Alarm);
        assert_eq!(history, [Some(AlarmState::Ok), alarm, None, alarm]);
    }

    #[test]
    fn it_is_unreadable_after_three_failures_in_a_row_and_readable_after_one_reading() {
        let mut status = AlarmStatus::new("errors");
        status.observe(read(1, AlarmState::Ok));
        for at in 2..4 {
            status.observe(failed(at));
            assert_eq!(status.unreadable(), None);
        }
        status.observe(failed(4));
        assert_eq!(status.unreadable(), Some("gone"));
        status.observe(read(5, AlarmState::Ok));
        assert_eq!((status.unreadable(), status.failures), (None, 0));
    }

    #[test]
    fn what_was_seen_already_changes_nothing() {
        let mut status = AlarmStatus::new("errors");
        status.observe(failed(7));
        let before = status.clone();
        status.observe(failed(7));
        status.observe(read(3, AlarmState::Alarm));
        assert_eq!(status, before);
    }

    #[test]
    fn the_oldest_polls_are_forgotten() {
        let mut status = AlarmStatus::new("errors");
        for at in 0..=i64::try_from(HISTORY).unwrap() {
            status.observe(failed(at));
        }
        assert_eq!(status.history.len(), HISTORY);
        assert_eq!(status.history[0].at, Timestamp(1));
    }

    #[test]
    fn observations_travel() {
        for observation in [read(1, AlarmState::InsufficientData), failed(2)] {
            let text = serde_json::to_string(&observation).unwrap();
            let back: Observation = serde_json::from_str(&text).unwrap();
            assert_eq!(back, observation, "{text}");
        }
    }
}
