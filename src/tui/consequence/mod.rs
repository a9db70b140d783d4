//! What a command would do, in numbers taken from the picture by the engine's own functions.
//!
//! A statement has two parts: what was decided (ids, revision, how many at a time), which a confirmation is tied to, and
//! what is merely so at the moment (how many run right now), which is kept fresh and ties nothing.

mod anew;
mod choices;
mod control;
mod deploy;
mod invite;
mod rehearsal;
mod roll_back;
mod stop;
mod traffic;

use crate::api::command::Command;
use crate::engine::plan::Stage;
use crate::engine::{Deployment, Plan, foresee, input};
use crate::model::deployment::DeploymentId;
use crate::tui::model::Model;
use crate::tui::words::{instances, listed};

pub(crate) use anew::goal;
pub(crate) use choices::choices;
pub(crate) use control::control;
pub(crate) use deploy::deploy;
pub(crate) use invite::invite;
pub(crate) use rehearsal::{of_control, of_deploy, of_rollback};
pub(crate) use roll_back::roll_back;
pub(crate) use stop::stop;

/// Something to choose in a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What it is called on the screen.
    pub label: String,
    pub command: Command,
}

/// What a confirmation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub title: String,
    /// What was decided: if it changes, the confirmation must be given anew.
    pub decided: Vec<String>,
    /// What is so at the moment.
    pub now: Vec<String>,
    /// What has changed at the hosts that it is about: if it changes again, the confirmation must be given anew.
    pub warnings: Vec<String>,
    /// The newest decision on the deployment that this knows, where a newer one must be seen before anybody accepts.
    pub seen: Option<u64>,
    pub accept: Choice,
    pub alternative: Option<Choice>,
    /// Why it can't be done any more.
    pub blocked: Option<String>,
}

/// `d-7F3KQ21XB 1.8.0 in shop/production`
fn about(deployment: &Deployment) -> String {
    format!(
        "{} {} in {}",
        deployment.id(),
        deployment.spec.revision.label,
        deployment.group_key()
    )
}

/// What a command would do, in the engine's own words: at once, to the minimum, and in the end.
///
/// # Errors
/// Why it is refused.
fn foreseen(
    model: &Model,
    deployment: &Deployment,
    command: &input::Command,
) -> Result<Vec<String>, String> {
    let goal = model
        .ledger(&deployment.group_key())
        .and_then(|ledger| ledger.target_revision.as_ref());
    let foreseen = foresee(deployment, command, model.now, goal).map_err(|r| r.to_string())?;
    let sides = deployment.spec.is_blue_green();
    let told = sides
        && matches!(
            command.what,
            input::What::Pause | input::What::Resume | input::What::Weight { .. }
        );
    let mut lines = Vec::new();
    if !told {
        lines.push(format!("now: {}", foreseen.at_once()));
    }
    lines.extend(foreseen.arithmetic());
    // An instance of either side is not merely done or left: its traffic is told instead.
    let end = match (sides, &foreseen.end.waits) {
        (false, _) => foreseen.in_the_end(),
        (true, Some(waits)) => format!("it waits for {waits}"),
        (true, None) => foreseen.end.to_string(),
    };
    lines.push(format!("in the end: {end}"));
    Ok(lines)
}

fn are(n: usize) -> String {
    if n == 1 {
        "1 instance is".to_owned()
    } else {
        format!("{n} instances are")
    }
}

fn plan_facts(label: &str, plan: &Plan, configuration: &str) -> Vec<String> {
    let Some(Stage::Install {
        targets, window, ..
    }) = plan.stages.first()
    else {
        return Vec::new();
    };
    vec![
        format!(
            "{label} goes to {}: {}",
            instances(targets.len()),
            listed(targets.iter(), 6)
        ),
        format!(
            "{} at a time, at least {} healthy ({configuration})",
            window.concurrency, window.minimum_healthy
        ),
    ]
}

/// Deployments that are under way, for the question when leaving.
pub(crate) fn running(model: &Model) -> Vec<(DeploymentId, String)> {
    model
        .running()
        .into_iter()
        .map(|summary| {
            let overview = summary.deployment_overview;
            let done = overview.succeeded + overview.failed + overview.skipped;
            let text = format!(
                "{} {} in {}: {done}/{}",
                summary.deployment_id,
                summary.revision.label,
                summary.group,
                overview.total()
            );
            (summary.deployment_id.clone(), text)
        })
        .collect()
}
