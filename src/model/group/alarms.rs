//! Alarms that stop a deployment. Names are keys that the project binds to queries.

use std::collections::HashSet;

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

impl AlarmConfiguration {
    /// What types can't say (`InvalidAlarmConfigException`): what is wrong, and with which alarm of the list, if it is one.
    pub fn faults(&self) -> Vec<(Option<usize>, String)> {
        let mut faults = Vec::new();
        if self.enabled && self.alarms.is_empty() {
            faults.push((None, "enabled, but no alarms are named".to_owned()));
        }
        let mut seen = HashSet::new();
        for (index, Alarm { name }) in self.alarms.iter().enumerate() {
            let length = name.chars().count();
            if !(1..=255).contains(&length) {
                let message = format!("an alarm's name has 1 to 255 characters, not {length}");
                faults.push((Some(index), message));
            } else if !seen.insert(name) {
                faults.push((Some(index), format!("{name:?} is named twice")));
            }
        }
        faults
    }

    /// What they mean to a deployment, as a sentence without a full stop.
    pub fn watched(&self) -> String {
        let names: Vec<&str> = self.alarms.iter().map(|alarm| &*alarm.name).collect();
        let names = names.join(", ");
        if self.alarms.len() == 1 {
            format!("the alarm {names} is watched, and stops it when active")
        } else {
            format!("the alarms {names} are watched, and stop it when active")
        }
    }
}

/// `Alarm`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// 1 to 255 characters, unique in the list.
    pub name: String,
}
