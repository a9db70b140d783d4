//! Container services: who keeps the task sets of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::name::Name;
use crate::model::task_set::TaskDefinition;

/// What the `serviceName` and `clusterName` of a group stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceConnection {
    /// The service, as groups name it. Unique in its cluster.
    pub name: String,
    /// The cluster, likewise.
    pub cluster: String,
    /// Who keeps its task sets.
    pub via: ServiceKind,
}

/// Who keeps the task sets of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServiceKind {
    /// The agents of hosts: a task is a process.
    Processes(ServiceProcesses),
    /// AWS ECS: service and cluster are those there, and so are the listeners and target groups of the group.
    Ecs(EcsKeeper),
}

/// Task sets that AWS ECS keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EcsKeeper {
    /// The account that has the service, its load balancer and its target groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// On what tasks run where neither the `AppSpec` nor the task set before says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,
}

/// On what AWS ECS runs tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LaunchType {
    /// On machines that are nobody's matter.
    Fargate,
    /// On instances of the cluster.
    Ec2,
    /// On machines elsewhere that have joined the cluster.
    External,
}

/// Tasks that are processes on hosts with the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceProcesses {
    /// The hosts. Tasks are spread over them in this order.
    pub hosts: Vec<Name>,
    /// The task definitions, by the names that an `AppSpec` uses.
    pub task_definitions: BTreeMap<String, TaskDefinition>,
}

impl ServiceProcesses {
    /// How many of so many tasks each host has, as evenly as can be; without those that have none.
    pub fn spread(&self, count: u32) -> Vec<(Name, u32)> {
        let all = u32::try_from(self.hosts.len()).unwrap_or(u32::MAX).max(1);
        let hosts = (0..all).zip(&self.hosts);
        let each = |place: u32| count / all + u32::from(place < count % all);
        let spread = hosts.map(|(place, host)| (host.clone(), each(place)));
        spread.filter(|(_, tasks)| *tasks > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_at_ecs_says_little() {
        let read = |text: &str| serde_json::from_str::<ServiceKind>(text);
        let least = ServiceKind::Ecs(EcsKeeper::default());
        assert_eq!(read(r#"{"ecs":{}}"#).unwrap(), least);
        let all = r#"{"ecs":{"account":"prod","launchType":"EC2"}}"#;
        let kind = read(all).unwrap();
        assert_eq!(serde_json::to_string(&kind).unwrap(), all);
        assert!(read(r#"{"ecs":{"accessKey":"no"}}"#).is_err());
    }

    #[test]
    fn tasks_are_spread_evenly() {
        let host = |name: &str| name.parse::<Name>().unwrap();
        let processes = ServiceProcesses {
            hosts: ["a", "b", "c"].map(host).to_vec(),
            task_definitions: BTreeMap::new(),
        };
        let spread = |count| {
            let spread = processes.spread(count).into_iter();
            spread
                .map(|(name, n)| format!("{name}{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(spread(7), "a3 b2 c2");
        assert_eq!(spread(2), "a1 b1");
        assert_eq!(spread(0), "");
    }
}
