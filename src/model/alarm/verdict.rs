//! What the alarms of a deployment mean to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AlarmState, AlarmStatus, Reading};

/// What the alarms of a deployment mean to it (operations.md §6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Verdict {
    /// Some have not been read yet, and none is in alarm: nothing may begin.
    Unknown {
        /// Those that have not been read.
        waiting: Vec<String>,
    },
    /// None is in alarm.
    Quiet,
    /// At least one is in alarm: the deployment stops.
    Active {
        /// Those that are, with what their sources said.
        alarms: Vec<Named>,
    },
    /// The state of at least one can't be read, which matters to this deployment: it stops.
    Unreadable {
        /// Those that can't be read, with the reasons.
        alarms: Vec<Named>,
    },
}

/// An alarm, and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// As `alarmConfiguration` names it.
    pub name: String,
    /// One line.
    pub message: String,
}

/// What alarms mean to a deployment that names them. With `ignore_poll_failure` one that can't be read is as if it were not
/// named.
///
/// An alarm counts as known from its first reading on, or from as many failed polls as make it unreadable. One in alarm
/// decides whatever the others are.
pub fn verdict<'a>(
    alarms: impl IntoIterator<Item = &'a AlarmStatus>,
    ignore_poll_failure: bool,
) -> Verdict {
    let (mut waiting, mut active, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for alarm in alarms {
        let named = |message: &str| Named {
            name: alarm.name.clone(),
            message: message.to_owned(),
        };
        match (alarm.unreadable(), &alarm.reading) {
            (Some(_), _) if ignore_poll_failure => {}
            (Some(why), _) => unreadable.push(named(why)),
            (None, None) => waiting.push(alarm.name.clone()),
            (None, Some(reading)) => match reading.state {
                AlarmState::Alarm => active.push(named(&told(reading))),
                AlarmState::Ok | AlarmState::InsufficientData => {}
            },
        }
    }
    if !active.is_empty() {
        Verdict::Active { alarms: active }
    } else if !unreadable.is_empty() {
        Verdict::Unreadable { alarms: unreadable }
    } else if !waiting.is_empty() {
        Verdict::Unknown { waiting }
    } else {
        Verdict::Quiet
    }
}

/// What a source said, with the value that decided if it is not in its words.
fn told(reading: &Reading) -> String {
    let message = &reading.message;
    match &reading.value {
        Some(value) if !message.contains(value.as_str()) => format!("{message} (value {value})"),
        _ => message.clone(),
    }
}

impl Verdict {
    /// Whether a deployment must stop.
    pub fn stops(&self) -> bool {
        matches!(self, Self::Active { .. } | Self::Unreadable { .. })
    }
}

/// One line, as the message of `ALARM_ACTIVE` has it.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |alarms: &[Named]| {
            let lines = alarms
                .iter()
                .map(|alarm| format!("{}: {}", alarm.name, alarm.message));
            lines.collect::<Vec<_>>().join("; ")
        };
        let s = |alarms: &[Named]| if alarms.len() == 1 { "" } else { "s" };
        match self {
            Self::Unknown { waiting } => {
                write!(f, "waiting for the first reading of {}", waiting.join(", "))
            }
            Self::Quiet => f.write_str("no alarm is active"),
            Self::Active { alarms } => write!(f, "alarm{} active: {}", s(alarms), list(alarms)),
            Self::Unreadable { alarms } => write!(
                f,
                "the state of the alarm{} is unavailable: {}",
                s(alarms),
                list(alarms)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Observation, Outcome, Reading};
    use super::*;
    use crate::model::timestamp::Timestamp;

    /// An alarm after these polls; `None` is one that failed.
    fn after(name: &str, polls: &[Option<AlarmState>]) -> AlarmStatus {
        let mut status = AlarmStatus::new(name);
        for (at, poll) in (1..).zip(polls) {
            let outcome = match *poll {
                Some(state) => Outcome::Reading(Reading {
                    state,
                    value: None,
                    threshold: String::new(),
                    message: format!("is {state}"),
                }),
                None => Outcome::Unreadable("no answer".to_owned()),
            };
            status.observe(Observation {
                at: Timestamp(at),
                outcome,
            });
        }
        status
    }

    const OK: Option<AlarmState> = Some(AlarmState::Ok);
    const ALARM: Option<AlarmState> = Some(AlarmState::Alarm);
    const NO_DATA: Option<AlarmState> = Some(AlarmState::InsufficientData);

    /// The verdict in words over alarms `a`, `b`, …: when failures matter, and when they are ignored.
    fn words(polls: &[&[Option<AlarmState>]]) -> [String; 2] {
        let alarms: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .zip(polls)
            .map(|(name, polls)| after(name, polls))
            .collect();
        [false, true].map(|ignore| verdict(&alarms, ignore).to_string())
    }

    fn same(text: &str) -> [String; 2] {
        [text.to_owned(), text.to_owned()]
    }

    #[test]
    fn without_alarms_all_is_quiet() {
        assert_eq!(words(&[]), same("no alarm is active"));
    }

    #[test]
    fn nothing_begins_before_each_was_read() {
        let waits = same("waiting for the first reading of b");
        assert_eq!(words(&[&[OK], &[]]), waits);
        assert_eq!(words(&[&[OK], &[None, None]]), waits);
        assert_eq!(words(&[&[OK], &[None, OK]]), same("no alarm is active"));
    }

    #[test]
    fn the_value_is_told_once() {
        let said = |message: &str, value: Option<&str>| {
            told(&Reading {
                state: AlarmState::Alarm,
                value: value.map(str::to_owned),
                threshold: "above 0.05".to_owned(),
                message: message.to_owned(),
            })
        };
        assert_eq!(said("too many", Some("0.2")), "too many (value 0.2)");
        assert_eq!(said("0.2 is above 0.05", Some("0.2")), "0.2 is above 0.05");
        assert_eq!(said("it fires", None), "it fires");
    }

    #[test]
    fn no_data_is_no_alarm() {
        assert_eq!(words(&[&[NO_DATA], &[OK]]), same("no alarm is active"));
    }

    #[test]
    fn one_in_alarm_decides_whatever_the_others_are() {
        let one = same("alarm active: b: is ALARM");
        assert_eq!(words(&[&[], &[ALARM], &[None, None, None]]), one);
        assert_eq!(words(&[&[OK], &[OK, ALARM]]), one);
        assert_eq!(
            words(&[&[ALARM], &[ALARM]]),
            same("alarms active: a: is ALARM; b: is ALARM")
        );
        assert_eq!(words(&[&[ALARM, OK]]), same("no alarm is active"));
    }

    #[test]
    fn failed_polls_change_nothing_before_the_third() {
        assert_eq!(words(&[&[OK, None, None]]), same("no alarm is active"));
        let active = same("alarm active: a: is ALARM");
        assert_eq!(words(&[&[ALARM, None, None]]), active);
    }

    #[test]
    fn unreadable_stops_unless_it_is_ignored() {
        let told = "the state of the alarm is unavailable: a: no answer";
        for polls in [&[None; 3][..], &[OK, None, None, None]] {
            assert_eq!(words(&[polls]), [told, "no alarm is active"]);
        }
        assert_eq!(
            words(&[&[None; 3], &[]]),
            [told, "waiting for the first reading of b"]
        );
        assert_eq!(
            words(&[&[None, None, None, OK]]),
            same("no alarm is active")
        );
    }

    #[test]
    fn what_stops_is_told_apart() {
        let stops = [&[][..], &[OK], &[ALARM], &[None; 3]]
            .map(|polls| verdict([&after("a", polls)], false).stops());
        assert_eq!(stops, [false, false, true, true]);
    }
}
