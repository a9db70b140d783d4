//! How many tasks the task sets of a deployment have, as they were seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::deployment::DeploymentId;
use super::name::Name;
use super::timestamp::Timestamp;
use super::traffic::Side;

/// The tasks of a deployment, on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksStatus {
    /// Whose.
    pub deployment: DeploymentId,
    /// When it was seen to be so.
    pub since: Timestamp,
    /// The original, with what else has to go.
    pub original: TaskCounts,
    /// The replacement.
    pub replacement: TaskCounts,
}

/// The tasks of a side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCounts {
    /// How many there are to be.
    pub desired: u32,
    /// How many are about to be started.
    pub pending: u32,
    /// How many run.
    pub running: u32,
    /// How many of those are well.
    pub well: u32,
    /// How many were told to end.
    pub stopping: u32,
    /// Hosts that do not say how theirs are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<Name>,
    /// Why one of them is not well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl TasksStatus {
    /// One side.
    pub fn side(&self, side: Side) -> &TaskCounts {
        match side {
            Side::Blue => &self.original,
            Side::Green => &self.replacement,
        }
    }

    /// Whether the same was seen, whenever that was.
    pub fn is_like(&self, other: &Self) -> bool {
        self.original == other.original && self.replacement == other.replacement
    }
}

impl TaskCounts {
    /// Whether all are there and well, and nothing else is.
    pub fn is_steady(&self) -> bool {
        self.silent.is_empty()
            && self.well == self.desired
            && self.running == self.desired
            && self.pending + self.stopping == 0
    }
}

impl fmt::Display for TaskCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let there = self.pending + self.running + self.stopping;
        let running = match (self.desired, there) {
            (0, 0) => "no tasks".to_owned(),
            (desired, _) => format!("{}/{desired} running", self.running),
        };
        let unwell = self.running.saturating_sub(self.well);
        let others = [
            (self.pending, "pending"),
            (unwell, "not well"),
            (self.stopping, "stopping"),
        ];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        let others = others.map(|(count, what)| format!("{count} {what}"));
        let silent = self.silent.first().map(|host| match self.silent.len() {
            1 => format!("no answer from {host}"),
            n => format!("no answer from {host} and {} more", n - 1),
        });
        let text: Vec<String> = std::iter::once(running)
            .chain(others)
            .chain(silent)
            .collect();
        f.pad(&text.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_words() {
        let steady = TaskCounts {
            desired: 4,
            running: 4,
            well: 4,
            ..TaskCounts::default()
        };
        assert!(steady.is_steady());
        assert_eq!(steady.to_string(), "4/4 running");
        let starting = TaskCounts {
            desired: 4,
            pending: 1,
            running: 3,
            well: 2,
            silent: vec!["pay-1".parse().unwrap(), "pay-2".parse().unwrap()],
            ..TaskCounts::default()
        };
        assert!(!starting.is_steady());
        assert_eq!(
            starting.to_string(),
            "3/4 running, 1 pending, 1 not well, no answer from pay-1 and 1 more"
        );
        assert_eq!(TaskCounts::default().to_string(), "no tasks");
        let ending = TaskCounts {
            running: 1,
            well: 1,
            stopping: 3,
            ..TaskCounts::default()
        };
        assert_eq!(ending.to_string(), "1/0 running, 3 stopping");
    }
}
