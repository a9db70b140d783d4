//! Which trigger events an entry of a deployment's journal is (domain.md §11). Who is told, and in which words, is decided
//! elsewhere.

use super::deployment::Deployment;
use super::event::{Event, Record};
use super::plan::Stage;
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::group::TriggerEvent;
use crate::model::lifecycle::EventStatus;
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
        Event::TargetEnded { target, status, .. } => (target_ended(*status), Some(target)),
        Event::StageStarted { stage } if follows_installation(after, *stage) => {
            (Some(TriggerEvent::DeploymentReady), None)
        }
        Event::Created { .. }
        | Event::Queued { .. }
        | Event::Recovered
        | Event::StageStarted { .. }
        | Event::Provisioned { .. }
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

/// Whether all replacements are ready when this stage begins: they were installed, and get their traffic next.
fn follows_installation(after: &Deployment, stage: usize) -> bool {
    let stages = &after.plan.stages;
    let before = stage.checked_sub(1).and_then(|before| stages.get(before));
    let rest = stages.get(stage..).unwrap_or_default();
    matches!(before, Some(Stage::Install { .. }))
        && matches!(
            rest.first(),
            Some(Stage::Wait { .. } | Stage::Approval | Stage::Enter { .. })
        )
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
