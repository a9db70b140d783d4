//! Task sets: what a container service is made of, as processes on hosts with the agent, or as AWS ECS keeps them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::deployment::DeploymentId;
use super::endpoint::Endpoint;
use super::group::EcsService;
use super::name::Name;

/// What the tasks of a task set are: each is one process on a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskDefinition {
    /// The program with its arguments. It serves at the port that it finds in `PORT`, and goes on until it is told to end.
    pub run: Vec<String>,
    /// How many tasks there are, over all hosts: at least one.
    #[serde(default = "one")]
    pub count: u32,
    /// Where a task serves.
    pub port: Ports,
    /// A path that is answered with a status from 200 to 399 when the task is well. Without one it is well when its port accepts
    /// connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Variables of its environment, besides `PORT`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// The Unix user that it runs as; that of the agent when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The folder that it runs in, absolute; `/` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How long a task may take to be well, in seconds.
    #[serde(default = "start_seconds")]
    pub start_seconds: u32,
    /// How long a task may go on after it was told to end (`SIGTERM`), in seconds.
    #[serde(default = "stop_seconds")]
    pub stop_seconds: u32,
}

/// Variables with such a name are the agent's to set, as is `PORT`.
pub const OWN: &str = "CUTOVER_";

/// The variable with a task's port.
pub const PORT: &str = "PORT";

/// More tasks than this nobody means.
const MOST: u32 = 1000;

impl TaskDefinition {
    /// What is wrong with it, and in which field.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut wrong = |field, message: &str| faults.push((field, message.to_owned()));
        if self.run.first().is_none_or(String::is_empty) {
            wrong("run", "it names no program: write one with its arguments");
        }
        if self.run.iter().any(|word| word.contains('\0')) {
            wrong("run", "a word of it has a NUL: write text");
        }
        if !(1..=MOST).contains(&self.count) {
            wrong("count", &format!("a task set has 1 to {MOST} tasks"));
        }
        let is_path =
            |path: &str| path.starts_with('/') && path.bytes().all(|it| it.is_ascii_graphic());
        if let Some(path) = self.health.as_deref().filter(|path| !is_path(path)) {
            let message =
                format!("{path:?} is no path for a health check: write one such as /health");
            wrong("health", &message);
        }
        let is_folder = |folder: &str| folder.starts_with('/') && !folder.contains('\0');
        if let Some(folder) = self.folder.as_deref().filter(|folder| !is_folder(folder)) {
            wrong(
                "folder",
                &format!("{folder:?} is no absolute path of a folder"),
            );
        }
        for (name, value) in &self.environment {
            if name.starts_with(OWN) || name == PORT {
                let message = format!("the agent sets {name} itself: choose another name");
                wrong("environment", &message);
            } else if name.starts_with("LD_") || name == "GLIBC_TUNABLES" {
                let message = format!(
                    "{name} would count for the agent's own programs, too: set it in a script that `run` starts"
                );
                wrong("environment", &message);
            } else if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                let message = format!("{name:?} is no variable, or its value has a NUL");
                wrong("environment", &message);
            }
        }
        if self.start_seconds == 0 {
            wrong("startSeconds", "a task needs time to be well: at least 1");
        }
        faults
    }
}

fn one() -> u32 {
    1
}

fn start_seconds() -> u32 {
    60
}

/// As ECS has it.
fn stop_seconds() -> u32 {
    30
}

/// One port, or those from one to another. In documents a number or a text such as `8100-8199`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The lowest, above zero.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

/// A text that names no ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no ports: write one such as 8080, or a range such as 8100-8199")]
pub struct PortsError(String);

impl FromStr for Ports {
    type Err = PortsError;

    fn from_str(text: &str) -> Result<Self, PortsError> {
        let wrong = || PortsError(text.to_owned());
        let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last {
            write!(f, "{first}")
        } else {
            write!(f, "{first}-{last}")
        }
    }
}

impl Serialize for Ports {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrRange)
    }
}

struct NumberOrRange;

impl Visitor<'_> for NumberOrRange {
    type Value = Ports;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port such as 8080, or a range such as 8100-8199")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Ports, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Ports, E> {
        text.parse().map_err(E::custom)
    }
}

/// What a task set is known by: the deployment that had it created, or what AWS ECS calls one that somebody else had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskSetId(String);

impl TaskSetId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The deployment that had it created, if one did.
    pub fn deployment(&self) -> Option<DeploymentId> {
        self.0.parse().ok()
    }
}

impl From<&DeploymentId> for TaskSetId {
    fn from(id: &DeploymentId) -> Self {
        Self(id.to_string())
    }
}

impl From<&str> for TaskSetId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for TaskSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A task set of a service: who made it, what its tasks are, and where they serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSet {
    /// What it is known by, to agents and to AWS ECS.
    pub id: TaskSetId,
    /// Of which service it is.
    pub service: EcsService,
    /// What its tasks are called in the `AppSpec`.
    pub task_definition: String,
    /// What they are; absent where AWS ECS knows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<TaskDefinition>,
    /// The target group that it is bound to.
    pub target_group: String,
    /// The hosts that have tasks of it, each with how many; none where AWS ECS places them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<(Name, u32)>,
    /// Its tasks, once they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
}

/// A task of a task set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its host.
    pub host: Name,
    /// Where it serves.
    pub endpoint: Endpoint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_a_number_or_a_range() {
        let read = |text: &str| serde_json::from_str::<Ports>(text).map_err(|it| it.to_string());
        let (first, last) = (8100, 8199);
        assert_eq!(
            read("8080"),
            Ok(Ports {
                first: 8080,
                last: 8080
            })
        );
        assert_eq!(read("\"8100-8199\""), Ok(Ports { first, last }));
        for wrong in ["0", "65536", "\"9-8\"", "\"a\"", "\"8100-\""] {
            let why = read(wrong).unwrap_err();
            assert!(why.contains("names no ports"), "{why}");
        }
        assert_eq!(Ports { first, last }.to_string(), "8100-8199");
    }
}
