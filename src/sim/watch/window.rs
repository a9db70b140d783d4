//! How many instances may be down, worked out a second time (configurations.md §2, §4, §7).

use super::super::shape::Minimum;

/// The minimum of healthy instances, how many may be in flight, and the floor below which no healthy one is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub minimum: u32,
    pub at_once: u32,
    pub floor: u32,
}

/// The bounds of `n` instances; `None` if nothing may be deployed.
pub(super) fn bounds(minimum: Minimum, n: u32) -> Option<Bounds> {
    let (healthy, predefined) = match minimum {
        Minimum::AllAtOnce => (0, true),
        Minimum::OneAtATime => (n.saturating_sub(1), true),
        Minimum::HalfAtATime => (n.div_ceil(2), true),
        Minimum::Count(value) => (value, false),
        Minimum::Percent(value) => ((n * value).div_ceil(100), false),
    };
    if healthy >= n && !predefined {
        return None;
    }
    let at_once = n.saturating_sub(healthy).max(1);
    Some(Bounds {
        minimum: healthy,
        at_once,
        floor: healthy.min(n.saturating_sub(at_once)),
    })
}
