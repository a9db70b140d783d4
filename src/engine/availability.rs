//! Whether a command can be carried out now, and if not, why: the same answer for every door.

use super::approval;
use super::deliberate::{Bug, deliberate};
use super::deployment::{Deployment, Target};
use super::input::{Command, What};
use super::plan::Before;
use super::schedule::Steps;
use crate::model::deployment::{DeploymentStatus, TargetStatus};
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The deployment is over.
    #[error("{id} has already ended: {status} (DeploymentAlreadyCompletedException)")]
    AlreadyCompleted {
        /// Which deployment.
        id: String,
        /// How it ended.
        status: DeploymentStatus,
    },
    /// Somebody decided something that the operator did not see.
    #[error("{id} has changed since you looked: look again, then decide")]
    Changed {
        /// Which deployment.
        id: String,
    },
    /// There is no such target.
    #[error("{target} is no instance of {id}")]
    NoTarget {
        /// What was asked for.
        target: Name,
        /// Which deployment.
        id: String,
    },
    /// Not every replacement instance is ready, or it is rerouted already.
    #[error("{id} does not wait for the reroute (DeploymentIsNotInReadyStateException)")]
    NotReady {
        /// Which deployment.
        id: String,
    },
    /// What has lost the traffic is being terminated: that can't be taken back.
    #[error(
        "{id} is terminating the {}, which can't be taken back (UnsupportedActionForDeploymentTypeException)",
        side.label()
    )]
    TooLate {
        /// Which deployment.
        id: String,
        /// What goes.
        side: Side,
    },
    /// It makes no sense now.
    #[error("{0}")]
    Now(String),
    /// It would leave too few healthy instances.
    #[error("that would break the minimum: {0}")]
    Minimum(String),
}

impl Refusal {
    /// `CodeDeploy`'s exception, or the nearest it has.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyCompleted { .. } => "DeploymentAlreadyCompletedException",
            Self::NotReady { .. } => "DeploymentIsNotInReadyStateException",
            Self::TooLate { .. } => "UnsupportedActionForDeploymentTypeException",
            Self::NoTarget { .. } => "DeploymentTargetDoesNotExistException",
            Self::Changed { .. } | Self::Now(_) => "InvalidDeploymentStatusException",
            Self::Minimum(_) => "InvalidOperationException",
        }
    }
}

/// Why a command can't be carried out on this deployment; `None` if it can.
pub fn refusal(deployment: &Deployment, command: &Command) -> Option<Refusal> {
    let id = || deployment.id().to_string();
    if deployment.status.is_terminal() {
        return Some(Refusal::AlreadyCompleted {
            id: id(),
            status: deployment.status,
        });
    }
    // Stopping is the way out: it is never refused, but where nothing is left to stop (operations.md §2).
    let stops = matches!(command.what, What::Stop { .. });
    if let Some(side) = deployment.ends().filter(|_| stops) {
        return Some(Refusal::TooLate { id: id(), side });
    }
    if stops && !deliberate(Bug::StopNeedsFreshPicture) {
        return None;
    }
    let old = command.seen.is_some_and(|seen| seen < deployment.decided);
    if old && !deliberate(Bug::OldPictureAccepted) {
        return Some(Refusal::Changed { id: id() });
    }
    if let Some(stop) = &deployment.stop {
        return Some(Refusal::Now(format!("{} is stopping it", stop.by)));
    }
    if let Some(message) = &deployment.alarmed {
        return Some(Refusal::Now(format!("it is being stopped: {message}")));
    }
    if deployment.timed_out {
        return Some(Refusal::Now(
            "its time is over, and it is ending".to_owned(),
        ));
    }
    if let Some(error) = &deployment.halted {
        let message = format!("it is ending: {}", error.message);
        return Some(Refusal::Now(message));
    }
    let moves = matches!(
        command.what,
        What::Continue { .. } | What::Weight { .. } | What::Retry { .. }
    );
    if let Some(frozen) = deployment.frozen_by().filter(|_| moves) {
        return Some(Refusal::Now(format!(
            "{frozen}: wait until it is thawed; stopping and rolling back go on"
        )));
    }
    match &command.what {
        What::Stop { .. } => None,
        What::Pause => deployment
            .paused
            .as_ref()
            .map(|wish| Refusal::Now(format!("{} has paused it already", wish.by))),
        What::Resume if deployment.paused.is_some() => None,
        What::Resume => Some(Refusal::Now("it is not paused".to_owned())),
        What::Continue { before } => continues(deployment, *before),
        What::Approve { step } => approval::refusal(deployment, command, *step),
        What::Weight { split } => weighs(deployment, *split),
        What::GiveUp if deployment.held.is_some() => None,
        What::GiveUp => Some(Refusal::Now(
            "it does not hold: stopping ends one that goes on".to_owned(),
        )),
        What::Retry { target } | What::Skip { target } | What::StartNext { target } => {
            let Some(found) = deployment.target(target) else {
                return Some(Refusal::NoTarget {
                    target: target.clone(),
                    id: id(),
                });
            };
            match &command.what {
                What::Retry { .. } => retry(found),
                What::Skip { .. } => skip(deployment, found),
                _ => start_next(deployment, found),
            }
        }
    }
}

