//! The alarm of `checkout`: goes by what becomes of the requests, and goes off by hand.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::counts::{Counts, RECENT};
use crate::model::alarm::AlarmState;
use crate::model::timestamp::Timestamp;

/// The name of the alarm.
pub(super) const NAME: &str = "checkout-errors";

/// The file whose being there sets the alarm off, below the lab's folder.
const SET_OFF: &str = "alarm-is-on";

/// Counts that are older than this say nothing any more.
const STALE: Duration = Duration::from_secs(5);

/// More failed requests than this of a hundred are an alarm.
pub const MOST: f64 = 5.0;

/// What `checkout`'s alarm says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its state.
    pub state: AlarmState,
    /// How many of a hundred requests failed lately, if there were any.
    pub percent: Option<f64>,
    /// Why.
    pub message: String,
}

/// Reads the alarm of the lab in this folder.
pub fn read(folder: &Path, now: Timestamp) -> Reading {
    let counts = Counts::read(folder).filter(|counts| now.since(counts.at) <= STALE);
    judge(counts.as_ref(), folder.join(SET_OFF).exists())
}

fn judge(counts: Option<&Counts>, set_off: bool) -> Reading {
    let percent = counts.and_then(Counts::recent_percent);
    let (state, message) = match (percent, counts) {
        _ if set_off => (
            AlarmState::Alarm,
            "set off by hand: `cutover lab alarm off` ends it".to_owned(),
        ),
        (Some(percent), Some(counts)) => {
            let state = if percent > MOST {
                AlarmState::Alarm
            } else {
                AlarmState::Ok
            };
            let message = format!(
                "{percent:.1} % of {} requests in {} s failed",
                counts.recent,
                RECENT.as_secs()
            );
            (state, message)
        }
        _ => (
            AlarmState::InsufficientData,
            "no requests are being sent: `cutover lab` begins again".to_owned(),
        ),
    };
    Reading {
        state,
        percent,
        message,
    }
}

/// Sets the alarm of the lab in this folder off, whatever the requests say, or ends that.
///
/// # Errors
/// If the file can't be written or removed.
pub fn set(folder: &Path, on: bool) -> io::Result<()> {
    let file = folder.join(SET_OFF);
    if on {
        return std::fs::write(file, "");
    }
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1000)
    }

    #[test]
    fn the_alarm_goes_by_recent_failures_or_by_hand() {
        let counts = |recent_failed| Counts {
            recent: 400,
            recent_failed,
            ..Counts::default()
        };
        let state = |counts: Option<Counts>, set_off| judge(counts.as_ref(), set_off).state;
        assert_eq!(state(Some(counts(20)), false), AlarmState::Ok);
        assert_eq!(state(Some(counts(21)), false), AlarmState::Alarm);
        assert_eq!(state(Some(counts(0)), true), AlarmState::Alarm);
        assert_eq!(state(None, false), AlarmState::InsufficientData);
        assert_eq!(state(None, true), AlarmState::Alarm);
        assert_eq!(
            state(Some(Counts::default()), false),
            AlarmState::InsufficientData
        );
    }

    #[test]
    fn counts_that_nobody_writes_any_more_are_no_data() {
        let folder = tempfile::tempdir().unwrap();
        let counts = Counts {
            at: at(100),
            recent: 10,
            ..Counts::default()
        };
        counts.write(&folder.path().join(counts::FILE)).unwrap();
        let state = |seconds| read(folder.path(), at(seconds)).state;
        assert_eq!(state(105), AlarmState::Ok);
        assert_eq!(state(106), AlarmState::InsufficientData);
        set(folder.path(), true).unwrap();
        assert_eq!(state(106), AlarmState::Alarm);
        set(folder.path(), false).unwrap();
        set(folder.path(), false).unwrap();
        assert_eq!(state(105), AlarmState::Ok);
    }
}
