//! The messages between orchestrator and agent. JSON over HTTP/1.1; who dials whom is not part of them.
//!
//! | request | meaning |
//! | --- | --- |
//! | `GET /v1/agent` | [`AgentInfo`] |
//! | `HEAD /v1/bundles/{digest}` | 200 if the host has the bundle, else 404 |
//! | `PUT /v1/bundles/{digest}` | sends a bundle; its digest is verified before it counts (422 if it differs) |
//! | `PUT /v1/executions/{id}` | [`Order`] in, [`ExecutionState`] out; the same id again changes nothing and answers the state; 409 if the order differs. Nothing of it starts before its lease is renewed |
//! | `POST /v1/executions/{id}/stop` | no further event starts; answers [`ExecutionState`], or 404 if unknown: then its order, should it still arrive, ends at once |
//! | `POST /v1/leases` | [`Leases`]: renews the leases of these executions |
//! | `GET /v1/stream?after=SEQ` | one [`Message`] a line, from the one after `SEQ` on, for ever; blank lines keep it alive |
//! | `GET /v1/upstreams/{name}` | [`UpstreamState`], or 404 if the agent's configuration has no such upstream |
//! | `PUT /v1/upstreams/{name}` | [`UpstreamOrder`] in; answers [`UpstreamState`] when nginx works by it; 422 with nginx's words if it would not take it, and then everything is as before |
//! | `GET /v1/task-sets` | a [`TaskSetState`] for each task set that has tasks here |
//! | `GET /v1/task-sets/{id}` | [`TaskSetState`], or 404 if it has none here, or has ended and its tasks are gone |
//! | `PUT /v1/task-sets/{id}` | [`TaskSetOrder`] in, [`TaskSetState`] out; the same again changes nothing and answers the state; 409 if the order differs; 410 if it was ended before, also if its order had not come by then |
//! | `DELETE /v1/task-sets/{id}` | ends a task set, known or not; answers [`TaskSetState`], with the tasks that are not gone yet; the same again changes nothing |
//! | `POST /v1/haproxy` | [`HaProxyCommand`] in, [`HaProxyAnswer`] out; 403 if the agent's configuration has no such backend, or the command does not move servers of it |
//! | `GET /v1/join` | 204 if an orchestrator is expected that may introduce itself, else 403 |
//! | `POST /v1/join` | [`Introduction`] in, [`Introduced`] out: whoever was invited to join comes to know the other's key by it |
//! | `POST /v1/keys` | [`KeyOrder`] in, [`Keys`] out: one of the two is to have another key |
//!
//! What changes something (orders, stops, leases, upstreams, task sets, `HAProxy`) comes as the command of a signed
//! [`Envelope`](crate::identity::command::Envelope), also the stop and the end of a task set, which say nothing else (`null`). Besides the errors above: 412 if it
//! came too late, too early, or was here before (signed anew it may be good: [`Problem::clock`] says by which clock); 421 if it
//! is not from whom the host obeys, or not for it; 423 if another orchestrator is obeyed in its sender's place; 507 if it can't be
//! written down, and so is not carried out.
//!
//! Errors are [`Problem`]s; whoever is not known is answered 401.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::identity::command::Commander;
use crate::identity::orchestrators::Unaware;
use crate::identity::proof::Proof;
use crate::identity::{Pin, Successor};
use crate::model::deployment::{Creator, DeploymentId, ExecutionId, FileExistsBehavior};
use crate::model::diagnostics::Diagnostics;
use crate::model::group::DeploymentType;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
pub use crate::model::output::OutputSource;
use crate::model::revision::Revision;
use crate::model::task_set::TaskDefinition;
use crate::model::timestamp::Timestamp;

/// Where an orchestrator introduces itself.
pub const JOIN: &str = "/v1/join";

/// Where keys are changed.
pub const KEYS: &str = "/v1/keys";

/// How long an agent goes on starting events without hearing from the orchestrator.
pub const LEASE: std::time::Duration = std::time::Duration::from_secs(10);

/// How often each side shows that it is alive.
pub const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(3);

