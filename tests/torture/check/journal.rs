//! One deployment's journal: whole, in order, and decided by the rules.

use std::collections::{BTreeMap, BTreeSet};

use cutover::engine::event::Event;
use cutover::engine::plan::Stage;
use cutover::model::deployment::{DeploymentId, DeploymentStatus, InstanceHealth, TargetStatus};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::name::Name;

use super::Story;

/// The totals of the rules, counted here anew.
#[derive(Default)]
struct Totals {
    in_flight: BTreeSet<Name>,
    started: BTreeSet<Name>,
    events: BTreeMap<Name, Vec<(LifecycleEvent, EventStatus)>>,
    succeeded: u32,
    failed: u32,
    available: u32,
    stopped: bool,
    halted: bool,
    over: bool,
}

pub fn check(story: &Story, all: &BTreeMap<DeploymentId, Story>, wrong: &mut Vec<String>) {
    let deployment = &story.deployment;
    let id = deployment.id();
    let mut tell = |what: String| wrong.push(format!("{id}: {what}"));
    for (expected, record) in (1..).zip(&story.records) {
        if record.seq != expected {
            tell(format!(
                "entry {expected} is missing, {} comes instead",
                record.seq
            ));
            return;
        }
    }
    if !deployment.status.is_terminal() {
        tell(format!("is {} for ever", deployment.status));
    }
    let Some(Stage::Install {
        targets,
        events,
        window,
    }) = deployment.plan.stages.first()
    else {
        tell("has no plan".to_owned());
        return;
    };
    let healthy = |name: &Name| {
        let specs = &deployment.spec.targets;
        specs
            .iter()
            .any(|spec| spec.name == *name && spec.instance_health == InstanceHealth::Healthy)
    };
    let mut totals = Totals {
        available: u32::try_from(targets.iter().filter(|name| healthy(name)).count()).unwrap(),
        ..Totals::default()
    };
    for record in &story.records {
        let mut tell = |what: String| wrong.push(format!("{id}, entry {}: {what}", record.seq));
        match &record.event {
            Event::TargetStarted { target, .. } => {
                if totals.stopped || totals.halted || totals.over {
                    tell(format!(
                        "{target} starts although nothing may start any more"
                    ));
                }
                if !totals.started.insert(target.clone()) {
                    tell(format!("{target} starts again"));
                }
                if healthy(target) {
                    if totals.available <= window.floor {
                        tell(format!("{target} starts, and too few are left healthy"));
                    }
                    totals.available -= 1;
                }
                totals.in_flight.insert(target.clone());
                if totals.in_flight.len() > usize::try_from(window.concurrency).unwrap() {
                    tell(format!("{} are in flight", totals.in_flight.len()));
                }
            }
            Event::EventStarted { target, event, .. } => {
                let known = totals.events.entry(target.clone()).or_default();
                if events.get(known.len()) != Some(event) || !totals.in_flight.contains(target) {
                    tell(format!("{event} starts on {target} after {known:?}"));
                }
                known.push((*event, EventStatus::InProgress));
            }
            Event::EventEnded {
                target,
                event,
                status,
                ..
            } => {
                let known = totals.events.entry(target.clone()).or_default();
                match known.last_mut() {
                    Some(last) if *last == (*event, EventStatus::InProgress) => last.1 = *status,
                    _ => tell(format!("{event} ends on {target} after {known:?}")),
                }
            }
            Event::TargetEnded { target, status, .. } => {
                if !totals.in_flight.remove(target) {
                    tell(format!("{target} ends, and was not in flight"));
                }
                let known = totals.events.get(target).map_or(&[][..], Vec::as_slice);
                let all_well = known.len() == events.len()
                    && known
                        .iter()
                        .all(|(_, status)| *status == EventStatus::Succeeded);
                if (*status == TargetStatus::Succeeded) != all_well {
                    tell(format!("{target} is {status} after {known:?}"));
                }
                match status {
                    TargetStatus::Succeeded => {
                        totals.succeeded += 1;
                        totals.available += 1;
                    }
                    TargetStatus::Skipped if totals.stopped => {}
                    _ => totals.failed += 1,
                }
            }
            Event::Halted { .. } => totals.halted = true,
            Event::StopRequested { .. } => totals.stopped = true,
            Event::Ended { status, .. } => {
                let total = u32::try_from(targets.len()).unwrap();
                let expected = if !totals.in_flight.is_empty() {
                    tell("ends while hosts are in flight".to_owned());
                    *status
                } else if totals.stopped && totals.succeeded + totals.failed < total {
                    DeploymentStatus::Stopped
                } else if totals.halted
                    || totals.succeeded == 0
                    || total - totals.failed < window.minimum_healthy
                    || totals.started.len() < targets.len()
                {
                    DeploymentStatus::Failed
                } else {
                    DeploymentStatus::Succeeded
                };
                if *status != expected {
                    tell(format!("ends as {status}, and the rules say {expected}"));
                }
                totals.over = true;
            }
            Event::RolledBack {
                deployment: next, ..
            } => {
                let back = next.as_ref().map(|next| all.get(next));
                let known = |next: &Story| next.deployment.spec.rolls_back.as_ref() == Some(id);
                if back.is_some_and(|next| !next.is_some_and(known)) {
                    tell("its rollback does not exist".to_owned());
                }
            }
            _ => {}
        }
    }
    let failed = deployment.status == DeploymentStatus::Failed;
    if failed && deployment.spec.rolls_back.is_none() && deployment.rollback.is_none() {
        wrong.push(format!("{id}: failed, and nothing is said of its rollback"));
    }
}
