//! The task sets of a service: from which one a deployment takes the traffic, to which it gives it, and which of them outlive
//! it.

use serde::{Deserialize, Serialize};

use super::deliberate::{Bug, deliberate};
use super::deployment::Deployment;
use super::event::Event;
use super::plan::Stage;
use super::spec::Spec;
use crate::model::deployment::DeploymentStatus;
use crate::model::group::EcsService;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::task_set::{Task, TaskSet};
use crate::model::traffic::{Side, Split};

/// The task sets that a deployment is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskSets {
    /// Whose the traffic is; none if nothing was deployed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<TaskSet>,
    /// What is to get it.
    pub replacement: TaskSet,
    /// What deployments that failed have left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<TaskSet>,
}

/// The task sets of a service between its deployments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The service. A group may have had another one before its document was edited.
    pub service: EcsService,
    /// The one whose the traffic is (`PRIMARY`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<TaskSet>,
    /// Others that are still there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<TaskSet>,
}

impl Spec {
    /// Whether something is known to have the traffic of its service before it. Where nobody knows of task sets, something has.
    pub(super) fn has_original(&self) -> bool {
        let sets = self.task_sets.as_ref();
        sets.is_none_or(|sets| sets.original.is_some())
    }

    /// Whether a task set may be there that loses its traffic, or has none.
    pub(super) fn has_former(&self) -> bool {
        let sets = self.task_sets.as_ref();
        self.has_original() || sets.is_some_and(|sets| !sets.left.is_empty())
    }
}

impl Deployment {
    /// The task sets of a side, with their tasks as far as they are known: what is left of others is on the side of the
    /// original.
    pub fn task_sets(&self, side: Side) -> Vec<TaskSet> {
        let Some(sets) = &self.spec.task_sets else {
            return Vec::new();
        };
        match side {
            Side::Blue if deliberate(Bug::LeftForgotten) => sets.original.iter().cloned().collect(),
            Side::Blue => sets.original.iter().chain(&sets.left).cloned().collect(),
            Side::Green => {
                let mut set = sets.replacement.clone();
                if !self.tasks.is_empty() {
                    set.tasks.clone_from(&self.tasks);
                }
                vec![set]
            }
        }
    }

    /// How many tasks of a side there are to be by now.
    pub fn tasks_wanted(&self, side: Side) -> u32 {
        let ends =
            |stage: &Stage| matches!(stage, Stage::DeleteTaskSet { side: of } if *of == side);
        let gone = self.plan.stages.iter().position(ends);
        let there = side == Side::Blue || self.made_tasks();
        if !there || self.start_time.is_some() && gone.is_some_and(|gone| self.stage >= gone) {
            return 0;
        }
        let sets = self.task_sets(side);
        let hosts = sets.iter().flat_map(|set| &set.hosts);
        hosts.map(|(_, count)| count).sum()
    }

    /// Whether the replacement may be there: it does no harm to end what is not.
    fn made_tasks(&self) -> bool {
        let mut stages = self.plan.stages.iter();
        let created = stages.position(|stage| matches!(stage, Stage::CreateTaskSet { .. }));
        let reached = created.is_some_and(|created| self.stage >= created);
        self.spec.goes_back() || self.start_time.is_some() && reached
    }

    /// Whether the replacement may get requests: where there is nothing else, it does as soon as it enters.
    fn has_traffic(&self) -> bool {
        let mut events = self.targets.iter().flat_map(|target| &target.events);
        let allow = events.find(|entry| entry.event == LifecycleEvent::AllowTraffic);
        let enters = allow.is_some_and(|entry| {
            !matches!(entry.status, EventStatus::Pending | EventStatus::Skipped)
        });
        enters || self.split().is_some_and(|split| split != Split::ORIGINAL)
    }

    /// The side whose task sets have been deleted.
    fn deleted(&self) -> Option<Side> {
        let done = self.terminated.as_ref()?.trouble.is_none();
        let mut stages = self.plan.stages.iter();
        let side = stages.find_map(|stage| match stage {
            Stage::DeleteTaskSet { side } => Some(*side),
            _ => None,
        });
        side.filter(|_| done)
    }

    /// What it leaves to its group; nothing if it is about no task sets.
    pub(super) fn leaves(&self) -> Option<Kept> {
        let sets = self.spec.task_sets.as_ref()?;
        let forth = !self.spec.goes_back();
        // There is no way back from here, however it ends.
        let passed = self.status == DeploymentStatus::Succeeded || self.ends() == Some(Side::Blue);
        // What has some traffic without anybody else is as good as what has succeeded.
        let alone = sets.original.is_none() && self.has_traffic();
        let turned = deliberate(Bug::PrimaryTurned);
        let serves = if forth && (passed || alone) != turned {
            Side::Green
        } else {
            Side::Blue
        };
        let mut there = Vec::new();
        if self.deleted() != Some(Side::Blue) {
            there.extend(self.task_sets(Side::Blue));
        }
        let made = self.made_tasks() && (passed || !deliberate(Bug::ReplacementForgotten));
        if self.deleted() != Some(Side::Green) && made {
            there.extend(self.task_sets(Side::Green));
        }
        let id = match serves {
            Side::Green => Some(&sets.replacement.id),
            Side::Blue => sets.original.as_ref().map(|original| &original.id),
        };
        let (primary, left) = there.into_iter().partition(|set| Some(&set.id) == id);
        let primary: Vec<TaskSet> = primary;
        Some(Kept {
            service: sets.replacement.service.clone(),
            primary: primary.into_iter().next(),
            left,
        })
    }
}

/// The events that follow when the tasks of the replacement are known; none if nobody waits for them, or they were known before.
pub(super) fn hear(deployment: &Deployment, tasks: &[Task]) -> Vec<Event> {
    let creates = matches!(
        deployment.current_stage(),
        Some(Stage::CreateTaskSet { .. })
    );
    if !creates || deployment.tasks == tasks {
        return Vec::new();
    }
    vec![Event::TaskSetCreated {
        tasks: tasks.to_vec(),
    }]
}
