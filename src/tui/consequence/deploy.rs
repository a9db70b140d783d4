//! Deploying a revision.

use super::{Choice, Statement, are, plan_facts};
use crate::api::command::{Command, Preview};
use crate::engine::Plan;
use crate::engine::plan::Stage;
use crate::model::name::Name;
use crate::tui::model::Model;
use crate::tui::words::listed;

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
    let spec = preview.forecast.as_ref().map(|forecast| &forecast.spec);
    if let Some(alarms) = spec.and_then(|spec| spec.alarms()) {
        decided.push(sentence(&alarms.watched()));
    }
    Statement {
        title: format!("Deploy {} to {group}?", revision.label),
        decided,
        now: silent_hosts(model, &preview.plan),
        warnings: Vec::new(),
        seen: None,
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

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
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
