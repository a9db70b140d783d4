//! Stopping a deployment.

use super::{Choice, Statement, traffic};
use crate::api::command::Command;
use crate::engine::input::{self, What};
use crate::engine::{Deployment, rollback};
use crate::model::deployment::DeploymentStatus;
use crate::model::traffic::{Side, Split};
use crate::tui::model::Model;

/// What stopping a deployment would do.
pub(crate) fn stop(model: &Model, deployment: &Deployment) -> Statement {
    let id = deployment.id().clone();
    let sides = deployment.spec.is_blue_green();
    let back = traffic::way_back(deployment);
    let rolls_back =
        (!sides || back.is_ok()) && rollback::follows(deployment, DeploymentStatus::Stopped);
    let stop =
        |auto_rollback| input::Command::new(What::Stop { auto_rollback }, model.user.clone());
    let command = |auto_rollback| Command::Control {
        deployment: id.clone(),
        control: stop(auto_rollback),
    };
    let goal = if sides {
        back.is_ok().then(|| "the original".to_owned())
    } else {
        ledger_revision(model, deployment)
    };
    let can_roll_back = deployment.spec.creator.is_choice() && goal.is_some();
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
    let mut now = super::foreseen(model, deployment, &stop(None)).unwrap_or_default();
    if sides {
        decided.extend(both_sides(deployment, back));
        now.extend(
            traffic::moves(model, deployment, Split::ORIGINAL)
                .filter(|_| can_roll_back)
                .map(|moves| format!("with a rollback {moves}")),
        );
    }
    Statement {
        title: format!("Stop {id}?"),
        decided,
        now,
        warnings: Vec::new(),
        seen: None,
        accept,
        alternative,
        blocked: over(deployment),
    }
}

/// What becomes of the traffic: as it is when it only stops, and with a rollback.
fn both_sides(deployment: &Deployment, back: Result<Vec<String>, String>) -> Vec<String> {
    match back {
        Err(reason) => vec![format!("There is no rollback: {reason}.")],
        Ok(lines) => {
            let stays = match deployment.split() {
                Some(split) => format!(
                    "Only stopping leaves the traffic as it is: {} % on {}, {} % on {}.{}",
                    split.share(Side::Green),
                    deployment.spec.side_named(Side::Green),
                    split.share(Side::Blue),
                    deployment.spec.side_named(Side::Blue),
                    trap(deployment, split)
                ),
                None => "Only stopping leaves in service who is in service.".to_owned(),
            };
            vec![stays, lines.join(" ")]
        }
    }
}

/// What a split alias would mean for the next deployment (configurations.md §8.2).
fn trap(deployment: &Deployment, split: Split) -> &'static str {
    let whole = matches!(split, Split::ORIGINAL | Split::REPLACEMENT);
    if deployment.spec.function.is_some() && !whole {
        " Nothing else can be deployed to an alias that is split so: this one has to be rolled back first."
    } else {
        ""
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
