//! What a command would do: it is carried out on a copy, which is run ahead with hosts that do their work well.

mod words;

use serde::Serialize;

use super::ahead::Ahead;
use super::availability::{Refusal, refusal};
use super::deployment::{Deployment, Target};
use super::event::Event;
use super::input::{Command, Input, What};
use super::outlook::{Standing, outlook};
use super::plan::Stage;
use super::rollback;
use super::tally::Tally;
use super::window::Window;
use crate::model::deployment::{DeploymentStatus, ErrorInformation, TargetStatus};
use crate::model::name::Name;
use crate::model::revision::Revision;
use crate::model::timestamp::Timestamp;

/// What a command would do, in numbers. Its `Display` is one line; [`Foreseen::at_once`], [`Foreseen::arithmetic`] and
/// [`Foreseen::in_the_end`] are its parts, each one a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Foreseen {
    /// The command.
    pub what: What,
    /// What is decided at once; nothing if it changes nothing.
    pub events: Vec<Event>,
    /// What is in flight before it.
    pub running: Vec<Name>,
    /// The revision that is deployed.
    pub label: String,
    /// How many approvals are missing after it.
    pub unapproved: u32,
    /// What has to become of it besides before it goes on, after it: `resumed`, `thawed`.
    pub kept_until: Option<String>,
    /// Whether somebody has to say after it that traffic may move.
    pub awaits_word: bool,
    /// What the minimum allows after it: that of the fleet, before it that of the target's zone if it has one.
    pub sums: Vec<Sum>,
    /// How it ends if every host does its work well from now on and nobody says anything more.
    pub end: End,
}

/// The arithmetic of the minimum of a fleet or a zone (configurations.md §4.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sum {
    /// Which zone; `None` for the whole fleet.
    pub zone: Option<String>,
    /// How many instances are, or can still become, healthy.
    pub can_be_healthy: u32,
    /// Of how many.
    pub total: u32,
    /// While instances wait: more than this many must.
    pub floor: u32,
    /// In the end: at least this many must.
    pub minimum: u32,
    /// Whether instances are left that never started.
    pub waiting: bool,
}

/// How a deployment ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// Its status; not a final one if it waits for an operator.
    pub status: DeploymentStatus,
    /// Why it does not succeed, or what it holds for.
    pub error: Option<ErrorInformation>,
    /// What it waits for, if it has not ended.
    pub waits: Option<String>,
    /// Instances on the revision that is deployed.
    pub succeeded: u32,
    /// Instances that failed.
    pub failed: u32,
    /// Instances that end half way.
    pub interrupted: u32,
    /// Instances that never start: they keep what they have.
    pub untouched: u32,
    /// What follows, if a rollback is asked for or configured.
    pub rollback: Option<RollsBack>,
}

/// The rollback that follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum RollsBack {
    /// It deploys this revision.
    To {
        /// Its label.
        label: String,
    },
    /// It is wanted, and no revision is there to go back to.
    Nowhere,
}

/// What a command would do to this deployment at this time. `target_revision` is the group's
/// ([`Ledger::target_revision`](super::Ledger)): what a rollback goes back to. The cost grows with the number of targets.
///
/// # Errors
/// Why it is refused.
pub fn foresee(
    deployment: &Deployment,
    command: &Command,
    now: Timestamp,
    target_revision: Option<&Revision>,
) -> Result<Foreseen, Refusal> {
    if let Some(refusal) = refusal(deployment, command) {
        return Err(refusal);
    }
    let mut ahead = Ahead::new(deployment, now);
    let events = ahead.input(&Input::Command(command.clone()));
    let sums = sums(&ahead.deployment, command.what.target());
    let unapproved = ahead.deployment.next_approval();
    let unapproved = unapproved.map_or(0, |step| ahead.deployment.missing(step));
    let kept_until = ahead.deployment.kept_until();
    let awaits_word = ahead.deployment.awaits_word();
    ahead.run();
    Ok(Foreseen {
        what: command.what.clone(),
        events,
        running: deployment.running().map(|t| t.name.clone()).collect(),
        label: deployment.spec.revision.label.clone(),
        unapproved,
        kept_until,
        awaits_word,
        sums,
        end: end(&ahead, target_revision),
    })
}

fn sums(deployment: &Deployment, target: Option<&Name>) -> Vec<Sum> {
    let sum = |zone: Option<String>, tally: &Tally, window: &Window| Sum {
        zone,
        can_be_healthy: tally.can_be_healthy(),
        total: tally.total,
        floor: window.floor,
        minimum: window.minimum_healthy,
        waiting: tally.fresh() > 0,
    };
    let place = target
        .and_then(|name| deployment.target(name))
        .map(|t| t.stage);
    let zone = place.and_then(|place| match deployment.plan.stages.get(place)? {
        Stage::Install {
            zone: Some(zone),
            window,
            ..
        } => Some(sum(Some(zone.clone()), &deployment.stages[place], window)),
        _ => None,
    });
    let fleet = deployment.plan.window.as_ref();
    let fleet = fleet.map(|window| sum(None, &deployment.fleet, window));
    zone.into_iter().chain(fleet).collect()
}

/// How the copy stands when nothing happens by itself any more.
pub(super) fn end(ahead: &Ahead, target_revision: Option<&Revision>) -> End {
    let deployment = &ahead.deployment;
    let count = |which: fn(&Target) -> bool| {
        let n = deployment.targets.iter().filter(|t| which(t)).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    let over = deployment.status.is_terminal();
    let begun = deployment.start_time.is_some();
    let back = !deployment.spec.is_blue_green() || rollback::way_back(deployment).is_ok();
    let follows = over && begun && back && rollback::wanted(deployment);
    End {
        status: deployment.status,
        error: deployment.error.clone().or_else(|| deployment.held.clone()),
        waits: (!over).then(|| match outlook(deployment, ahead.now).standing {
            Standing::Holds { .. } => "somebody to retry, give up or stop".to_owned(),
            Standing::Paused(wish) => {
                let besides = besides(deployment);
                format!("somebody to resume it{besides}: {} paused it", wish.by)
            }
            Standing::Frozen(freeze) => {
                let besides = besides(deployment);
                format!(
                    "the end of a freeze{besides}: {} ordered it: {}",
                    freeze.by, freeze.why
                )
            }
            Standing::Unapproved(approvals) => {
                format!("approval of the {}: {approvals}", approvals.step)
            }
            _ => "nothing".to_owned(),
        }),
        succeeded: deployment.overview.succeeded,
        failed: deployment.overview.failed,
        interrupted: count(|t| t.status == TargetStatus::Skipped && t.attempt > 0),
        untouched: count(|t| t.attempt == 0),
        rollback: follows.then(|| match target_revision {
            _ if deployment.spec.is_blue_green() => RollsBack::To {
                label: rollback::ORIGINAL.to_owned(),
            },
            Some(revision) => RollsBack::To {
                label: revision.label.clone(),
            },
            None => RollsBack::Nowhere,
        }),
    }
}

/// The approvals that are missing besides: ` and approval of the start (0 of 1)`.
fn besides(deployment: &Deployment) -> String {
    let approvals = deployment.awaits_approval();
    approvals.map_or_else(String::new, |approvals| {
        let far = format!("{} of {}", approvals.by.len(), approvals.wanted);
        format!(" and approval of the {} ({far})", approvals.step)
    })
}
