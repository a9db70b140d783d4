//! What a command would do, in numbers taken from the picture by the engine's own functions.
//!
//! A statement has two parts: what was decided (ids, revision, how many at a time), which a confirmation is tied to, and
//! what is merely so at the moment (how many run right now), which is kept fresh and ties nothing.

use crate::api::command::{Command, Preview};
use crate::engine::plan::Stage;
use crate::engine::{Deployment, Input, Plan, decide, event::Event, input, plan, rollback};
use crate::model::deployment::{Creator, DeploymentId, DeploymentStatus};
use crate::model::group::AutoRollbackEvent;
use crate::model::host::Host;
use crate::model::name::Name;
use crate::tui::model::Model;

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
    pub accept: Choice,
    pub alternative: Option<Choice>,
    /// Why it can't be done any more.
    pub blocked: Option<String>,
}

fn instances(n: usize) -> String {
    if n == 1 {
        "1 instance".to_owned()
    } else {
        format!("{n} instances")
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a Name>, most: usize) -> String {
    let names: Vec<&str> = names.map(AsRef::as_ref).collect();
    let shown = names
        .iter()
        .take(most)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > most {
        format!("{shown} and {} more", names.len() - most)
    } else {
        shown
    }
}

/// What stopping a deployment would do.
pub(crate) fn stop(model: &Model, deployment: &Deployment) -> Statement {
    let id = deployment.id().clone();
    let rolls_back = stop_rolls_back(deployment);
    let command = |auto_rollback| Command::Stop {
        deployment: id.clone(),
        auto_rollback,
        by: model.user.clone(),
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
fn stop_facts(model: &Model, deployment: &Deployment) -> Vec<String> {
    let request = Input::Command(input::Command::Stop {
        by: model.user.clone(),
        auto_rollback: None,
    });
    let at_once = decide(deployment, &request, model.now)
        .iter()
        .any(|event| matches!(event, Event::Ended { .. }));
    let progress = deployment.progress;
    let label = &deployment.spec.revision.label;
    let running = deployment
        .in_flight
        .iter()
        .filter_map(|&i| deployment.targets.get(i));
    let left = deployment.targets.len() - progress.next;
    let mut facts = Vec::new();
    if progress.in_flight > 0 {
        let verb = if progress.in_flight == 1 {
            "finishes its event"
        } else {
            "finish their event"
        };
        let names = listed(running.map(|target| &target.name), 3);
        facts.push(format!(
            "{} {verb} and go no further: {names}",
            instances(deployment.in_flight.len())
        ));
    } else if at_once {
        facts.push("Nothing runs: it ends at once.".to_owned());
    }
    if left > 0 {
        facts.push(format!(
            "{} not started, and keep what they have",
            are(left)
        ));
    }
    if progress.succeeded > 0 {
        facts.push(format!(
            "{} already on {label}",
            are(progress.succeeded as usize)
        ));
    }
    if progress.failed > 0 {
        facts.push(format!("{} failed", instances(progress.failed as usize)));
    }
    facts
}

fn are(n: usize) -> String {
    if n == 1 {
        "1 instance is".to_owned()
    } else {
        format!("{n} instances are")
    }
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

/// What rolling a deployment back would do.
pub(crate) fn roll_back(model: &Model, deployment: &Deployment) -> Statement {
    let id = deployment.id();
    let group = deployment.group_key();
    let running = !deployment.status.is_terminal();
    let mut decided = vec![if running {
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
    match rollback_plan(model, deployment) {
        Ok((label, plan)) => decided.extend(plan_facts(
            &label,
            &plan,
            deployment
                .spec
                .configuration
                .deployment_config_name
                .as_str(),
        )),
        Err(reason) => blocked = Some(reason),
    }
    Statement {
        title: format!("Roll back {id}?"),
        decided,
        now: if running {
            stop_facts(model, deployment)
        } else {
            Vec::new()
        },
        accept: Choice {
            label: "roll back".to_owned(),
            command: Command::Rollback {
                deployment: id.clone(),
                by: model.user.clone(),
            },
        },
        alternative: None,
        blocked,
    }
}

fn rollback_plan(model: &Model, deployment: &Deployment) -> Result<(String, Plan), String> {
    let view = model.view.as_ref().ok_or("nothing is known yet")?;
    let group = deployment.group_key();
    let ledger = view.ledgers.get(&group).cloned().unwrap_or_default();
    if deployment.status.is_terminal()
        && let Some(active) = &ledger.active
    {
        return Err(format!("{active} is running in {group} now"));
    }
    let documents = view.project.group(&group).unwrap_or(&deployment.spec.group);
    let members: Vec<Host> = view.project.members(documents).cloned().collect();
    // The id is never used: nothing is created here.
    let spec = rollback::spec(
        deployment,
        &ledger,
        &members,
        DeploymentId::from_random([0; 9]),
    )?;
    let label = spec.revision.label.clone();
    let plan = plan(&spec);
    match &plan.impossible {
        Some(error) => Err(error.message.clone()),
        None => Ok((label, plan)),
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

/// What a deployment would do, as the orchestrator previewed it.
pub(crate) fn deploy(
    model: &Model,
    deploy: &crate::api::command::Deploy,
    preview: &Preview,
) -> Statement {
    let revision = &preview.revision.revision;
    let group = &deploy.group;
    let mut decided = vec![format!(
        "{} ({}) to {group}",
        revision.label,
        revision.digest.short()
    )];
    let configuration = preview.configuration.deployment_config_name.as_str();
    decided.extend(plan_facts(&revision.label, &preview.plan, configuration));
    let before = model
        .ledger(group)
        .and_then(|ledger| ledger.target_revision.as_ref());
    decided.push(match before {
        Some(before) if before.digest == revision.digest => format!(
            "{} is what {group} runs already: it is installed again.",
            before.label
        ),
        Some(before) => format!(
            "It replaces {}, which a rollback would bring back.",
            before.label
        ),
        None => {
            "Nothing was deployed there before: there is no revision to roll back to.".to_owned()
        }
    });
    Statement {
        title: format!("Deploy {} to {group}?", revision.label),
        decided,
        now: silent_hosts(model, &preview.plan),
        accept: Choice {
            label: "deploy".to_owned(),
            command: Command::Deploy(deploy.clone()),
        },
        alternative: None,
        blocked: preview
            .refusal
            .as_ref()
            .map(|refusal| refusal.message.clone()),
    }
}

fn silent_hosts(model: &Model, plan: &Plan) -> Vec<String> {
    let (Some(view), Some(Stage::Install { targets, .. })) = (&model.view, plan.stages.first())
    else {
        return Vec::new();
    };
    let silent: Vec<&Name> = targets
        .iter()
        .filter(|name| view.hosts.get(*name).is_some_and(|host| !host.reachable))
        .collect();
    if silent.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "{} not answering: {}",
        are(silent.len()),
        listed(silent.into_iter(), 4)
    )]
}

/// Deployments that are under way, for the question when leaving.
pub(crate) fn running(model: &Model) -> Vec<(DeploymentId, DeploymentStatus, String)> {
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
            (summary.deployment_id.clone(), summary.status, text)
        })
        .collect()
}
