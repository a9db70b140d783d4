//! What a deployment waits for, and what comes then: computed by the scheduler itself, so that it is what will happen.
//!
//! Before the end there is always something that it waits for: a deployment that waits for nothing never ends.

mod fleets;
mod words;

use serde::Serialize;

use super::ahead::expected;
use super::approval::Approvals;
use super::decide::{admit, has_failed};
use super::deployment::{Deployment, StopRequest, Target, Wish};
use super::event::Event;
use super::plan::{Before, Stage};
use super::rollback;
pub use super::schedule::Needed;
use super::schedule::Steps;
use super::words::instances;
use crate::model::deployment::{DeploymentStatus, ErrorInformation, TargetStatus};
use crate::model::freeze::Freeze;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::timestamp::{Timestamp, Whole};
use crate::model::traffic::{Side, Split};

/// How many targets in flight are named at most.
pub const NAMED: usize = 16;

/// What a deployment waits for, and what comes then. Its `Display` is one line for people. What operators and hosts wrote
/// is in it as they wrote it: make it safe before it reaches a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// When this is so.
    pub now: Timestamp,
    /// How it stands as a whole.
    pub standing: Standing,
    /// What it waits for; empty only when it has ended. Hosts that are not heard of come first, and at most [`NAMED`]
    /// targets are named.
    pub waits: Vec<Wait>,
    /// How many targets are in flight, with those that are not named.
    pub in_flight: u32,
    /// How many may be in flight: in the zone that is deployed to, where there are zones.
    pub concurrency: u32,
    /// Why nothing starts although more could be in flight.
    pub needed: Option<Needed>,
    /// What comes when it has what it waits for.
    pub then: Then,
    /// When it must have ended; `None` while that time does not run.
    pub due: Option<Timestamp>,
    /// What gets its traffic, within a sentence.
    pub replacement: String,
}

/// How a deployment stands as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum Standing {
    /// It has not begun.
    Queued {
        /// What for, in a sentence, if it was said.
        message: Option<String>,
    },
    /// It goes on as soon as other people have approved it.
    Unapproved(Approvals),
    /// It goes on by itself.
    Runs,
    /// Somebody paused it.
    Paused(Wish),
    /// It is in a freeze.
    Frozen(Freeze),
    /// Failures would have ended it, and it waits for an operator.
    Holds {
        /// What would have ended it.
        error: ErrorInformation,
        /// Since when.
        since: Option<Timestamp>,
        /// What can be tried again, in the order of deployment; at most [`NAMED`].
        failed: Vec<Name>,
        /// Who paused it besides.
        paused: Option<Wish>,
    },
    /// It ends as soon as nothing is in flight.
    Ending {
        /// Why.
        error: ErrorInformation,
    },
    /// Somebody stops it: running events finish, nothing new starts.
    Stopping(StopRequest),
    /// Its alarms stop it: running events finish, nothing new starts.
    Alarmed {
        /// Which, and what is known of them.
        message: String,
    },
    /// It took too long: running events finish, nothing new starts.
    TimedOut,
    /// It is over.
    Over {
        /// How it ended.
        status: DeploymentStatus,
        /// Why.
        error: Option<ErrorInformation>,
        /// What became of its rollback, in a sentence.
        rollback: Option<String>,
    },
}

/// Something that a deployment waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What.
    #[serde(flatten)]
    pub what: Awaited,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Until when at the latest; `None` if it can last.
    pub until: Option<Timestamp>,
}

/// What can be waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "what",
    rename_all_fields = "camelCase"
)]
pub enum Awaited {
    /// A place among the deployments that run.
    Admission,
    /// A host that works.
    Target {
        /// Which.
        name: Name,
        /// What its host does.
        doing: Doing,
        /// Since when nothing is heard of it. It is given up at [`Wait::until`].
        silent_since: Option<Timestamp>,
    },
    /// A fleet that provisions the replacement.
    Provision {
        /// Which fleet.
        fleet: String,
        /// How many instances.
        count: u32,
    },
    /// The agents of instances that were provisioned.
    Agents {
        /// How many instances.
        count: u32,
    },
    /// Fleets that terminate the original.
    Termination {
        /// How many instances.
        count: u32,
    },
    /// A service that deletes a task set.
    Deletion {
        /// Which.
        side: Side,
    },
    /// The end of the time in which a zone is watched.
    Monitor {
        /// Which zone.
        zone: String,
    },
    /// Somebody who says that it need not wait, or the end of that time.
    Continue {
        /// What comes then.
        before: Before,
    },
    /// People who approve what comes next.
    Approval(Approvals),
    /// Load balancers that give the replacement a share, or the end of the time for which it keeps that.
    Shift {
        /// The split that they were asked for.
        asked: Split,
        /// Whether all of them have it in effect.
        in_effect: bool,
    },
    /// Somebody who lets a paused one go on.
    Resume,
    /// The end of a freeze.
    Thaw,
    /// Somebody who decides what becomes of one that holds.
    Decision,
}

