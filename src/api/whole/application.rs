//! An application, whole: `cutover application show`.

use serde_json::{Value, json};

use crate::model::application::Application;
use crate::model::name::Name;
use crate::model::project::Project;

/// As its document writes it.
pub fn json(application: &Application) -> Value {
    json!({ "application": application })
}

/// The same in words, with its groups.
pub fn lines(project: &Project, name: &Name, application: &Application) -> Vec<String> {
    let mut lines = vec![
        format!("application  {name}"),
        format!("platform     {}", application.compute_platform.name()),
    ];
    let groups = project
        .groups
        .iter()
        .filter(|group| &group.application_name == name);
    lines.extend(groups.enumerate().map(|(index, group)| {
        let label = if index == 0 { "groups" } else { "" };
        format!(
            "{label:<12} {}  {}  {} hosts",
            group.deployment_group_name,
            group.deployment_config_name,
            project.members(group).count()
        )
    }));
    lines
}
