//! Alarms that stop a deployment. Names are keys that the project binds to queries.

use serde::{Deserialize, Serialize};

/// `AlarmConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlarmConfiguration {
    /// Off keeps the alarms without looking at them.
    #[serde(default)]
    pub enabled: bool,
    /// Whether a deployment goes on when an alarm's state can't be read.
    #[serde(default)]
    pub ignore_poll_alarm_failure: bool,
    /// Any of them in alarm stops the deployment.
    #[serde(default)]
    pub alarms: Vec<Alarm>,
}

/// `Alarm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// 1 to 255 characters, unique in the list.
    pub name: String,
}