/// What a host does for a target in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "doing", content = "event")]
pub enum Doing {
    /// It runs this event.
    Runs(LifecycleEvent),
    /// It is about to start this event.
    Begins(LifecycleEvent),
    /// An event has failed, or the last one has ended: it has only to say that it is done.
    Finishes,
}

/// What comes when a deployment has what it waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Then {
    /// How many of the targets in flight have to end before it comes. Those that have not failed succeed.
    pub after: u32,
    /// Which ones, in this order, where it matters which.
    pub these: Vec<Name>,
    /// What is decided then; nothing if an operator has to say something first.
    pub events: Vec<Event>,
    /// The stage that begins then, in words.
    pub stage: Option<String>,
    /// Whether the deployment has one target, so that nobody asks with which a stage begins.
    #[serde(skip)]
    pub alone: bool,
    /// The label of the revision that is rolled back to after that.
    pub rolls_back_to: Option<String>,
}

/// What the deployment waits for at this time, and what comes then. The cost grows with the number of targets in flight
/// alone.
pub fn outlook(deployment: &Deployment, now: Timestamp) -> Outlook {
    let standing = standing(deployment);
    let runs = standing == Standing::Runs;
    let mut steps = Steps::new(deployment, now);
    Outlook {
        now,
        waits: waits(deployment),
        in_flight: deployment.fleet.in_flight,
        concurrency: match deployment.current_stage().and_then(Stage::work) {
            Some(work) => work.window.concurrency,
            None => deployment.plan.window.map_or(0, |w| w.concurrency),
        },
        needed: if runs { steps.needed() } else { None },
        replacement: deployment.spec.side_named(Side::Green),
        then: then(deployment, now),
        due: deployment
            .due
            .filter(|_| !deployment.status.is_terminal() && deployment.frozen_since.is_none()),
        standing,
    }
}

fn standing(deployment: &Deployment) -> Standing {
    use DeploymentStatus::{Created, Queued};
    if deployment.status.is_terminal() {
        return Standing::Over {
            status: deployment.status,
            error: deployment.error.clone(),
            rollback: deployment.rollback.as_ref().map(|r| r.message.clone()),
        };
    }
    // What stops it first says how it ends, and what an operator asks after that changes the rollback alone.
    if let Some(message) = &deployment.alarmed {
        return Standing::Alarmed {
            message: message.clone(),
        };
    }
    if let Some(stop) = &deployment.stop {
        return Standing::Stopping(stop.clone());
    }
    if deployment.timed_out {
        return Standing::TimedOut;
    }
    if let Some(error) = &deployment.halted {
        return Standing::Ending {
            error: error.clone(),
        };
    }
    if let Some(error) = &deployment.held {
        let failed = deployment
            .targets
            .iter()
            .filter(|target| matches!(target.status, TargetStatus::Failed | TargetStatus::Unknown));
        return Standing::Holds {
            error: error.clone(),
            since: deployment.frozen_since,
            failed: failed.take(NAMED).map(|t| t.name.clone()).collect(),
            paused: deployment.paused.clone(),
        };
    }
    if let Some(wish) = &deployment.paused {
        return Standing::Paused(wish.clone());
    }
    if let Some(freeze) = &deployment.frozen {
        return Standing::Frozen(freeze.clone());
    }
    if let Some(approvals) = deployment.awaits_approval()
        && !deployment.awaits_word()
    {
        return Standing::Unapproved(approvals);
    }
    if matches!(deployment.status, Created | Queued) {
        return Standing::Queued {
            message: deployment.queued.clone(),
        };
    }
    Standing::Runs
}

