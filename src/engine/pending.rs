//! What ought to be in flight right now, each piece under a stable id.

use std::collections::BTreeMap;

use super::deployment::{Deployment, Target};
use super::event::Event;
use crate::model::deployment::{DeploymentId, ExecutionId, TargetStatus};
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// The id of a piece of work: the same piece has the same id after a restart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkId {
    /// Let the deployment begin.
    Admit(DeploymentId),
    /// Have a host run an execution.
    Run(ExecutionId),
    /// Have a host stop an execution.
    Halt(ExecutionId),
    /// Tell when a time has come. A new time is a new piece of work.
    Deadline(ExecutionId, Timestamp),
}

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Its stable id.
    pub id: WorkId,
    /// The target it is about; `None` for the deployment itself.
    pub target: Option<Name>,
}

/// Work by id.
pub type WorkSet = BTreeMap<WorkId, Work>;

/// Everything that ought to be in flight: what recovery starts from.
pub fn pending(deployment: &Deployment) -> WorkSet {
    let mut works = WorkSet::new();
    add_admission(deployment, &mut works);
    for &position in &deployment.in_flight {
        add_target(deployment, &deployment.targets[position], &mut works);
    }
    works
}

/// What one event changes about the pending work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// To be begun.
    pub added: Vec<Work>,
    /// To be given up.
    pub removed: Vec<Work>,
}

/// The part of a deployment whose work an event can change.
enum Scope {
    Nothing,
    Admission,
    Target(Name),
    Everything,
}

fn scope(event: &Event) -> Scope {
    match event {
        Event::Created { .. } | Event::Started => Scope::Admission,
        Event::TargetStarted { target, .. }
        | Event::EventStarted { target, .. }
        | Event::EventEnded { target, .. }
        | Event::TargetEnded { target, .. } => Scope::Target(target.clone()),
        Event::StopRequested { .. } | Event::Ended { .. } => Scope::Everything,
        Event::Halted { .. } | Event::RolledBack { .. } => Scope::Nothing,
    }
}

fn pending_in(deployment: &Deployment, scope: &Scope) -> WorkSet {
    let mut works = WorkSet::new();
    match scope {
        Scope::Nothing => {}
        Scope::Admission => add_admission(deployment, &mut works),
        Scope::Target(name) => {
            if let Some(target) = deployment.target(name) {
                add_target(deployment, target, &mut works);
            }
        }
        Scope::Everything => works = pending(deployment),
    }
    works
}

/// Folds an entry into the deployment and says what that changes about the pending work, at a cost that depends on the
/// event's reach alone.
pub fn evolve_with_change(deployment: &mut Deployment, record: &super::event::Record) -> Change {
    let scope = scope(&record.event);
    let mut before = pending_in(deployment, &scope);
    deployment.evolve(record);
    let after = pending_in(deployment, &scope);
    let added = after
        .into_iter()
        .filter_map(|(id, work)| before.remove(&id).is_none().then_some(work))
        .collect();
    Change {
        added,
        removed: before.into_values().collect(),
    }
}

fn add_admission(deployment: &Deployment, works: &mut WorkSet) {
    use crate::model::deployment::DeploymentStatus::{Created, Queued};
    if matches!(deployment.status, Created | Queued) {
        insert(works, WorkId::Admit(deployment.id().clone()), None);
    }
}

fn add_target(deployment: &Deployment, target: &Target, works: &mut WorkSet) {
    let Some(execution) = target
        .execution
        .as_ref()
        .filter(|_| target.status == TargetStatus::InProgress && !deployment.status.is_terminal())
    else {
        return;
    };
    let name = Some(target.name.clone());
    if deployment.stop.is_some() {
        insert(works, WorkId::Halt(execution.clone()), name.clone());
    } else {
        insert(works, WorkId::Run(execution.clone()), name.clone());
    }
    if let Some(deadline) = target.deadline {
        insert(works, WorkId::Deadline(execution.clone(), deadline), name);
    }
}

fn insert(works: &mut WorkSet, id: WorkId, target: Option<Name>) {
    works.insert(id.clone(), Work { id, target });
}
