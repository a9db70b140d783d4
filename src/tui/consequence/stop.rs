//! Stopping a deployment.

use super::{Choice, Statement};
use crate::api::command::Command;
use crate::engine::input::{self, What};
use crate::engine::{Deployment, rollback};
use crate::model::deployment::{Creator, DeploymentStatus};
use crate::tui::model::Model;

/// What stopping a deployment would do.
pub(crate) fn stop(model: &Model, deployment: &Deployment) -> Statement {
    let id = deployment.id().clone();
    let rolls_back = rollback::follows(deployment, DeploymentStatus::Stopped);
    let stop =
        |auto_rollback| input::Command::new(What::Stop { auto_rollback }, model.user.clone());
    let command = |auto_rollback| Command::Control {
        deployment: id.clone(),
        control: stop(auto_rollback),
    };
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
    let mut decided = vec![super::about(deployment)];
    if rolls_back && can_roll_back {
        decided.push("The group is configured to roll back what is stopped.".to_owned());
    }
    Statement {
        title: format!("Stop {id}?"),
        decided,
        now: super::foreseen(model, deployment, &stop(None)).unwrap_or_default(),
        seen: None,
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

fn ledger_revision(model: &Model, deployment: &Deployment) -> Option<String> {
    let ledger = model.ledger(&deployment.group_key())?;
    rollback::revision(deployment, ledger).map(|revision| revision.label)
}