fn waits(deployment: &Deployment) -> Vec<Wait> {
    let mut waits = Vec::new();
    if deployment.status.is_terminal() {
        return waits;
    }
    let approvals = deployment.awaits_approval();
    if matches!(
        deployment.status,
        DeploymentStatus::Created | DeploymentStatus::Queued
    ) && approvals.is_none()
    {
        waits.push(Wait {
            what: Awaited::Admission,
            since: Some(deployment.create_time),
            until: None,
        });
    }
    let running = |silent| {
        let targets = deployment.running();
        targets.filter(move |target| target.silent_since.is_some() == silent)
    };
    let named = running(true).chain(running(false)).take(NAMED);
    waits.extend(named.map(|target| wait_for(deployment, target)));
    waits.extend(fleets::wait(deployment));
    let going_on = !deployment.is_ceasing() && deployment.halted.is_none();
    if let (Some(stage), Some(until)) = (deployment.current_stage(), deployment.monitor_ends())
        && let Stage::Monitor { zone, .. } = stage
        && going_on
    {
        waits.push(Wait {
            what: Awaited::Monitor { zone: zone.clone() },
            since: deployment.stage_time,
            until: Some(until),
        });
    }
    let frozen = deployment.frozen_since.is_some();
    if let Some(approvals) = approvals {
        let asked = deployment.continued.as_ref().map(|wish| wish.at);
        waits.push(Wait {
            what: Awaited::Approval(approvals),
            since: asked
                .or(deployment.stage_time)
                .or(Some(deployment.create_time)),
            until: deployment
                .wait_ends()
                .map(|(_, until)| until)
                .filter(|_| !frozen),
        });
    }
    if let Some((before, until)) = deployment.wait_ends()
        && deployment.continued.is_none()
        && going_on
    {
        waits.push(Wait {
            what: Awaited::Continue { before },
            since: deployment.stage_time,
            until: deployment.frozen_since.is_none().then_some(until),
        });
    }
    if let (Some(_), Some(shift)) = (deployment.shifting(), deployment.shift)
        && going_on
    {
        let next = deployment.next_shift().map(|(_, at)| at);
        waits.push(Wait {
            what: Awaited::Shift {
                asked: shift.asked,
                in_effect: shift.since.is_some(),
            },
            since: shift.since.or(Some(shift.at)),
            until: next.filter(|_| deployment.frozen_since.is_none()),
        });
    }
    if going_on && deployment.held.is_some() {
        waits.push(Wait {
            what: Awaited::Decision,
            since: deployment.frozen_since,
            until: None,
        });
    }
    if going_on && let Some(wish) = &deployment.paused {
        waits.push(Wait {
            what: Awaited::Resume,
            since: Some(wish.at),
            until: None,
        });
    }
    if going_on && let Some(freeze) = &deployment.frozen {
        waits.push(Wait {
            what: Awaited::Thaw,
            since: Some(freeze.at),
            until: Some(freeze.until),
        });
    }
    waits
}

fn wait_for(deployment: &Deployment, target: &Target) -> Wait {
    let limits = &deployment.spec.limits;
    let pending = || {
        let mut events = target.events.iter();
        events.find(|entry| entry.status == EventStatus::Pending)
    };
    let (doing, limit) = if let Some(entry) = target.running() {
        (Doing::Runs(entry.event), target.event_limit(limits))
    } else if has_failed(deployment, target) {
        (Doing::Finishes, limits.pick_up())
    } else if let Some(entry) = pending() {
        (Doing::Begins(entry.event), limits.pick_up())
    } else {
        (Doing::Finishes, limits.pick_up())
    };
    Wait {
        what: Awaited::Target {
            name: target.name.clone(),
            doing,
            silent_since: target.silent_since,
        },
        // By this program's clock: that of the host may be another.
        since: target.due.map(|due| due - limit),
        until: target.deadline(limits),
    }
}

/// What the scheduler does when the targets in flight end one after the other, up to the first time that it does anything.
fn then(deployment: &Deployment, now: Timestamp) -> Then {
    use DeploymentStatus::{Created, Queued};
    let mut then = match deployment.status {
        status if status.is_terminal() => Then::default(),
        Created | Queued => Then {
            events: begun_now(deployment, now),
            ..Then::default()
        },
        _ if deployment.fleet_work().is_some() => return fleets::then(deployment, now),
        _ => after_targets(deployment, now),
    };
    then.stage = then.events.iter().rev().find_map(|event| match event {
        Event::StageStarted { stage } => {
            let stage = deployment.plan.stages.get(*stage)?;
            Some(begun(deployment, stage))
        }
        _ => None,
    });
    then.alone = deployment.targets.len() == 1;
    if deployment.start_time.is_none() && !deployment.spec.is_on_hosts() {
        // What is done first says more than to what.
        let first = deployment.current_stage();
        let first = first.filter(|stage| stage.work().is_some() && !then.events.is_empty());
        then.stage = first.map(|stage| begun(deployment, stage));
    }
    then.rolls_back_to = then.events.iter().find_map(|event| match event {
        Event::Ended { status, .. } => {
            let goal = if deployment.spec.is_blue_green() {
                rollback::way_back(deployment).ok()?;
                rollback::ORIGINAL
            } else {
                &deployment.spec.previous_revision.as_ref()?.label
            };
            rollback::follows(deployment, *status).then(|| goal.to_owned())
        }
        _ => None,
    });
    then
}