/// Who an agent is, and what it knows about its host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentInfo {
    /// The host's name as the agent was started with.
    pub name: Name,
    /// Changes when the agent's disk is new: sequence numbers start again then.
    pub agent_id: String,
    /// The program's version.
    pub version: String,
    /// The sequence number of the newest message.
    pub seq: u64,
    /// What it knows about its host; older agents say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Arc<Facts>>,
    /// With what keys it shows itself; one that has not joined has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
    /// Whose commands it carries out, as far as that concerns whoever asks and is written down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obeys: Vec<Obeyed>,
}

/// An orchestrator that has commanded this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Obeyed {
    /// The key of its commands.
    pub commander: Commander,
    /// Its epoch: commands of a lesser one are refused.
    pub epoch: u64,
    /// Which start of it: commands of another one of the same epoch are refused.
    pub incarnation: u32,
    /// Since when, by the host's clock.
    pub since: Timestamp,
}

/// The keys of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// The one that it shows.
    pub current: Pin,
    /// The one that it will show when every orchestrator that it obeys has noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Pin>,
    /// The orchestrators that have not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unaware: Vec<Unaware>,
}

/// One of the two, agent and orchestrator, is to have another key. The same again changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyOrder {
    /// The agent makes itself a next key, if it has none.
    Make,
    /// The orchestrator has noted that this is the agent's next key. The agent shows it as soon as all have.
    Noted(Pin),
    /// The orchestrator will show these keys one day in place of its own.
    Successor(Successor),
}

/// A run of consecutive lifecycle events on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The deployment it belongs to.
    pub deployment_id: DeploymentId,
    /// For `APPLICATION_NAME`. Any text: a local deployment gives its bundle's location.
    pub application_name: String,
    /// For `DEPLOYMENT_GROUP_NAME`.
    pub deployment_group_name: String,
    /// The group's UUID: names the group's folder on the host.
    pub deployment_group_id: String,
    /// Decides, with the type, which revision's scripts an event runs.
    pub creator: Creator,
    /// Decides, with the creator, which revision's scripts an event runs.
    pub deployment_type: DeploymentType,
    /// What is deployed.
    pub revision: Revision,
    /// The events, in order, without gaps.
    pub events: Vec<LifecycleEvent>,
    /// Applies where the `AppSpec` says nothing.
    pub file_exists_behavior: FileExistsBehavior,
    /// Whether the target goes on after a failed `ApplicationStop`, `BeforeBlockTraffic` or `AfterBlockTraffic`.
    pub ignore_application_stop_failures: bool,
    /// The name of the revision's `AppSpec`, if it is none of the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appspec_filename: Option<String>,
    /// The only events whose scripts the `AppSpec` may name; without it, others are ignored with a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible_events: Option<Vec<LifecycleEvent>>,
}

/// What has become of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionState {
    /// Which execution.
    pub execution: ExecutionId,
    /// The sequence number of the message that accepted it: its messages come after.
    pub accepted_seq: u64,
    /// The number of the newest message that is reflected here.
    pub seq: u64,
    /// Its events in order.
    pub events: Vec<EventState>,
    /// How it ended, if it did.
    pub ended: Option<ExecutionEnd>,
}

/// One event of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventState {
    /// Which event.
    pub event: LifecycleEvent,
    /// Its status.
    pub status: EventStatus,
    /// When it started, by the host's clock.
    pub start_time: Option<Timestamp>,
    /// When it ended, by the host's clock.
    pub end_time: Option<Timestamp>,
    /// Why it failed.
    pub diagnostics: Option<Diagnostics>,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExecutionEnd {
    /// Every event ran.
    Finished,
    /// An event failed; the rest was not started.
    Failed,
    /// It was told to stop; the rest was not started.
    Stopped,
}

/// One entry of a host's event stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Grows by one with each message of this host, also over restarts.
    pub seq: u64,
    /// When, by the host's clock.
    pub at: Timestamp,
    /// Which execution it is about.
    pub execution: ExecutionId,
    /// What happened.
    pub what: What,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum What {
    /// The order was taken and made durable.
    Accepted,
    /// An event started.
    EventStarted {
        /// Which.
        event: LifecycleEvent,
    },
    /// An event ended.
    EventEnded {
        /// Which.
        event: LifecycleEvent,
        /// `Succeeded` or `Failed`.
        status: EventStatus,
        /// Why it failed.
        diagnostics: Option<Diagnostics>,
    },
    /// A line of output, or a remark of the agent's.
    Output {
        /// The event that was running.
        event: LifecycleEvent,
        /// Where it came from.
        source: OutputSource,
        /// The line without its end, lossily decoded, otherwise as the script wrote it.
        text: String,
    },
    /// The execution ended.
    Ended {
        /// How.
        end: ExecutionEnd,
    },
}

