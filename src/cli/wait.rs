//! Waiting for a deployment, telling what happens on the way.

use std::time::Duration;

use super::print::note;
use futures_util::StreamExt as _;

use super::Exit;
use super::context::Context;
use crate::api::client::{Client, ClientError};
use crate::api::feed::FeedItem;
use crate::api::view::{Gap, View};
use crate::engine::event::Event;
use crate::engine::plan::{Before, Stage};
use crate::engine::{Deployment, Record};
use crate::model::deployment::{DeploymentId, DeploymentStatus};
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::timestamp::Short;
use crate::text::{date_time, safe};

/// Waits for the end of a deployment, and of its rollback if there is one.
pub(super) async fn until_ended(
    context: &Context,
    client: &Client,
    id: &DeploymentId,
) -> color_eyre::Result<Exit> {
    let mut watched = id.clone();
    loop {
        let deployment = watch(context, client, &watched).await?;
        tell_end(&deployment);
        let rolled_back = deployment.rollback.clone();
        if let Some(rollback) = &rolled_back {
            note(format_args!("{watched}: {}", safe(&rollback.message)));
        }
        match rolled_back.and_then(|rollback| rollback.deployment) {
            Some(next) => watched = next,
            None if &watched == id => {
                return Ok(match deployment.status {
                    DeploymentStatus::Succeeded => Exit::Succeeded,
                    DeploymentStatus::Stopped => Exit::Stopped,
                    _ => Exit::Failed,
                });
            }
            // The rollback has ended: the deployment that was asked for is rolled back only if that succeeded.
            None => {
                return Ok(match deployment.status {
                    DeploymentStatus::Succeeded => Exit::Stopped,
                    _ => Exit::Failed,
                });
            }
        }
    }
}

/// Watches a deployment to its end, through as many connections as that takes.
async fn watch(
    context: &Context,
    client: &Client,
    id: &DeploymentId,
) -> color_eyre::Result<Deployment> {
    let mut told = 0;
    loop {
        match watch_once(client, id, &mut told).await {
            Ok(Some(deployment)) => return Ok(deployment),
            // Cut off for being too slow: begin again with a new picture.
            Ok(None) => {}
            // The orchestrator was ended; the next one takes the deployment up.
            Err(ClientError::Connection { .. }) => {
                context.connect().await?;
            }
            Err(other) => return Err(other.into()),
        }
    }
}

/// Watches over one connection; `told` is the number of the last entry that was told.
async fn watch_once(
    client: &Client,
    id: &DeploymentId,
    told: &mut u64,
) -> Result<Option<Deployment>, ClientError> {
    let mut feed = client.feed().await?;
    let mut view: Option<View> = None;
    while let Some(item) = feed.next().await {
        let item = item?;
        let news = match &item {
            FeedItem::Record { deployment, record } if deployment == id && record.seq > *told => {
                *told = record.seq;
                Some(record.clone())
            }
            _ => None,
        };
        match (&mut view, item) {
            (None, FeedItem::Snapshot(snapshot)) => {
                let first = View::from(*snapshot);
                if *told == 0 {
                    tell_approvals(id, first.deployments.get(id));
                }
                view = Some(first);
            }
            (Some(view), item) => {
                if let Err(Gap(missing)) = view.apply(item) {
                    view.hold(client.deployment(&missing).await?);
                }
            }
            (None, _) => {}
        }
        if let Some(record) = news {
            let deployment = view.as_ref().and_then(|view| view.deployments.get(id));
            tell(id, &record, deployment);
        }
        let ended = view
            .as_ref()
            .and_then(|view| view.summaries.get(id))
            .is_none_or(|summary| summary.status.is_terminal());
        if ended {
            return client.deployment(id).await.map(Some);
        }
    }
    Ok(None)
}

