//! A deployment group, whole: `cutover group show`.

use serde_json::{Value, json};

use crate::api::view::View;
use crate::engine::ledger::Watched;
use crate::model::automatic::Look;
use crate::model::group::DeploymentGroup;
use crate::model::project::Project;
use crate::text::{date_time, safe};

/// As `CodeDeploy` writes it; what it follows, and what was seen there, if the picture is at hand.
pub fn json(project: &Project, group: &DeploymentGroup, view: Option<&View>) -> Value {
    let key = group.key();
    let mut value = json!({ "deploymentGroupInfo": group });
    if let Some(automatic) = project.automatic_deployment(&key) {
        let follows = view.and_then(|view| view.follows(&key));
        value["automaticDeployment"] = json!(automatic);
        value["watched"] = json!(follows.and_then(|(_, _, watched)| watched));
        value["looked"] = json!(follows.and_then(|(_, look, _)| look));
    }
    value
}

/// The same in words.
pub fn lines(project: &Project, group: &DeploymentGroup, view: Option<&View>) -> Vec<String> {
    let key = group.key();
    let mut lines = about(project, group);
    if let Some(automatic) = project.automatic_deployment(&key) {
        let follows = view.and_then(|view| view.follows(&key));
        let (from, every) = (&automatic.from, automatic.interval_seconds);
        lines.push(format!("automatic      {from}, looked at every {every} s"));
        let (look, watched) = follows.map_or((None, None), |(_, look, watched)| (look, watched));
        lines.extend(looked(look, watched));
    }
    lines.iter().map(|line| safe(line)).collect()
}

/// When the place that a group follows was looked at last, and what was seen there.
fn looked(look: Option<&Look>, watched: Option<&Watched>) -> Vec<String> {
    let never = || "not yet".to_owned();
    let at = look.map_or_else(never, |look| date_time(look.at));
    let seen = watched.map_or_else(
        || "nothing yet".to_owned(),
        |watched| format!("{} {watched}", date_time(watched.at)),
    );
    let mut lines = vec![
        format!("last looked    {at}"),
        format!("last seen      {seen}"),
    ];
    let trouble = look.and_then(|look| look.trouble.as_ref());
    lines.extend(trouble.map(|why| format!("last error     {why}")));
    lines
}

fn about(project: &Project, group: &DeploymentGroup) -> Vec<String> {
    let members: Vec<&str> = project
        .members(group)
        .map(|host| host.name.as_str())
        .collect();
    let hosts = match members.as_slice() {
        [] => "none".to_owned(),
        _ => members.join(", "),
    };
    let rollback = match &group.auto_rollback_configuration {
        Some(rollback) if rollback.enabled => {
            let events = json!(rollback.events);
            let events = events.as_array().into_iter().flatten();
            let names: Vec<&str> = events.filter_map(Value::as_str).collect();
            names.join(", ")
        }
        _ => "off".to_owned(),
    };
    let outdated = json!(group.outdated_instances_strategy);
    let mut lines = vec![
        format!("group          {}", group.key()),
        format!(
            "type           {}",
            group.deployment_style.deployment_type.label()
        ),
        format!("configuration  {}", group.deployment_config_name),
        format!("hosts          {hosts}"),
        format!("auto-rollback  {rollback}"),
        format!("outdated       {}", outdated.as_str().unwrap_or_default()),
    ];
    if let Some(id) = &group.deployment_group_id {
        lines.push(format!("id             {id}"));
    }
    lines
}