impl Deployment {
    /// What one of its stages is called: on the way back it is the replacement that leaves.
    pub fn stage_label(&self, stage: &Stage) -> String {
        match stage {
            Stage::Leave { .. } if self.spec.rolls_back.is_some() => "drain replacement".to_owned(),
            _ => stage.label(),
        }
    }
}

/// What happens when it is admitted, with everybody's approval.
fn begun_now(deployment: &Deployment, now: Timestamp) -> Vec<Event> {
    if deployment.frozen.is_some() {
        return Vec::new();
    }
    let mut steps = Steps::new(deployment, now);
    admit(&mut steps);
    steps.events
}

/// A stage that begins, in words.
fn begun(deployment: &Deployment, stage: &Stage) -> String {
    let label = deployment.stage_label(stage);
    match stage {
        Stage::Enter { .. } if !deployment.spec.is_on_hosts() => label,
        Stage::Enter { targets, .. }
        | Stage::Validate { targets, .. }
        | Stage::Leave { targets, .. } => {
            let n = instances(u32::try_from(targets.len()).unwrap_or(u32::MAX));
            format!("{label} ({n})")
        }
        Stage::Wait { minutes, .. } => format!(
            "{label} ({})",
            Whole(std::time::Duration::from_secs(60 * u64::from(*minutes)))
        ),
        Stage::Hook { hook, .. } => format!("{label} ({hook})"),
        Stage::Shift { .. } | Stage::Approval => label,
        Stage::CreateTaskSet { .. } => "the replacement task set is created".to_owned(),
        Stage::TestTraffic { .. } => {
            let back = deployment.spec.goes_back();
            let side = if back { Side::Blue } else { Side::Green };
            format!("{label} to the {}", side.label())
        }
        Stage::DeleteTaskSet { side } => format!("the {} task set is deleted", side.label()),
        Stage::Provision { fleet, count } => format!("{fleet} provisions {}", instances(*count)),
        Stage::Terminate { targets } => {
            let n = instances(u32::try_from(targets.len()).unwrap_or(u32::MAX));
            format!("{n} of the original are terminated")
        }
        Stage::Install { zone, targets, .. } => {
            let n = instances(u32::try_from(targets.len()).unwrap_or(u32::MAX));
            match zone {
                Some(zone) => format!("zone {zone} ({n})"),
                None => n,
            }
        }
        Stage::Monitor { zone, seconds } => format!(
            "zone {zone} is watched for {}",
            Whole(std::time::Duration::from_secs(*seconds))
        ),
    }
}

fn after_targets(deployment: &Deployment, now: Timestamp) -> Then {
    let mut steps = Steps::new(deployment, now);
    let mut ended: u32 = 0;
    for target in deployment.running() {
        steps.end_target(target, expected(deployment, target), None, false);
        steps.schedule();
        ended += 1;
        if steps.events.len() > ended as usize {
            break;
        }
    }
    if let Some(shift) = deployment.shift {
        steps.take_for_granted(shift.asked);
    }
    if let Some(Stage::Approval) = deployment.current_stage() {
        steps.unapproved = 0;
        steps.schedule();
    }
    if steps.events.len() == ended as usize {
        // A share that is not in effect yet gets its time from then on.
        let granted = deployment
            .shifting()
            .map(|schedule| now + deployment.spec.limits.shift_minutes(schedule.minutes));
        let at = deployment.next_timer().or(granted);
        steps.now = at.map_or(now, |at| now.max(at));
        steps.schedule();
    }
    let mut events = steps.events;
    events.retain(|event| !matches!(event, Event::TargetEnded { .. }));
    let starts = !deployment.is_ceasing() && deployment.halted.is_none();
    let these = if starts && !alike(deployment) {
        let first = deployment.running().take(ended as usize);
        first.map(|target| target.name.clone()).collect()
    } else {
        Vec::new()
    };
    Then {
        after: ended,
        these,
        events,
        ..Then::default()
    }
}

/// Whether it makes no difference which of the targets in flight ends first.
fn alike(deployment: &Deployment) -> bool {
    let mut kinds = deployment.running().map(|target| {
        (
            target.stage,
            target.lost.is_some(),
            expected(deployment, target),
        )
    });
    let first = kinds.next();
    kinds.all(|kind| Some(kind) == first)
}
