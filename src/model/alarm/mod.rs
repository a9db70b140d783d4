//! Alarms as they are read: a state, with what it was told from; and what is known of one over time.

mod status;
mod verdict;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::status::{AlarmStatus, HISTORY, Observation, Outcome, Sample, UNREADABLE_AFTER};
pub use self::verdict::{Named, Verdict, verdict};

/// The state of an alarm, as `CloudWatch` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It is not: deployments that name the alarm stop.
    Alarm,
    /// There is nothing to tell it from. Not an alarm (operations.md §6), and not well either.
    InsufficientData,
}

impl AlarmState {
    /// As `CloudWatch` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What an alarm's source said. Its texts are the source's own, cut and made safe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The state.
    pub state: AlarmState,
    /// The value that decided, as its source wrote it, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What makes it an alarm: `above 0.05`.
    pub threshold: String,
    /// One line for people.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_written_as_cloudwatch_does() {
        for state in [
            AlarmState::Ok,
            AlarmState::Alarm,
            AlarmState::InsufficientData,
        ] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
