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