/// A request to keep executions going.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leases {
    /// Those the orchestrator still wants.
    pub executions: Vec<ExecutionId>,
}

/// How the servers of an upstream are to be. Those that are not named stay as they are; the same again changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpstreamOrder {
    /// Servers that are added, or changed.
    pub servers: Vec<UpstreamServer>,
    /// Endpoints of servers that go.
    #[serde(default)]
    pub remove: Vec<String>,
}

/// A server of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpstreamServer {
    /// `ADDRESS:PORT`.
    pub endpoint: String,
    /// Its share is its weight by the sum of all; 0 gets nothing.
    pub weight: u32,
    /// Whether it only finishes what it does: it gets nothing new, whatever its weight.
    #[serde(default)]
    pub draining: bool,
}

/// The servers of an upstream on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpstreamState {
    /// The host.
    pub host: Name,
    /// The servers as the file has them.
    pub servers: Vec<UpstreamServer>,
    /// The servers by which nginx works, if that is known.
    pub in_force: Option<Vec<UpstreamServer>>,
    /// What identifies this run of nginx; none if it does not run.
    pub epoch: Option<String>,
    /// How many of its worker processes only finish what they began before a reload.
    pub shutting_down: usize,
}

/// The tasks of a task set on this host. They outlive the agent, and go on until the task set is ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskSetOrder {
    /// Whose tasks they are, for `CUTOVER_SERVICE`.
    pub service: String,
    /// What the tasks are called in the `AppSpec`.
    pub task_definition: String,
    /// What they are. How many there are over all hosts is not this host's affair.
    pub definition: TaskDefinition,
    /// How many tasks there are on this host.
    pub count: u32,
    /// Ports that they must not get: others are known by them, whether they are there or not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<u16>,
}

/// How a task set is on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSetState {
    /// Which task set.
    pub id: DeploymentId,
    /// Whose tasks they are; empty if only the end of the task set has come, and no order.
    pub service: String,
    /// What the tasks are called in the `AppSpec`; empty if no order has come.
    pub task_definition: String,
    /// The tasks that are to be here, and of one that is being ended those that are not gone yet.
    pub tasks: Vec<TaskState>,
}

/// How a task is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskState {
    /// Which one of the task set's on this host, from 1.
    pub number: u32,
    /// Where it serves; 0 as long as it has no port.
    pub port: u16,
    /// What it is at.
    pub status: TaskStatus,
    /// Whether it answered its health check the last time that it was asked.
    pub healthy: bool,
    /// How often it ended by itself and was started again.
    pub restarts: u32,
    /// When it came to its status, by the host's clock.
    pub since: Timestamp,
    /// Why it is not well: the exit status, what the health check answered, the last lines that it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What a task is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskStatus {
    /// It is about to be started, or started again.
    Pending,
    /// Its process is there.
    Running,
    /// It was told to end.
    Stopping,
}

/// One command for the runtime API of an `HAProxy` on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HaProxyCommand {
    /// The host that is meant: another one's agent does nothing.
    pub host: Name,
    /// The backend whose servers it is about, as the agent's configuration and haproxy.cfg name it.
    pub backend: String,
    /// The command, without the end of its line.
    pub command: String,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HaProxyAnswer {
    /// `HAProxy` answered this.
    Said(String),
    /// `HAProxy` can't be reached, or broke off before the end of its answer, for this reason: then the command may have been
    /// carried out.
    Away(String),
    /// Nothing was done: this is the agent of this host.
    Elsewhere(Name),
}

/// An orchestrator that has invited a host introduces itself to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Introduction {
    /// The host that is meant.
    pub host: Name,
    /// The project that it orchestrates.
    pub project: Name,
    /// The key that signs its commands.
    pub commander: Commander,
    /// Who it is.
    pub proof: Proof,
}

/// The host obeys the orchestrator from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Introduced {
    /// Who the host is.
    pub proof: Proof,
}

/// The body of an error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// One sentence: what is wrong and what to do.
    pub message: String,
    /// The host's clock, where that is what is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Timestamp>,
}

impl Problem {
    /// One that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            clock: None,
        }
    }
}
