//! The end of task sets that have lost the traffic: once the listeners have let them go, their tasks are ended.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tokio::time::sleep;

use super::super::Orchestrator;
use super::super::traffic::listener::Listener;
use super::{AGAIN, LOOK, may_pass};
use crate::engine::Deployment;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::input::Told;
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::task_set::TaskSet;
use crate::model::traffic::Side;
use crate::model::traffic::status::{BalancerDetails, Presence};
use crate::providers::hosts::HostError;

impl Orchestrator {
    /// Ends all task sets of a side. A host that does not answer is asked until it does, or the deployment waits no longer.
    pub(in super::super) async fn end_task_sets(
        &self,
        deployment: &Deployment,
        side: Side,
    ) -> Told {
        while !self.has_let_go(deployment, side) {
            sleep(LOOK).await;
        }
        let sets = deployment.task_sets(side);
        // One that does not answer keeps nobody else waiting.
        let ended = join_all(sets.iter().map(|set| self.end_task_set(set))).await;
        let trouble: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
        Told::Terminated {
            targets: Vec::new(),
            trouble: (!trouble.is_empty()).then(|| trouble.join("; ")),
        }
    }

    /// Whether no listener gives the side requests, or waits for answers of it.
    fn has_let_go(&self, deployment: &Deployment, side: Side) -> bool {
        let details = self.0.traffic.details(deployment.id());
        details.is_some_and(|balancers| let_go(deployment, &balancers, side))
    }

    async fn end_task_set(&self, set: &TaskSet) -> Result<(), String> {
        if set.definition.is_none() {
            return self.delete_at_ecs(set).await;
        }
        let Some(id) = set.id.deployment() else {
            // Hosts have none that no deployment made.
            return Ok(());
        };
        let hosts = set.hosts.iter();
        let ended = join_all(hosts.map(|(host, _)| self.end_tasks(set, &id, host))).await;
        let trouble: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
        if trouble.is_empty() {
            Ok(())
        } else {
            Err(trouble.join("; "))
        }
    }

    async fn end_tasks(&self, set: &TaskSet, id: &DeploymentId, host: &Name) -> Result<(), String> {
        let mut told = false;
        loop {
            let Some(agent) = self.agent_of(host) else {
                return Err(format!(
                    "{host} is no longer in the project: what it has of {} has to be ended by hand",
                    set.task_definition
                ));
            };
            // It is told once; then it is looked at.
            let answered = if told {
                agent.task_set(id).await
            } else {
                agent.end_task_set(id).await
            };
            match answered {
                Ok(state) if state.tasks.is_empty() => return Ok(()),
                Err(HostError::Unknown { .. }) if told => return Ok(()),
                Ok(_) => {
                    told = true;
                    sleep(LOOK).await;
                }
                Err(error) if may_pass(&error) => {
                    told = false;
                    sleep(AGAIN).await;
                }
                Err(error) => return Err(format!("{host}: {}", error.reason())),
            }
        }
    }
}

/// Whether no listener, as they were at the last look, gives the side requests, or waits for answers of it. A look of which one of its
/// servers is missing was taken when that was none of the deployment's concern, and says nothing of it.
pub fn let_go(deployment: &Deployment, balancers: &[BalancerDetails], side: Side) -> bool {
    if deliberate(Bug::TaskSetEndedEarly) {
        return true;
    }
    let Ok(listeners) = Listener::of(deployment) else {
        return false;
    };
    let expected: BTreeSet<&Name> = listeners
        .iter()
        .flat_map(|it| it.servers_of(side))
        .collect();
    balancers.iter().all(|balancer| {
        let servers = || balancer.servers.iter().filter(|it| it.side == side);
        let known = balancer.status.trouble.is_none();
        let seen: BTreeSet<&Name> = servers().map(|it| &it.name).collect();
        known
            && expected.is_subset(&seen)
            && servers().all(|it| matches!(it.service, Presence::Out | Presence::Absent))
    })
}
