//! What would happen after a key, step by step and with times: the engine runs a copy ahead, in which everything goes well.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::roll_back;
use crate::api::command::Preview;
use crate::engine::event::{Event, Record};
use crate::engine::input::{Command, What};
use crate::engine::rehearse::{Assumptions, Durations, Rehearsed, rehearse, rehearse_after};
use crate::engine::steps::{Step, steps};
use crate::engine::{Deployment, Plan, Spec};
use crate::model::timestamp::Short;
use crate::tui::model::Model;

/// Everything that is told, a line each.
type Lines = Result<Vec<String>, String>;

/// After this command.
///
/// # Errors
/// Why it is refused.
pub(crate) fn of_control(model: &Model, deployment: &Deployment, what: &What) -> Lines {
    let command = Command::new(what.clone(), model.user.clone());
    let known = model.pace.median;
    let rehearsed = rehearse_after(deployment, &command, &assume(pace(known)), model.now);
    let rehearsed = rehearsed.map_err(|refusal| refusal.to_string())?;
    Ok(told(deployment, &rehearsed, known.is_some()))
}

/// Of a deployment that is to be created.
///
/// # Errors
/// Why nothing is known of it.
pub(crate) fn of_deploy(model: &Model, preview: &Preview) -> Lines {
    let forecast = preview.forecast.as_ref();
    let forecast = forecast.ok_or("the orchestrator sent no forecast")?;
    let deployment = forecast.deployment(&preview.plan, model.now);
    let deployment = deployment.ok_or("the plan can't be read")?;
    let past = forecast.past.durations();
    let timed = past.is_some();
    let rehearsed = rehearse(&deployment, &assume(past.unwrap_or_default()), model.now);
    Ok(told(&deployment, &rehearsed, timed))
}

/// Of a rollback: what runs is stopped, and then the way back.
///
/// # Errors
/// Why there is none.
pub(crate) fn of_rollback(model: &Model, deployment: &Deployment) -> Lines {
    let (spec, plan) = roll_back::way_back(model, deployment)?;
    let known = model.pace.median;
    let mut lines = Vec::new();
    if !deployment.status.is_terminal() {
        // Whether a rollback follows is not asked again: that it does is what this is about.
        let stop = What::Stop {
            auto_rollback: Some(false),
        };
        lines.extend(of_control(model, deployment, &stop)?);
    }
    let back = created(model, spec, plan).ok_or("the plan can't be read")?;
    let rehearsed = rehearse(&back, &assume(pace(known)), model.now);
    lines.push(format!("The way back to {}:", back.spec.revision.label));
    lines.extend(told(&back, &rehearsed, known.is_some()));
    Ok(lines)
}

fn created(model: &Model, spec: Spec, plan: Plan) -> Option<Deployment> {
    Deployment::created(&Record {
        seq: 1,
        at: model.now,
        event: Event::Created {
            spec: Arc::new(spec),
            plan: Arc::new(plan),
        },
    })
}

fn pace(known: Option<Duration>) -> Durations {
    Durations {
        otherwise: known.unwrap_or_default(),
        ..Durations::default()
    }
}

fn assume(durations: Durations) -> Assumptions {
    Assumptions {
        durations,
        fails: BTreeSet::new(),
    }
}

/// The steps with their numbers and times.
fn told(deployment: &Deployment, rehearsed: &Rehearsed, timed: bool) -> Vec<String> {
    let steps = steps(deployment, rehearsed);
    let guesses = !timed && steps.iter().any(|step| step.works);
    let line = |(index, step): (usize, &Step)| {
        let when = if step.after.is_zero() {
            "at once".to_owned()
        } else {
            format!("after {}", Short(step.after))
        };
        format!("{}. {when}: {}", index + 1, step.text)
    };
    let mut lines: Vec<String> = steps.iter().enumerate().map(line).collect();
    if guesses {
        lines.push(
            "How long instances take is not known yet, and left out of the times.".to_owned(),
        );
    }
    lines
}
