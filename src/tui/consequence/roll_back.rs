//! Rolling a deployment back.

use super::anew::anew;
use super::{Choice, Statement, plan_facts, traffic};
use crate::api::command;
use crate::engine::input::{Command, What};
use crate::engine::spec::RollbackTargets;
use crate::engine::{Deployment, Plan, Spec, members, plan, rollback};
use crate::model::deployment::DeploymentId;
use crate::model::host::Host;
use crate::model::traffic::Split;
use crate::tui::changes::changes;
use crate::tui::model::Model;

/// What rolling a deployment back would do.
pub(crate) fn roll_back(model: &Model, deployment: &Deployment) -> Statement {
    let id = deployment.id();
    let group = deployment.group_key();
    let running = !deployment.status.is_terminal();
    let sides = deployment.spec.is_blue_green();
    let mut decided = vec![if sides && running {
        format!(
            "Stops {id} ({}) in {group}.",
            deployment.spec.revision.label
        )
    } else if sides {
        super::about(deployment)
    } else if running {
        format!(
            "Stops {id} ({}) in {group}, then deploys the revision before it.",
            deployment.spec.revision.label
        )
    } else {
        format!(
            "Deploys the revision before {id} ({}) to {group}.",
            deployment.spec.revision.label
        )
    }];
    let mut blocked = None;
    let configuration = &deployment.spec.configuration.deployment_config_name;
    let said = match (sides, running) {
        (true, true) => traffic::way_back(deployment),
        (true, false) if reroutes(model, deployment) => traffic::way_back(deployment),
        (true, false) => anew(model, deployment),
        _ => rollback_plan(model, deployment)
            .map(|(spec, plan)| plan_facts(&spec.revision.label, &plan, configuration.as_str())),
    };
    match said {
        Ok(lines) => decided.extend(lines),
        Err(reason) => blocked = Some(reason),
    }
    let moves = traffic::moves(model, deployment, Split::ORIGINAL).filter(|_| sides);
    let mut now: Vec<String> = moves.into_iter().collect();
    now.extend(if running {
        let stop = What::Stop {
            auto_rollback: Some(true),
        };
        let stop = Command::new(stop, model.user.clone());
        super::foreseen(model, deployment, &stop).unwrap_or_default()
    } else {
        Vec::new()
    });
    Statement {
        title: format!("Roll back {id}?"),
        decided,
        now,
        warnings: changes(model, deployment),
        seen: None,
        accept: Choice {
            label: "roll back".to_owned(),
            command: command::Command::Rollback {
                deployment: id.clone(),
                by: model.user.clone(),
                uid: None,
            },
        },
        alternative: None,
        blocked,
    }
}

/// Whether its original gets the traffic back, although it is over.
fn reroutes(model: &Model, deployment: &Deployment) -> bool {
    let ledger = model.ledger(&deployment.group_key());
    let project = model.view.as_ref().map(|view| &view.project);
    ledger.zip(project).is_some_and(|(ledger, project)| {
        rollback::reroutes(deployment, ledger, |name| project.host(name).is_some())
    })
}

/// What a rollback would deploy, and how.
///
/// # Errors
/// Why there is none, or nothing is known of it before it is created.
pub(super) fn way_back(model: &Model, deployment: &Deployment) -> Result<(Spec, Plan), String> {
    let over = deployment.status.is_terminal();
    if deployment.spec.is_blue_green() && over && !reroutes(model, deployment) {
        return Err("it is deployed anew, and planned when that is created".to_owned());
    }
    rollback_plan(model, deployment)
}

fn rollback_plan(model: &Model, deployment: &Deployment) -> Result<(Spec, Plan), String> {
    let view = model.view.as_ref().ok_or("nothing is known yet")?;
    let group = deployment.group_key();
    let ledger = view.ledgers.get(&group).cloned().unwrap_or_default();
    if deployment.status.is_terminal()
        && let Some(active) = &ledger.active
    {
        return Err(format!("{active} is running in {group} now"));
    }
    let documents = view.project.group(&group).unwrap_or(&deployment.spec.group);
    let hosts: Vec<Host> = view.project.members(documents).cloned().collect();
    // The id is never used: nothing is created here.
    let mut spec = rollback::spec(
        deployment,
        &ledger,
        &hosts,
        DeploymentId::from_random([0; 9]),
    )?;
    if deployment.spec.options.rollback_targets == RollbackTargets::Attempted {
        spec = members::for_few(spec, view.project.one_at_a_time());
    }
    let plan = plan(&spec);
    match &plan.impossible {
        Some(error) => Err(error.message.clone()),
        None => Ok((spec, plan)),
    }
}
