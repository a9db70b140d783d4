//! Points in time and spans, as values that come in with a message.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch, UTC. Serialised as that number.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The time from `earlier` to this point, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Shows a span as people read it: `0.4 s`, `12.1 s`, `3m12s`, `2h05m`.
#[derive(Clone, Copy, Debug)]
pub struct Short(pub Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let text = match seconds {
            0..60 => format!("{}.{} s", seconds, self.0.subsec_millis() / 100),
            60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
            _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        };
        f.pad(&text)
    }
}

/// Shows a span in whole seconds, for what is watched while it grows or shrinks: `41 s`, `5m`, `3m12s`, `1h10m`.
#[derive(Clone, Copy, Debug)]
pub struct Whole(pub Duration);

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let text = match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, seconds) => format!("{seconds} s"),
            (0, minutes, 0) => format!("{minutes}m"),
            (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
            (hours, 0, _) => format!("{hours}h"),
            (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let short = |ms| Short(Duration::from_millis(ms)).to_string();
        assert_eq!(short(430), "0.4 s");
        assert_eq!(short(12_100), "12.1 s");
        assert_eq!(short(192_000), "3m12s");
        assert_eq!(short(7_500_000), "2h05m");
    }

    #[test]
    fn whole_seconds_read_well() {
        let whole = |seconds| Whole(Duration::from_secs(seconds)).to_string();
        let shown = [0, 59, 60, 69, 300, 3600, 4200].map(whole);
        assert_eq!(shown, ["0 s", "59 s", "1m", "1m09s", "5m", "1h", "1h10m"]);
    }

    #[test]
    fn time_never_runs_backwards() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
    }
}
