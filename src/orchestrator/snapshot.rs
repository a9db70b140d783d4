//! Everything a client needs to draw its first picture.

use serde::{Deserialize, Serialize};

pub use super::hosts::status::{AgentStatus, HostState, HostStatus};
pub use crate::engine::Summary;
use crate::engine::{Deployment, Ledger};
use crate::model::access::Person;
use crate::model::alarm::AlarmStatus;
use crate::model::automatic::Look;
use crate::model::freeze::Freeze;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::RegisteredRevision;
use crate::model::task_counts::TasksStatus;
use crate::model::traffic::status::TrafficStatus;

/// The answer to `GET /v1/ping`: who orchestrates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The orchestrating process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// The user who owns it.
    #[serde(default)]
    pub uid: Option<u32>,
}

impl Ping {
    /// This process, this version.
    pub fn here() -> Self {
        Self {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uid: Some(nix::unistd::getuid().as_raw()),
        }
    }
}

/// The first line of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The orchestrating process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// The documents, as last read without an error.
    pub project: Project,
    /// What is wrong with the documents now, one line each.
    pub problems: Vec<String>,
    /// Who looks, as the door knows them. It tells a client what is not worth trying; the door decides for itself.
    #[serde(default)]
    pub person: Option<Person>,
    /// Every deployment, newest first.
    pub deployments: Vec<Summary>,
    /// Those that are not over, whole.
    pub active: Vec<Deployment>,
    /// The memory of each group that has deployed.
    pub ledgers: Vec<(GroupKey, Ledger)>,
    /// The revisions of each application, newest registration first.
    pub revisions: Vec<(Name, Vec<RegisteredRevision>)>,
    /// What is known of each host that was asked.
    pub hosts: Vec<HostStatus>,
    /// What is known of each alarm that is watched.
    pub alarms: Vec<AlarmStatus>,
    /// The freezes that hold.
    #[serde(default)]
    pub freezes: Vec<Freeze>,
    /// Where the traffic of each deployment goes that is not over.
    #[serde(default)]
    pub traffic: Vec<TrafficStatus>,
    /// The tasks of each deployment of a service that is not over.
    #[serde(default)]
    pub tasks: Vec<TasksStatus>,
    /// When each place that a group follows was looked at last.
    #[serde(default)]
    pub looks: Vec<Look>,
}
