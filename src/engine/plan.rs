//! Turns what is asked for into an ordered list of stages. Platforms and styles differ here, not in the code that runs it.

use serde::{Deserialize, Serialize};

use super::order::deployment_order;
use super::spec::Spec;
use super::window::{Window, window};
use crate::model::deployment::{ErrorCode, ErrorInformation};
use crate::model::lifecycle::LifecycleEvent;
use crate::model::name::Name;

/// What a deployment will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The stages, one after another. Empty when the deployment can't start.
    pub stages: Vec<Stage>,
    /// Why the deployment can't start: it fails with this as soon as it does.
    pub impossible: Option<ErrorInformation>,
}

/// One stage of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Stage {
    /// Instances go through their lifecycle events under a sliding window.
    Install {
        /// In the order in which they start.
        targets: Vec<Name>,
        /// What each of them goes through.
        events: Vec<LifecycleEvent>,
        /// How many at a time.
        window: Window,
    },
}

impl Stage {
    /// The stage's name on screen.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Install { .. } => "install",
        }
    }
}

/// The plan for a deployment. It is computed once, and kept in the journal.
pub fn plan(spec: &Spec) -> Plan {
    match install(spec) {
        Ok(stage) => Plan {
            stages: vec![stage],
            impossible: None,
        },
        Err(error) => Plan {
            stages: Vec::new(),
            impossible: Some(error),
        },
    }
}

fn install(spec: &Spec) -> Result<Stage, ErrorInformation> {
    let n = u32::try_from(spec.targets.len()).unwrap_or(u32::MAX);
    if n == 0 {
        return Err(ErrorInformation {
            code: ErrorCode::NoInstances,
            message: format!(
                "the filters of deployment group {} select no host: run `cutover check`, or tag a host",
                spec.group_key()
            ),
        });
    }
    let window = window(&spec.configuration, n).ok_or_else(|| {
        let minimum = spec.configuration.minimum_healthy_hosts;
        ErrorInformation {
            code: ErrorCode::HealthConstraintsInvalid,
            message: format!(
                "{} keeps {:?} {} of {n} instances healthy, which leaves none to deploy to",
                spec.configuration.deployment_config_name, minimum.kind, minimum.value
            ),
        }
    })?;
    Ok(Stage::Install {
        targets: deployment_order(&spec.targets),
        events: LifecycleEvent::IN_PLACE.to_vec(),
        window,
    })
}
