//! Stopping a deployment.

use super::{Choice, Statement, are, instances, listed};
use crate::api::command::Command;
use crate::engine::event::Event;
use crate::engine::{Deployment, Input, decide, input, rollback};
use crate::model::deployment::Creator;
use crate::model::group::AutoRollbackEvent;
use crate::tui::model::Model;

/// What stopping a deployment would do.
pub(crate) fn stop(model: &Model, deployment: &Deployment) -> Statement {
    let id = deployment.id().clone();
    let rolls_back = stop_rolls_back(deployment);
    let command = |auto_rollback| Command::stop(id.clone(), auto_rollback, model.user.clone());
    let goal = ledger_revision(model, deployment);
    let can_roll_back = deployment.spec.creator == Creator::User && goal.is_some();
    let (accept, alternative) = match (rolls_back, goal) {
        (true, Some(goal)) => (
            Choice {
                label: format!("stop, then roll back to {goal}"),
                command: command(None),
            },
            Some(Choice {
                label: "stop and leave it as it is".to_owned(),
                command: command(Some(false)),
            }),
        ),
        (_, goal) => (
            Choice {
                label: "stop".to_owned(),
                command: command(None),
            },
            goal.filter(|_| can_roll_back).map(|goal| Choice {
                label: format!("stop and roll back to {goal}"),
                command: command(Some(true)),
            }),
        ),
    };
    let mut decided = vec![format!(
        "{} {} in {}",
        deployment.id(),
        deployment.spec.revision.label,
        deployment.group_key()
    )];
    if rolls_back && can_roll_back {
        decided.push("The group is configured to roll back what is stopped.".to_owned());
    }
    Statement {
        title: format!("Stop {id}?"),
        decided,
        now: stop_facts(model, deployment),
        accept,
        alternative,
        blocked: over(deployment),
    }
}

fn over(deployment: &Deployment) -> Option<String> {
    deployment
        .status
        .is_terminal()
        .then(|| format!("{} has ended: {}", deployment.id(), deployment.status))
}

/// What becomes of the instances when a deployment stops now.
pub(super) fn stop_facts(model: &Model, deployment: &Deployment) -> Vec<String> {
    let stop = input::What::Stop {
        auto_rollback: None,
    };
    let request = Input::Command(input::Command::new(stop, model.user.clone()));
    let at_once = decide(deployment, &request, model.now)
        .iter()
        .any(|event| matches!(event, Event::Ended { .. }));
    let fleet = deployment.fleet;
    let label = &deployment.spec.revision.label;
    let left = fleet.waiting as usize;
    let mut facts = Vec::new();
    if fleet.in_flight > 0 {
        let does = if fleet.in_flight == 1 {
            "finishes its event and goes no further"
        } else {
            "finish their event and go no further"
        };
        let names = listed(deployment.running().map(|target| &target.name), 3);
        facts.push(format!(
            "{} {does}: {names}",
            instances(deployment.in_flight.len())
        ));
    } else if at_once {
        facts.push("Nothing runs: it ends at once.".to_owned());
    }
    if left > 0 {
        let keeps = if left == 1 {
            "keeps what it has"
        } else {
            "keep what they have"
        };
        facts.push(format!("{} not started, and {keeps}", are(left)));
    }
    if fleet.succeeded > 0 {
        facts.push(format!(
            "{} already on {label}",
            are(fleet.succeeded as usize)
        ));
    }
    if fleet.failed > 0 {
        facts.push(format!("{} failed", instances(fleet.failed as usize)));
    }
    facts
}

fn stop_rolls_back(deployment: &Deployment) -> bool {
    deployment.spec.creator == Creator::User
        && deployment.spec.auto_rollback().is_some_and(|rollback| {
            rollback.enabled
                && rollback
                    .events
                    .contains(&AutoRollbackEvent::DeploymentStopOnRequest)
        })
}

fn ledger_revision(model: &Model, deployment: &Deployment) -> Option<String> {
    let ledger = model.ledger(&deployment.group_key())?;
    rollback::revision(deployment, ledger).map(|revision| revision.label)
}
