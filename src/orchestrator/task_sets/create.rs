//! The replacement of a service whose tasks are processes: they are ordered on each host, and looked at until all of them are well.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep, timeout};

use super::super::Orchestrator;
use super::steady::{Progress, orders};
use super::{AGAIN, Failure, LOOK, may_pass};
use crate::agent::protocol::TaskSetOrder;
use crate::engine::Deployment;
use crate::model::deployment::{DeploymentId, ErrorCode};
use crate::model::endpoint::host_of;
use crate::model::name::Name;
use crate::model::task_set::Task;
use crate::providers::hosts::{AgentClient, HostError};

impl Orchestrator {
    /// Where the tasks of the replacement serve, once all of them are well.
    pub(super) async fn until_well_on_hosts(
        &self,
        deployment: &Deployment,
    ) -> Result<Vec<Task>, Failure> {
        let patience = deployment.spec.limits.pick_up();
        let hosts = orders(deployment)?.into_iter();
        let hosts = hosts.map(|(host, order)| self.on(host, deployment.id(), order, patience));
        let tasks = try_join_all(hosts).await?;
        Ok(tasks.into_iter().flatten().collect())
    }

    /// The tasks on one host, once they are well.
    async fn on(
        &self,
        host: Name,
        id: &DeploymentId,
        order: TaskSetOrder,
        patience: Duration,
    ) -> Result<Vec<Task>, Failure> {
        self.order(&host, (id, &order), patience).await?;
        let mut progress = Progress::new(host, &order);
        let long = progress.long();
        let well = timeout(long, self.until_well(&mut progress, (id, &order))).await;
        well.unwrap_or_else(|_| Err(progress.too_late()))
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

    /// Looks until the tasks are well.
    async fn until_well(
        &self,
        progress: &mut Progress,
        (id, order): (&DeploymentId, &TaskSetOrder),
    ) -> Result<Vec<Task>, Failure> {
        loop {
            let (agent, address) = self.reach(progress.host())?;
            match agent.task_set(id).await {
                Ok(state) => {
                    if let Some(steady) = progress.look(&state, &address) {
                        return steady;
                    }
                    sleep(LOOK).await;
                }
                // Its disk is new.
                Err(HostError::Unknown { .. }) => {
                    self.order(progress.host(), (id, order), Duration::ZERO)
                        .await?;
                    sleep(LOOK).await;
                }
                Err(error) => {
                    progress.last = Some(error.reason());
                    sleep(AGAIN).await;
                }
            }
        }
    }
}
