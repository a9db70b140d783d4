//! Which trigger events an entry of a deployment's journal is (domain.md §11). Who is told, and in which words, is decided
//! elsewhere.

use super::deployment::Deployment;
use super::event::{Event, Record};
use super::plan::Stage;
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::group::TriggerEvent;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;

/// Something that happened to a deployment, or to one of its targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub event: TriggerEvent,
    /// To which target; none if it happened to the whole deployment.
    pub target: Option<Name>,
}

/// What there is to tell about an entry, given the deployment with that entry folded in. A target that is tried again
/// starts and ends again.
pub fn notices(after: &Deployment, record: &Record) -> Vec<Notice> {
    let (event, target) = match &record.event {
        Event::Started => (Some(TriggerEvent::DeploymentStart), None),
        Event::Ended { status, .. } => (ended(*status), None),
        Event::RolledBack {
            deployment: Some(_),
            ..
        } => (Some(TriggerEvent::DeploymentRollback), None),
        Event::EventStarted { target, .. } if is_first(after, target) => {
            (Some(TriggerEvent::InstanceStart), Some(target))
        }
        Event::TargetEnded { target, status, .. } => {
            let event = target_ended(*status);
            let quiet = *status == TargetStatus::Ready && !gets_ready(after, target);
            (event.filter(|_| !quiet), Some(target))
        }
        Event::StageStarted { stage } if is_ready(after, *stage) => {
            (Some(TriggerEvent::DeploymentReady), None)
        }
        Event::Created { .. }
        | Event::Queued { .. }
        | Event::Recovered
        | Event::StageStarted { .. }
        | Event::Provisioned { .. }
        | Event::TaskSetCreated { .. }
        | Event::Terminated { .. }
        | Event::TargetStarted { .. }
        | Event::EventStarted { .. }
        | Event::EventEnded { .. }
        | Event::ContactLost { .. }
        | Event::ContactRegained { .. }
        | Event::Halted { .. }
        | Event::Held { .. }
        | Event::Released
        | Event::GivenUp { .. }
        | Event::Paused { .. }
        | Event::Resumed { .. }
        | Event::Frozen { .. }
        | Event::Thawed
        | Event::Retried { .. }
        | Event::Excluded { .. }
        | Event::ChosenNext { .. }
        | Event::Continued { .. }
        | Event::Approved { .. }
        | Event::Shifted { .. }
        | Event::InEffect { .. }
        | Event::StopRequested { .. }
        | Event::Alarmed { .. }
        | Event::TimedOut
        | Event::RolledBack {
            deployment: None, ..
        } => (None, None),
    };
    let notice = event.map(|event| Notice {
        event,
        target: target.cloned(),
    });
    notice.into_iter().collect()
}

fn ended(status: DeploymentStatus) -> Option<TriggerEvent> {
    match status {
        DeploymentStatus::Succeeded => Some(TriggerEvent::DeploymentSuccess),
        DeploymentStatus::Failed => Some(TriggerEvent::DeploymentFailure),
        DeploymentStatus::Stopped => Some(TriggerEvent::DeploymentStop),
        _ => None,
    }
}

fn target_ended(status: TargetStatus) -> Option<TriggerEvent> {
    match status {
        TargetStatus::Succeeded => Some(TriggerEvent::InstanceSuccess),
        TargetStatus::Failed => Some(TriggerEvent::InstanceFailure),
        TargetStatus::Ready => Some(TriggerEvent::InstanceReady),
        _ => None,
    }
}

/// Whether the replacement is ready when this stage begins: what there was to do for that is done, and it gets its traffic
/// next.
fn is_ready(after: &Deployment, stage: usize) -> bool {
    let stages = &after.plan.stages;
    let before = stage.checked_sub(1).and_then(|before| stages.get(before));
    let comes = stages.get(stage);
    let reroutes = matches!(
        comes,
        Some(Stage::Wait { .. } | Stage::Approval | Stage::Enter { .. } | Stage::Hook { .. })
    );
    before.is_some_and(prepares) && reroutes && !comes.is_some_and(prepares)
}

/// Whether a target that has come to its next stage gets its traffic there, and has not got it yet.
fn gets_ready(after: &Deployment, target: &Name) -> bool {
    let Some(target) = after.target(target) else {
        return false;
    };
    let is_made_ready = |stage: usize| after.plan.stages.get(stage).is_some_and(prepares);
    let stages = target.events.iter().map(|entry| entry.stage);
    let before = stages.filter(|stage| *stage < target.stage).max();
    before.is_some_and(is_made_ready) && !is_made_ready(target.stage)
}

/// Whether the replacement is made ready in a stage.
fn prepares(stage: &Stage) -> bool {
    match stage {
        Stage::Install { .. } | Stage::CreateTaskSet { .. } | Stage::TestTraffic { .. } => true,
        Stage::Hook { event, .. } => *event < LifecycleEvent::BeforeAllowTraffic,
        _ => false,
    }
}

/// Whether no other event of this attempt at the target has begun.
fn is_first(after: &Deployment, target: &Name) -> bool {
    after.target(target).is_some_and(|target| {
        let begun = target
            .events
            .iter()
            .filter(|entry| entry.status != EventStatus::Pending);
        begun.count() == 1
    })
}