/// Only a wait can be ended, and only the one that was meant.
fn continues(deployment: &Deployment, before: Before) -> Option<Refusal> {
    let waits = deployment.wait_ends().map(|(before, _)| before);
    let alone = deployment.stands_for_approval();
    let asked = deployment.continued.as_ref();
    let message = match (before, asked) {
        (Before::Reroute, _) if alone => {
            let lacks = waits_for(deployment);
            format!("nobody has to reroute it: it goes on by itself as soon as it is {lacks}")
        }
        (Before::Reroute, Some(wish)) if waits == Some(before) => {
            let lacks = waits_for(deployment);
            format!(
                "{} has asked for it: it goes on as soon as it is {lacks}",
                wish.by
            )
        }
        _ if waits == Some(before) => {
            let wish = deployment.paused.as_ref()?;
            format!("{} has paused it: resume it first", wish.by)
        }
        (Before::Reroute, _) => {
            let id = deployment.id().to_string();
            return Some(Refusal::NotReady { id });
        }
        (Before::Termination, _) => "it does not wait to terminate the original".to_owned(),
    };
    Some(Refusal::Now(message))
}

/// What keeps traffic from moving: `resumed`, `approved: 0 of 1, by somebody other than ana`.
fn waits_for(deployment: &Deployment) -> String {
    let mut lacks: Vec<String> = deployment.kept_until().into_iter().collect();
    let approvals = deployment.awaits_approval();
    lacks.extend(approvals.map(|approvals| format!("approved: {}", approvals.by_whom())));
    lacks.join(", and ")
}

/// Shares are set by hand while traffic shifts by weight.
fn weighs(deployment: &Deployment, split: Split) -> Option<Refusal> {
    if deployment.shifting().is_none() {
        let message = match deployment.split() {
            Some(_) => {
                "traffic does not shift now: its share can be set in the stage that shifts it"
            }
            None => {
                "it does not shift traffic by weight: its configuration has no trafficRoutingConfig"
            }
        };
        return Some(Refusal::Now(message.to_owned()));
    }
    let same = deployment.shift.is_some_and(|shift| shift.asked == split);
    same.then(|| {
        let share = split.replacement();
        Refusal::Now(format!("the replacement's share is {share} % already"))
    })
}

fn retry(target: &Target) -> Option<Refusal> {
    let name = &target.name;
    match target.status {
        TargetStatus::Failed | TargetStatus::Unknown => None,
        TargetStatus::Pending if target.attempt > 0 => Some(Refusal::Now(format!(
            "{name} is about to be tried again already"
        ))),
        status => Some(Refusal::Now(format!(
            "only a failed instance can be tried again, and {name} is {status}"
        ))),
    }
}

/// Only what never started can be left out or brought forward.
fn started(target: &Target) -> Option<Refusal> {
    let name = &target.name;
    match target.status {
        TargetStatus::Pending if target.attempt == 0 => None,
        TargetStatus::Pending => Some(Refusal::Now(format!(
            "{name} is about to be tried again: stopping is the way out"
        ))),
        TargetStatus::InProgress => Some(Refusal::Now(format!(
            "{name} has started, and a running script is never cut off"
        ))),
        TargetStatus::Ready => Some(Refusal::Now(format!(
            "{name} has its revision, and waits with the others for its traffic"
        ))),
        status => Some(Refusal::Now(format!("{name} is done: {status}"))),
    }
}

fn held(deployment: &Deployment) -> Option<Refusal> {
    deployment
        .held
        .as_ref()
        .map(|_| Refusal::Now("it holds: retry what failed, give up, or stop".to_owned()))
}

fn skip(deployment: &Deployment, target: &Target) -> Option<Refusal> {
    if let Some(refusal) = started(target).or_else(|| held(deployment)) {
        return Some(refusal);
    }
    let mut steps = Steps::new(deployment, deployment.create_time);
    steps.exclude(deployment.position(&target.name)?);
    let fleet = *steps.fleet();
    if fleet.is_done() && fleet.succeeded == 0 {
        let message = "no instance would be deployed to: stop it instead".to_owned();
        return Some(Refusal::Now(message));
    }
    let broken = steps.broken_minimum(target.stage)?;
    let place = broken
        .set
        .zone
        .map_or_else(String::new, |zone| format!(" in zone {zone}"));
    let must = if broken.set.tally.fresh() > 0 {
        format!("more than {}", broken.set.window.floor)
    } else {
        format!("at least {}", broken.set.window.minimum_healthy)
    };
    Some(Refusal::Minimum(format!(
        "{} is unhealthy, and without it only {} of {}{place} could be healthy while {must} must ({})",
        target.name,
        broken.set.tally.can_be_healthy(),
        broken.set.tally.total,
        broken.error.code.name()
    )))
}

fn start_next(deployment: &Deployment, target: &Target) -> Option<Refusal> {
    if let Some(refusal) = started(target).or_else(|| held(deployment)) {
        return Some(refusal);
    }
    if target.stage != deployment.stage {
        let stage = deployment.plan.stages.get(target.stage)?;
        let message = format!("{} comes in a later stage: {}", target.name, stage.label());
        return Some(Refusal::Now(message));
    }
    let position = deployment.position(&target.name)?;
    if deployment.chosen.first() == Some(&position) {
        let message = format!("{} is the next already", target.name);
        return Some(Refusal::Now(message));
    }
    let steps = Steps::new(deployment, deployment.create_time);
    let needed = steps.needed_for(target);
    let needed = needed.filter(|_| deployment.in_flight.is_empty())?;
    Some(Refusal::Minimum(format!(
        "{} is healthy, and {} of at least {} healthy instances are available: the unhealthy ones come first",
        target.name, needed.available, needed.floor
    )))
}
