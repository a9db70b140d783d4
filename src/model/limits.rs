//! How long things may take, and how many there may be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of a project (`settings.limits`). Times are the published limits of `CodeDeploy` (lifecycle.md §11) unless the
/// project says otherwise; its quotas are no limits here unless the project sets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// Seconds within which a host must start the next event after the one before ended, or after it was told to begin.
    pub pick_up_seconds: u32,
    /// Seconds within which a lifecycle event must end, all scripts and overhead included.
    pub event_seconds: u32,
    /// Seconds within which an instance must be in service and well at its load balancers, from the moment it was to enter.
    /// Not written where it is the usual hour: entries of former versions stay as they are.
    #[serde(skip_serializing_if = "is_usual")]
    pub enter_seconds: u32,
    /// Seconds after which a host is given up that falls silent while an event runs: three heartbeats and a minute.
    pub silence_seconds: u32,
    /// Seconds within which a whole deployment must end. Time in which it is paused or held does not count.
    pub deployment_seconds: u32,
    /// Seconds within which a fleet must have provisioned instances whose agents report, and within which it must have
    /// terminated others; an hour when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioning_seconds: Option<u32>,
    /// How many seconds a minute of a traffic shift's schedule lasts, where one wants to watch one; 60 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shift_minute_seconds: Option<u32>,
    /// How many deployments of the project run at a time; others are `Queued`. Launch deployments do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_deployments: Option<u32>,
    /// How many instances a deployment may have; more is `OVER_MAX_INSTANCES`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances_per_deployment: Option<u32>,
    /// How many ended deployments of each group are kept, at least 20; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployments_kept: Option<u32>,
}

/// As long as `CodeDeploy` waits.
const ENTER_SECONDS: u32 = 3600;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_usual(seconds: &u32) -> bool {
    *seconds == ENTER_SECONDS
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pick_up_seconds: 300,
            event_seconds: 4200,
            enter_seconds: ENTER_SECONDS,
            silence_seconds: 69,
            deployment_seconds: 8 * 3600,
            provisioning_seconds: None,
            shift_minute_seconds: None,
            concurrent_deployments: None,
            instances_per_deployment: None,
            deployments_kept: None,
        }
    }
}

impl Limits {
    /// Until the next event starts.
    pub fn pick_up(&self) -> Duration {
        Duration::from_secs(u64::from(self.pick_up_seconds))
    }

    /// One event.
    pub fn event(&self) -> Duration {
        Duration::from_secs(u64::from(self.event_seconds))
    }

    /// One hook, until it reports (lifecycle.md §9).
    pub fn hook(&self) -> Duration {
        Duration::from_hours(1).min(self.event())
    }

    /// Until an instance that enters is in service.
    pub fn enter(&self) -> Duration {
        Duration::from_secs(u64::from(self.enter_seconds))
    }

    /// A silent host with a running event.
    pub fn silence(&self) -> Duration {
        Duration::from_secs(u64::from(self.silence_seconds))
    }

    /// A fleet's work for a deployment.
    pub fn provisioning(&self) -> Duration {
        Duration::from_secs(u64::from(self.provisioning_seconds.unwrap_or(3600)))
    }

    /// So many minutes of a traffic shift's schedule.
    pub fn shift_minutes(&self, minutes: u32) -> Duration {
        let minute = self.shift_minute_seconds.unwrap_or(60);
        Duration::from_secs(u64::from(minute) * u64::from(minutes))
    }

    /// A whole deployment.
    pub fn deployment(&self) -> Duration {
        Duration::from_secs(u64::from(self.deployment_seconds))
    }
}
