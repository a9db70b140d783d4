//! Auto Scaling: the groups of a deployment group, and what they must not do while a deployment runs.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::DeploymentGroup;
use crate::model::host::Transition;

/// An Auto Scaling group of a deployment group: a name in requests, `{name, hook, terminationHook}` in responses, and where
/// instances are to wait for their deployments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoScalingGroup {
    /// The group's name.
    pub name: String,
    /// The launch hook: instances that come wait for it until the group's revision is on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// The termination hook: instances that leave wait for it until their application has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_hook: Option<String>,
}

impl<'de> Deserialize<'de> for AutoScalingGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Response {
            name: String,
            hook: Option<String>,
            termination_hook: Option<String>,
        }

        struct NameOrResponse;

        impl<'de> Visitor<'de> for NameOrResponse {
            type Value = AutoScalingGroup;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an Auto Scaling group, or a mapping with its name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<AutoScalingGroup, E> {
                Ok(AutoScalingGroup {
                    name: name.to_owned(),
                    hook: None,
                    termination_hook: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AutoScalingGroup, A::Error> {
                let response = Response::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AutoScalingGroup {
                    name: response.name,
                    hook: response.hook,
                    termination_hook: response.termination_hook,
                })
            }
        }

        deserializer.deserialize_any(NameOrResponse)
    }
}

impl AutoScalingGroup {
    fn hook(&self, transition: Transition) -> Option<&str> {
        match transition {
            Transition::Launching => self.hook.as_deref(),
            Transition::Terminating => self.termination_hook.as_deref(),
        }
    }
}

impl DeploymentGroup {
    /// The lifecycle hook of an Auto Scaling group that instances on their way wait for until this group lets them go on. One that the
    /// document does not name is a copy, which has the hooks of what it was copied from.
    pub fn hook(&self, transition: Transition, scaling_group: &str) -> Option<&str> {
        let named = || self.auto_scaling_groups.iter().flatten();
        match named().find(|one| one.name == scaling_group) {
            Some(one) => one.hook(transition),
            None => named().find_map(|one| one.hook(transition)),
        }
    }

    /// Whether instances may wait for this group at all.
    pub fn names_hooks(&self) -> bool {
        let both = [Transition::Launching, Transition::Terminating];
        let mut named = self.auto_scaling_groups.iter().flatten();
        named.any(|one| both.iter().any(|&it| one.hook(it).is_some()))
    }
}

/// `EC2DeploymentOptions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ec2DeploymentOptions {
    /// What Auto Scaling must not do while a deployment runs.
    #[serde(default)]
    pub auto_scaling_group_processes_to_suspend: Vec<ScalingProcess>,
}

/// A process of Auto Scaling that can be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ScalingProcess {
    /// Terminating instances.
    Terminate,
    /// Moving instances between availability zones.
    AZRebalance,
    /// Replacing instances.
    InstanceRefresh,
    /// Scaling by the clock.
    ScheduledActions,
    /// Scaling by alarms. No document may say so: it is suspended in copies alone, which have no traffic yet.
    AlarmNotification,
}

impl ScalingProcess {
    /// Its name at AWS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "Terminate",
            Self::AZRebalance => "AZRebalance",
            Self::InstanceRefresh => "InstanceRefresh",
            Self::ScheduledActions => "ScheduledActions",
            Self::AlarmNotification => "AlarmNotification",
        }
    }
}

/// Processes of an Auto Scaling group that are suspended for a deployment: those that nobody else had suspended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspendedProcesses {
    /// The AWS account that the group is in.
    pub account: String,
    /// The Auto Scaling group.
    pub group: String,
    /// Which of its processes.
    pub processes: BTreeSet<ScalingProcess>,
}

/// `OutdatedInstancesStrategy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutdatedInstancesStrategy {
    /// A further deployment brings them up to date.
    #[default]
    Update,
    /// They stay as they are.
    Ignore,
}
