//! A deployment configuration, whole: `cutover configuration show`.

use serde_json::{Value, json};

use crate::api::configuration::{meaning, users};
use crate::model::configuration::DeploymentConfiguration;
use crate::model::name::Name;
use crate::model::project::Project;

/// As `CodeDeploy` answers it.
pub fn json(configuration: &DeploymentConfiguration) -> Value {
    json!({ "deploymentConfigInfo": configuration })
}

/// What it means in words, and which groups use it.
pub fn lines(
    project: &Project,
    name: &Name,
    configuration: &DeploymentConfiguration,
) -> Vec<String> {
    let mut lines = vec![format!("configuration  {name}")];
    let parts = meaning(configuration);
    lines.extend(
        parts
            .into_iter()
            .map(|(label, text)| format!("{label:15}{text}")),
    );
    let users: Vec<String> = users(project, name)
        .map(|group| group.key().to_string())
        .collect();
    let users = if users.is_empty() {
        "no group".to_owned()
    } else {
        users.join(", ")
    };
    lines.push(format!("used by        {users}"));
    lines
}
