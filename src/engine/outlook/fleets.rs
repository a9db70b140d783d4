//! What a deployment waits for that fleets or a service work for, and what comes then.

use super::{Awaited, Outlook, Then, Wait, begun};
use crate::engine::ahead::Ahead;
use crate::engine::deployment::Deployment;
use crate::engine::event::Event;
use crate::engine::plan::Stage;
use crate::engine::provision;
use crate::engine::words::instances;
use crate::model::timestamp::{Timestamp, Whole};

/// What it waits for, if that is a fleet, or a service that deletes a task set.
pub(super) fn wait(deployment: &Deployment) -> Option<Wait> {
    let (_, until) = deployment.fleet_work()?;
    let what = match deployment.current_stage()? {
        Stage::Provision { count, .. } if deployment.provisioned => {
            Awaited::Agents { count: *count }
        }
        Stage::Provision { fleet, count } => Awaited::Provision {
            fleet: fleet.clone(),
            count: *count,
        },
        Stage::Terminate { targets } => Awaited::Termination {
            count: u32::try_from(targets.len()).unwrap_or(u32::MAX),
        },
        Stage::DeleteTaskSet { side } => Awaited::Deletion { side: *side },
        _ => return None,
    };
    Some(Wait {
        what,
        since: deployment.stage_time,
        until: Some(until),
    })
}

/// What comes when that work was done well. Which instances start is not known before.
pub(super) fn then(deployment: &Deployment, now: Timestamp) -> Then {
    let mut ahead = Ahead::new(deployment, now);
    let mut events = Vec::new();
    while let Some(told) = provision::expected(&ahead.deployment) {
        let caused = ahead.input(&told);
        if caused.is_empty() {
            break;
        }
        events.extend(caused);
    }
    events.retain(|event| matches!(event, Event::StageStarted { .. } | Event::Ended { .. }));
    let stage = events.iter().rev().find_map(|event| match event {
        Event::StageStarted { stage } => {
            let stage = ahead.deployment.plan.stages.get(*stage)?;
            Some(begun(&ahead.deployment, stage))
        }
        _ => None,
    });
    Then {
        events,
        stage,
        ..Then::default()
    }
}

impl Outlook {
    /// `web to provision 2 instances, 12 s of 1h`
    pub(super) fn fleet(&self) -> Option<String> {
        let (text, wait) = self.waits.iter().find_map(|wait| {
            let text = match &wait.what {
                Awaited::Provision { fleet, count } => {
                    format!("{fleet} to provision {}", instances(*count))
                }
                Awaited::Agents { count } => {
                    format!("the agents of {} to report", instances(*count))
                }
                Awaited::Termination { count } => {
                    format!("{} of the original to be terminated", instances(*count))
                }
                Awaited::Deletion { side } => {
                    format!("the {} task set to be deleted", side.label())
                }
                _ => return None,
            };
            Some((text, wait))
        })?;
        let (since, until) = (wait.since?, wait.until?);
        let (took, limit) = (self.now.since(since), until.since(since));
        Some(format!("{text}, {} of {}", Whole(took), Whole(limit)))
    }
}
