//! The replacement of a service whose tasks are processes: they are ordered on each host, and looked at until all of them are well.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep, timeout};

use super::super::Orchestrator;
use super::{AGAIN, Failure, LOOK, may_pass};
use crate::agent::protocol::{TaskSetOrder, TaskSetState, TaskState, TaskStatus};
use crate::engine::Deployment;
use crate::model::deployment::{DeploymentId, ErrorCode};
use crate::model::endpoint::{Endpoint, host_of};
use crate::model::name::Name;
use crate::model::task_set::{Task, TaskDefinition, TaskSet};
use crate::model::timestamp::Short;
use crate::model::traffic::Side;
use crate::providers::hosts::{AgentClient, HostError};

/// A task that ended so often by itself before it was well does not get well any more.
const ATTEMPTS: u32 = 3;

impl Orchestrator {
    /// Where the tasks of the replacement serve, once all of them are well.
    pub(super) async fn until_well_on_hosts(
        &self,
        deployment: &Deployment,
        set: &TaskSet,
        definition: &TaskDefinition,
    ) -> Result<Vec<Task>, Failure> {
        let service = deployment.targets.first();
        let service = service.map_or_else(String::new, |target| target.name.to_string());
        let patience = deployment.spec.limits.pick_up();
        // Servers are known by their ports, whether their tasks are there or not.
        let others = deployment.task_sets(Side::Blue).into_iter();
        let others: Vec<Task> = others.flat_map(|other| other.tasks).collect();
        let hosts = set.hosts.iter().map(|(host, count)| {
            let theirs = others.iter().filter(|task| task.host == *host);
            let order = TaskSetOrder {
                service: service.clone(),
                task_definition: set.task_definition.clone(),
                definition: definition.clone(),
                count: *count,
                avoid: theirs.map(|task| task.endpoint.port).collect(),
            };
            self.on(host, deployment.id(), order, patience)
        });
        let tasks = try_join_all(hosts).await?;
        Ok(tasks.into_iter().flatten().collect())
    }

    /// The tasks on one host, once they are well.
    async fn on(
        &self,
        host: &Name,
        id: &DeploymentId,
        order: TaskSetOrder,
        patience: Duration,
    ) -> Result<Vec<Task>, Failure> {
        self.order(host, (id, &order), patience).await?;
        let long = Duration::from_secs(u64::from(order.definition.start_seconds));
        let mut last = None;
        let well = timeout(long, self.until_well(host, (id, &order), &mut last)).await;
        well.unwrap_or_else(|_| {
            let trouble = last.unwrap_or_else(|| "its agent does not answer".to_owned());
            Err((
                ErrorCode::CustomerApplicationUnhealthy,
                format!(
                    "not every task of {} on {host} was well within {} (startSeconds): {trouble}",
                    order.task_definition,
                    Short(long)
                ),
            ))
        })
    }

    fn reach(&self, host: &Name) -> Result<(AgentClient, String), Failure> {
        let (project, _) = self.0.documents.current();
        let found = project.host(host);
        let address = found.and_then(|host| host_of(&host.address));
        let gone = || {
            let why = format!("{host} is to have tasks, and is no longer in the project");
            (ErrorCode::EcsUpdateError, why)
        };
        Ok((
            self.agent_of(host).ok_or_else(gone)?,
            address.ok_or_else(gone)?,
        ))
    }

    /// Has the host take the order, however often it has to be asked.
    async fn order(
        &self,
        host: &Name,
        (id, order): (&DeploymentId, &TaskSetOrder),
        patience: Duration,
    ) -> Result<(), Failure> {
        let late = Instant::now() + patience;
        loop {
            let (agent, _) = self.reach(host)?;
            match agent.order_task_set(id, order).await {
                Ok(_) => return Ok(()),
                Err(error) if may_pass(&error) && Instant::now() < late => sleep(AGAIN).await,
                Err(HostError::Unknown { .. }) => {
                    let why = format!(
                        "the agent on {host} knows nothing of task sets: install this version of it"
                    );
                    return Err((ErrorCode::EcsUpdateError, why));
                }
                Err(error) => {
                    let why = format!("{host} can't have tasks: {}", error.reason());
                    return Err((ErrorCode::EcsUpdateError, why));
                }
            }
        }
    }

    /// Looks until the tasks are well. `last` is what was wrong at the last look.
    async fn until_well(
        &self,
        host: &Name,
        (id, order): (&DeploymentId, &TaskSetOrder),
        last: &mut Option<String>,
    ) -> Result<Vec<Task>, Failure> {
        // Whoever tries again begins to count again.
        let mut before = None;
        loop {
            let (agent, address) = self.reach(host)?;
            match agent.task_set(id).await {
                Ok(state) => {
                    *last = trouble(&state);
                    let before = before.get_or_insert_with(|| restarts(&state));
                    if let Some(why) = hopeless(&state, before) {
                        let why = format!("{} on {host}: {why}", order.task_definition);
                        return Err((ErrorCode::CustomerApplicationUnhealthy, why));
                    }
                    let all = state.tasks.len() == order.count as usize;
                    if all && state.tasks.iter().all(is_well) {
                        let task = |task: &TaskState| Task {
                            host: host.clone(),
                            endpoint: Endpoint {
                                host: address.clone(),
                                port: task.port,
                            },
                        };
                        return Ok(state.tasks.iter().map(task).collect());
                    }
                    sleep(LOOK).await;
                }
                // Its disk is new.
                Err(HostError::Unknown { .. }) => {
                    self.order(host, (id, order), Duration::ZERO).await?;
                    sleep(LOOK).await;
                }
                Err(error) => {
                    *last = Some(error.reason());
                    sleep(AGAIN).await;
                }
            }
        }
    }
}

fn is_well(task: &TaskState) -> bool {
    task.status == TaskStatus::Running && task.healthy
}

fn trouble(state: &TaskSetState) -> Option<String> {
    let unwell = state.tasks.iter().find(|task| !is_well(task));
    let unwell = unwell?;
    let why = unwell.trouble.as_deref().unwrap_or("it is not well yet");
    Some(format!("task {}: {why}", unwell.number))
}

/// How often each task had ended by itself.
fn restarts(state: &TaskSetState) -> BTreeMap<u32, u32> {
    let tasks = state.tasks.iter();
    tasks.map(|task| (task.number, task.restarts)).collect()
}

/// Why waiting is no use.
fn hopeless(state: &TaskSetState, before: &BTreeMap<u32, u32>) -> Option<String> {
    let mut tasks = state.tasks.iter();
    let since = |task: &TaskState| {
        let former = before.get(&task.number).copied().unwrap_or(0);
        task.restarts.saturating_sub(former)
    };
    let task = tasks.find(|task| since(task) >= ATTEMPTS && !is_well(task))?;
    let why = task.trouble.as_deref().unwrap_or("it says nothing");
    Some(format!(
        "task {} has ended by itself {} times: {why}",
        task.number, task.restarts
    ))
}
