//! How many tasks there are: agents are asked over and over while a deployment runs. What they say is an observation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::super::feed::FeedItem;
use super::super::{Orchestrator, lock};
use crate::agent::protocol::{TaskSetState, TaskStatus};
use crate::clock;
use crate::engine::Deployment;
use crate::model::name::Name;
use crate::model::task_counts::{TaskCounts, TasksStatus};
use crate::model::traffic::Side;

/// How soon agents are asked again.
const LOOK: Duration = Duration::from_secs(1);

/// A host that takes longer keeps nobody from seeing the others.
const PATIENCE: Duration = Duration::from_secs(2);

/// The task sets on each host that answered.
type Answers = BTreeMap<Name, Option<Vec<TaskSetState>>>;

impl Orchestrator {
    /// Looks at the tasks of a deployment for as long as the handle is kept; nothing to do for one without task sets.
    pub(in super::super) fn watch_tasks(
        &self,
        state: &Arc<RwLock<Deployment>>,
    ) -> Option<AbortOnDropHandle<()>> {
        let read = |state: &RwLock<Deployment>| {
            let state = state.read().unwrap_or_else(PoisonError::into_inner);
            state.clone()
        };
        read(state).spec.task_sets.as_ref()?;
        let (orchestrator, state) = (self.clone(), Arc::clone(state));
        Some(AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let answers = orchestrator.ask_for_tasks(&read(&state)).await;
                // How many there are to be may have changed while the hosts were asked.
                orchestrator.show_tasks(status(&read(&state), &answers));
                sleep(LOOK).await;
            }
        })))
    }

    async fn ask_for_tasks(&self, deployment: &Deployment) -> Answers {
        let sets = [Side::Blue, Side::Green].map(|side| deployment.task_sets(side));
        let hosts = sets.iter().flatten().flat_map(|set| &set.hosts);
        let hosts: BTreeSet<&Name> = hosts.map(|(host, _)| host).collect();
        let asked = hosts.into_iter().map(async |host| {
            let answer = match self.agent_of(host) {
                Some(agent) => timeout(PATIENCE, agent.task_sets()).await.ok(),
                None => None,
            };
            (host.clone(), answer.and_then(Result::ok))
        });
        join_all(asked).await.into_iter().collect()
    }

    /// Shows everybody how the tasks of a deployment are, if that is news.
    fn show_tasks(&self, status: TasksStatus) {
        let active = lock(&self.0.active);
        // One that has ended in the meantime is shown no more.
        let Some(handle) = active.get(&status.deployment) else {
            return;
        };
        let mut seen = lock(&handle.tasks);
        if seen.as_ref().is_some_and(|seen| seen.is_like(&status)) {
            return;
        }
        *seen = Some(status.clone());
        self.publish(FeedItem::Tasks(status));
    }
}

fn status(deployment: &Deployment, answers: &Answers) -> TasksStatus {
    TasksStatus {
        deployment: deployment.id().clone(),
        since: clock::now(),
        original: counts(deployment, Side::Blue, answers),
        replacement: counts(deployment, Side::Green, answers),
    }
}

fn counts(deployment: &Deployment, side: Side, answers: &Answers) -> TaskCounts {
    let mut counts = TaskCounts {
        desired: deployment.tasks_wanted(side),
        ..TaskCounts::default()
    };
    for set in deployment.task_sets(side) {
        for (host, _) in &set.hosts {
            let Some(Some(states)) = answers.get(host) else {
                if counts.desired > 0 && !counts.silent.contains(host) {
                    counts.silent.push(host.clone());
                }
                continue;
            };
            let id = set.id.deployment();
            let states = states.iter().filter(|state| Some(&state.id) == id.as_ref());
            for task in states.flat_map(|state| &state.tasks) {
                match task.status {
                    TaskStatus::Pending => counts.pending += 1,
                    TaskStatus::Running => counts.running += 1,
                    TaskStatus::Stopping => counts.stopping += 1,
                }
                let well = task.healthy && task.status == TaskStatus::Running;
                counts.well += u32::from(well);
                if let (false, None, Some(why)) = (well, &counts.trouble, &task.trouble) {
                    counts.trouble = Some(format!("task {} on {host}: {why}", task.number));
                }
            }
        }
    }
    counts
}
