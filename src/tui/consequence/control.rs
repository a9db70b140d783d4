//! Steering a deployment that runs: what a pause, a retry, a skip or the end of a hold would do.

use super::{Choice, Statement, traffic};
use crate::api::command::Command;
use crate::engine::Deployment;
use crate::engine::input::{self, What};
use crate::engine::plan::Before;
use crate::model::approval::Step;
use crate::model::traffic::Split;
use crate::tui::changes::changes;
use crate::tui::model::Model;

/// What carrying this out would do.
pub(crate) fn control(model: &Model, deployment: &Deployment, what: &What) -> Statement {
    let id = deployment.id();
    let (title, label) = words(deployment, what);
    let mut command = input::Command::new(what.clone(), model.user.clone());
    let (mut now, mut blocked) = match super::foreseen(model, deployment, &command) {
        Ok(lines) => (lines, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    command.seen = Some(deployment.decided);
    let mut said = decided(deployment);
    let mut warnings = Vec::new();
    match what {
        What::Continue { before } => {
            said.extend(traffic::after_wait(deployment, *before));
            let moves = (*before == Before::Reroute)
                .then(|| traffic::moves(model, deployment, Split::REPLACEMENT))
                .flatten();
            now.splice(
                0..0,
                traffic::left(model, deployment).into_iter().chain(moves),
            );
            warnings = changes(model, deployment);
        }
        What::Weight { split } => {
            said.extend(traffic::share(model, deployment, *split));
            now.splice(0..0, traffic::moves(model, deployment, *split));
            warnings = changes(model, deployment);
            blocked = blocked.or_else(|| traffic::nobody(model, deployment, *split));
        }
        What::Approve { .. } => {
            said.extend(approval(deployment));
            warnings = changes(model, deployment);
        }
        What::Pause => said.extend(traffic::held(deployment, false)),
        What::Resume => said.extend(traffic::held(deployment, true)),
        _ => {}
    }
    Statement {
        title,
        decided: said,
        now,
        warnings,
        seen: Some(deployment.decided),
        accept: Choice {
            label: label.to_owned(),
            command: Command::Control {
                deployment: id.clone(),
                control: command,
            },
        },
        alternative: None,
        blocked,
    }
}

/// The question, and what the key for yes does.
fn words(deployment: &Deployment, what: &What) -> (String, &'static str) {
    let id = deployment.id();
    match what {
        What::Stop { .. } => (format!("Stop {id}?"), "stop"),
        What::Pause if deployment.shifting().is_some() => {
            (format!("Hold the shift of {id}?"), "hold")
        }
        What::Pause => (format!("Pause {id}?"), "pause"),
        What::Resume => (format!("Let {id} go on?"), "resume"),
        What::Retry { target } => (format!("Try {target} again?"), "try again"),
        What::Skip { target } => (format!("Leave {target} out of {id}?"), "leave out"),
        What::StartNext { target } => (format!("Start {target} next?"), "start next"),
        What::GiveUp => (format!("Give {id} up?"), "give up: it fails"),
        What::Weight { split } => (
            format!(
                "Give the replacement {} % of the traffic?",
                split.replacement()
            ),
            "shift",
        ),
        What::Continue {
            before: Before::Reroute,
        } => (format!("Reroute {id}?"), "reroute"),
        What::Approve { .. } => (
            match deployment.next_approval() {
                Some(step) => format!("Approve the {step} of {id}?"),
                None => format!("Approve {id}?"),
            },
            "approve",
        ),
        What::Continue {
            before: Before::Termination,
        } => (
            format!("Keep the original of {id} no longer?"),
            "end the wait",
        ),
    }
}

/// Who created what is to be approved, who has approved it, and what comes then.
fn approval(deployment: &Deployment) -> Vec<String> {
    let spec = &deployment.spec;
    let mut lines = vec![match spec.description.as_str() {
        "" => format!("{} created it.", spec.by),
        text => format!("{} created it: {text}", spec.by),
    }];
    if let Some(approvals) = deployment.awaits_approval() {
        lines.push(format!("Approved so far: {approvals}."));
        if approvals.step == Step::Reroute {
            lines.extend(traffic::after_wait(deployment, Before::Reroute));
        }
    }
    if let Some(wish) = &deployment.continued {
        lines.push(format!("{} has asked to reroute.", wish.by));
    }
    lines
}

/// What it is about, and what others have decided on it.
fn decided(deployment: &Deployment) -> Vec<String> {
    let mut lines = vec![super::about(deployment)];
    if let Some(error) = &deployment.held {
        lines.push(format!("It holds: {}", error.message));
    }
    if let Some(wish) = &deployment.paused {
        lines.push(match &wish.why {
            Some(why) => format!("It was paused by {}: {why}", wish.by),
            None => format!("It was paused by {}.", wish.by),
        });
    }
    lines
}
