//! Applications: a name, a compute platform, and the groups below it.

use serde::{Deserialize, Serialize};

use super::name::Name;

/// `computePlatform`: what an application's deployments act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComputePlatform {
    /// Hosts that run our agent.
    #[default]
    Server,
    /// Function aliases with weights.
    Lambda,
    /// Task sets behind listeners.
    #[serde(rename = "ECS")]
    Ecs,
}

impl ComputePlatform {
    /// The platform's name as `CodeDeploy` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Lambda => "Lambda",
            Self::Ecs => "ECS",
        }
    }
}

/// The document `applications/<name>/application.yaml` (`ApplicationInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Application {
    /// Unique in the project; the folder's name.
    pub application_name: Name,
    /// Never changes after creation.
    #[serde(default)]
    pub compute_platform: ComputePlatform,
}
