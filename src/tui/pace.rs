//! How long the instances of the selected deployment take, so that a straggler is seen.

use std::time::Duration;

use crate::engine::Deployment;
use crate::model::deployment::DeploymentId;
use crate::model::deployment::TargetStatus;
use crate::model::timestamp::Timestamp;
use crate::tui::calm::Calm;

/// A straggler has worked so many times as long as half of those that are done.
const STRAGGLES: f64 = 2.0;
/// And longer than they by this: a script of milliseconds is no straggler.
const LONGER: Duration = Duration::from_secs(2);
/// Those that have to be done before anything is said.
const ENOUGH: usize = 3;

/// How long the instances take.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    of: Option<DeploymentId>,
    /// The news are how many are done.
    calm: Calm,
    /// What half of those that are done took at most.
    pub median: Option<Duration>,
}

impl Pace {
    /// Fits it to a deployment, when another instance is done.
    pub(crate) fn refresh(&mut self, deployment: &Deployment, now: Timestamp) {
        let done = u64::from(deployment.overview.succeeded);
        if self.of.as_ref() == Some(deployment.id()) && self.calm.stands(done, now) {
            return;
        }
        self.of = Some(deployment.id().clone());
        self.calm.made(done, now);
        let targets = deployment.targets.iter();
        let done = targets.filter(|target| target.status == TargetStatus::Succeeded);
        let mut took: Vec<Duration> = done.filter_map(|target| target.worked(now)).collect();
        let middle = took.len() / 2;
        self.median = (took.len() >= ENOUGH).then(|| *took.select_nth_unstable(middle).1);
    }

    /// How many times the median somebody has taken who straggles.
    pub(crate) fn straggles(&self, worked: Duration) -> Option<f64> {
        let median = self.median.filter(|median| worked > *median + LONGER)?;
        let times = worked.as_secs_f64() / median.as_secs_f64().max(0.001);
        Some(times).filter(|times| *times > STRAGGLES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straggler_takes_much_longer_than_the_others() {
        let pace = |millis| Pace {
            median: Some(Duration::from_millis(millis)),
            ..Pace::default()
        };
        let straggles = |millis, took| pace(millis).straggles(Duration::from_millis(took));
        assert_eq!(straggles(3000, 6000), None, "twice is not more than twice");
        assert_eq!(straggles(3000, 9000), Some(3.0));
        assert_eq!(straggles(100, 2000), None, "too short to matter");
        assert_eq!(Pace::default().straggles(Duration::from_hours(1)), None);
    }
}
