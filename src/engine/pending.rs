//! What ought to be in flight right now, each piece under a stable id.

use std::collections::BTreeMap;

use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Target};
use super::event::Event;
use super::provision::Asked;
use crate::model::approval::Step;
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
    /// Tell when a target's time is over. A new time is a new piece of work.
    Deadline(ExecutionId, Timestamp),
    /// Have a fleet provision the replacement, and wait for its agents.
    Provision(DeploymentId),
    /// Have fleets terminate the original, or a service delete a task set.
    Terminate(DeploymentId),
    /// Tell when a time of the deployment's own has come: that of the whole, of a wait, or of the next shift.
    Timer(DeploymentId, Timestamp),
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
    add_own(deployment, &mut works);
    for target in deployment.running() {
        add_target(deployment, target, &mut works);
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

impl Change {
    /// What several changes come to, one after the other. Work that one of them adds and a later one removes is never
    /// begun: a stop that was decided together with the start of an instance leaves that instance alone.
    pub fn net(changes: impl IntoIterator<Item = Self>) -> Self {
        let mut net = Self::default();
        for change in changes {
            for work in change.removed {
                match net.added.iter().position(|other| other.id == work.id) {
                    Some(at) => drop(net.added.remove(at)),
                    None => net.removed.push(work),
                }
            }
            for work in change.added {
                match net.removed.iter().position(|other| other.id == work.id) {
                    Some(at) => drop(net.removed.remove(at)),
                    None => net.added.push(work),
                }
            }
        }
        net
    }
}

/// The part of a deployment whose work an event can change.
enum Scope {
    Nothing,
    /// What is no target's: admission and times.
    Own,
    Target(Name),
    Everything,
}

fn scope(event: &Event) -> Scope {
    match event {
        Event::Created { .. }
        | Event::Approved { .. }
        | Event::Queued { .. }
        | Event::Started
        | Event::StageStarted { .. }
        | Event::Provisioned { .. }
        | Event::TaskSetCreated { .. }
        | Event::Terminated { .. }
        | Event::Held { .. }
        | Event::Released
        | Event::GivenUp { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::Frozen { .. }
        | Event::Thawed
        | Event::Shifted { .. }
        | Event::InEffect { .. } => Scope::Own,
        Event::TargetStarted { target, .. }
        | Event::EventStarted { target, .. }
        | Event::EventEnded { target, .. }
        | Event::TargetEnded { target, .. }
        | Event::ContactLost { target }
        | Event::ContactRegained { target } => Scope::Target(target.clone()),
        Event::StopRequested { .. } if deliberate(Bug::StopChangesNothing) => Scope::Nothing,
        Event::Recovered
        | Event::StopRequested { .. }
        | Event::Alarmed { .. }
        | Event::TimedOut
        | Event::Ended { .. } => Scope::Everything,
        // These begin nothing and end nothing by themselves.
        Event::Halted { .. }
        | Event::Retried { .. }
        | Event::Excluded { .. }
        | Event::ChosenNext { .. }
        | Event::Continued { .. }
        | Event::RolledBack { .. } => Scope::Nothing,
    }
}

fn pending_in(deployment: &Deployment, scope: &Scope) -> WorkSet {
    let mut works = WorkSet::new();
    match scope {
        Scope::Nothing => {}
        Scope::Own => add_own(deployment, &mut works),
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

fn add_own(deployment: &Deployment, works: &mut WorkSet) {
    use crate::model::deployment::DeploymentStatus::{Created, Queued};
    let id = deployment.id();
    if let Some((asked, until)) = deployment.fleet_work() {
        let work = match asked {
            Asked::Provision => WorkId::Provision(id.clone()),
            Asked::Terminate => WorkId::Terminate(id.clone()),
        };
        insert(works, work, None);
        insert(works, WorkId::Timer(id.clone(), until), None);
    }
    match deployment.status {
        Created | Queued if deployment.is_approved(Step::Start) => {
            insert(works, WorkId::Admit(id.clone()), None);
        }
        status if status.is_running() && !deployment.is_ceasing() => {
            // While it is paused or held its time does not run, nor that in which it waits for an operator.
            let runs = deployment.frozen_since.is_none();
            let due = deployment.due.filter(|_| runs);
            let own = deployment.next_timer().filter(|_| deployment.timer_runs());
            for at in due.into_iter().chain(own) {
                insert(works, WorkId::Timer(id.clone(), at), None);
            }
        }
        _ => {}
    }
}

/// Whether an execution ought to run, or to stop: not one that is over, also if its target is being tried again by now.
pub fn wants(deployment: &Deployment, execution: &ExecutionId, target: &Name) -> bool {
    deployment.target(target).is_some_and(|target| {
        target.execution.as_ref() == Some(execution) && !target.status.is_terminal()
    })
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
    if deployment.is_ceasing() && deliberate(Bug::HaltNotPending) {
    } else if deployment.is_ceasing() {
        insert(works, WorkId::Halt(execution.clone()), name.clone());
    } else {
        insert(works, WorkId::Run(execution.clone()), name.clone());
    }
    if let Some(deadline) = target.deadline(&deployment.spec.limits) {
        insert(works, WorkId::Deadline(execution.clone(), deadline), name);
    }
}

fn insert(works: &mut WorkSet, id: WorkId, target: Option<Name>) {
    works.insert(id.clone(), Work { id, target });
}
