//! Whether a command can be carried out now, and if not, why: the same answer for every door.

use super::deployment::Deployment;
use super::input::Command;
use crate::model::deployment::DeploymentStatus;

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The deployment is over.
    #[error("{id} has already ended: {status} (DeploymentAlreadyCompletedException)")]
    AlreadyCompleted {
        /// Which deployment.
        id: String,
        /// How it ended.
        status: DeploymentStatus,
    },
}

/// Why a command can't be carried out on this deployment; `None` if it can.
pub fn refusal(deployment: &Deployment, command: &Command) -> Option<Refusal> {
    match command {
        Command::Stop { .. } if deployment.status.is_terminal() => {
            Some(Refusal::AlreadyCompleted {
                id: deployment.id().to_string(),
                status: deployment.status,
            })
        }
        Command::Stop { .. } => None,
    }
}
