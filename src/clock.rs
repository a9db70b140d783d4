//! The only place that reads the clock or draws random numbers. Everything else is handed both.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The time now by a clock that never jumps: the wall clock's time when this process first asked, and what has passed
/// since by the monotonic clock. Everything that decides about deployments goes by it, so that a wall clock that is set
/// while they run ends nothing early and keeps nothing waiting. Time in which the machine sleeps does not pass.
pub fn steady() -> Timestamp {
    static START: LazyLock<(Timestamp, Instant)> = LazyLock::new(|| (now(), Instant::now()));
    START.0 + START.1.elapsed()
}

/// How long ago a file's time was; none if it is still to come.
pub fn age(time: std::time::SystemTime) -> Option<Duration> {
    let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = u64::try_from(now().0).ok()?;
    Duration::from_millis(now).checked_sub(since_epoch)
}

/// A deployment id that nobody has used.
pub fn deployment_id() -> DeploymentId {
    let bytes = *uuid::Uuid::new_v4().as_bytes();
    // Bytes 6 and 8 of a UUID carry its version and variant.
    DeploymentId::from_random([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[7], bytes[9], bytes[10],
    ])
}

/// A random identifier, for things that need no more than being unique.
pub fn unique() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A random number.
pub fn random() -> u32 {
    let [a, b, c, d, ..] = *uuid::Uuid::new_v4().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_goes_by_the_monotonic_one_alone() {
        let (before, from) = (steady(), Instant::now());
        while from.elapsed() < Duration::from_millis(20) {}
        let passed = steady().since(before);
        let most = from.elapsed() + Duration::from_millis(2);
        assert!(
            passed >= Duration::from_millis(19) && passed <= most,
            "{passed:?}"
        );
    }
}