fn tell(id: &DeploymentId, record: &Record, deployment: Option<&Deployment>) {
    match &record.event {
        Event::TargetStarted { target, .. } => note(format_args!("{id}: {target} started")),
        Event::EventEnded {
            target,
            event,
            status: EventStatus::Failed,
            diagnostics,
            ..
        } => {
            let message = diagnostics.as_ref().map_or("", |d| d.message.as_str());
            note(format_args!(
                "{id}: {target} {event} failed: {}",
                safe(message)
            ));
        }
        Event::TargetEnded { target, status, .. } => note(format_args!("{id}: {target} {status}")),
        Event::Provisioned { hosts, .. } => {
            let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
            note(format_args!("{id}: provisioned: {}", names.join(", ")));
        }
        Event::TaskSetCreated { tasks } => {
            let tasks = tasks.iter();
            let tasks: Vec<String> = tasks
                .map(|task| format!("{}:{}", task.host, task.endpoint.port))
                .collect();
            note(format_args!("{id}: tasks are well: {}", tasks.join(", ")));
        }
        Event::Terminated { targets, trouble } => {
            let side = deployment.and_then(Deployment::ends);
            match side.filter(|_| targets.is_empty()) {
                Some(side) if trouble.is_none() => {
                    note(format_args!(
                        "{id}: the {} task set is deleted",
                        side.label()
                    ));
                }
                Some(_) => {}
                None => {
                    let names: Vec<&str> = targets.iter().map(Name::as_str).collect();
                    note(format_args!("{id}: terminated: {}", names.join(", ")));
                }
            }
            if let Some(trouble) = trouble {
                note(format_args!("{id}: not terminated: {}", safe(trouble)));
            }
        }
        Event::Halted { error } => {
            note(format_args!(
                "{id}: no further instance starts: {}",
                safe(&error.message)
            ));
        }
        Event::StageStarted { stage } => {
            let stages = deployment.map_or(&[][..], |deployment| &deployment.plan.stages);
            if let Some(Stage::Wait { before, minutes }) = stages.get(*stage) {
                note(format_args!("{id}: {}", waits(id, *before, *minutes)));
            }
            tell_approvals(id, deployment);
        }
        Event::Continued {
            before: Before::Reroute,
            by,
            ..
        } => {
            note(format_args!("{id}: {} asked to reroute", safe(by)));
            tell_approvals(id, deployment);
        }
        Event::Approved { step, by, .. } => {
            note(format_args!("{id}: {} approved the {step}", safe(by)));
            tell_approvals(id, deployment);
        }
        Event::Shifted { split, by, .. } => {
            let by = by.as_ref().map(|by| format!(", says {}", safe(by)));
            note(format_args!(
                "{id}: {} % of the traffic to the replacement{}",
                split.replacement(),
                by.unwrap_or_default()
            ));
        }
        Event::Paused { by, .. } => note(format_args!(
            "{id}: paused by {}: `cutover resume {id}` lets it go on",
            safe(by)
        )),
        Event::Frozen { freeze } => note(format_args!(
            "{id}: frozen until {} by {}: {}",
            date_time(freeze.until),
            safe(&freeze.by),
            safe(&freeze.why)
        )),
        Event::Thawed => note(format_args!("{id}: thawed")),
        Event::Resumed { by, .. } => note(format_args!("{id}: resumed by {}", safe(by))),
        Event::StopRequested { by, .. } => note(format_args!("{id}: {} asked to stop", safe(by))),
        Event::Alarmed { message } => {
            note(format_args!("{id}: it is stopped: {}", safe(message)));
        }
        _ => {}
    }
}

/// Says which approvals it waits for, if it does.
fn tell_approvals(id: &DeploymentId, deployment: Option<&Deployment>) {
    if let Some(approvals) = deployment.and_then(Deployment::awaits_approval) {
        note(format_args!(
            "{id}: the {} waits for approval: {}; somebody other than {} says `cutover approve {id}`",
            approvals.step,
            safe(&approvals.to_string()),
            safe(&approvals.creator)
        ));
    }
}

/// What it waits for, and how to go on.
fn waits(id: &DeploymentId, before: Before, minutes: u32) -> String {
    let long = Short(Duration::from_secs(60 * u64::from(minutes)));
    match before {
        Before::Reroute => format!(
            "the replacement is ready: `cutover reroute {id}` moves the traffic; without it the deployment stops in {long}"
        ),
        Before::Termination => format!(
            "the original is kept for {long}: `cutover stop --rollback {id}` gives it its traffic back, `cutover skip-wait {id}` ends the wait"
        ),
    }
}

fn tell_end(deployment: &Deployment) {
    let overview = deployment.overview;
    let reason = deployment
        .error
        .as_ref()
        .map(|error| format!(": {} {}", error.code.name(), safe(&error.message)))
        .unwrap_or_default();
    let took = deployment
        .complete_time
        .and_then(|end| deployment.duration(end))
        .map(|span| format!(" in {}", Short(span)))
        .unwrap_or_default();
    note(format_args!(
        "{}: {}{took} ({} ok, {} failed, {} skipped){reason}",
        deployment.id(),
        deployment.status,
        overview.succeeded,
        overview.failed,
        overview.skipped
    ));
}
