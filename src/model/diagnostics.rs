//! What a failed lifecycle event tells the operator.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::deployment::ErrorCode;

/// `LifecycleErrorCode`: why a lifecycle event failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifecycleErrorCode {
    /// Nothing failed.
    Success,
    /// A script named by the `AppSpec` is not in the bundle.
    ScriptMissing,
    /// A script could not be made executable.
    ScriptNotExecutable,
    /// A script ran longer than its timeout.
    ScriptTimedOut,
    /// A script ended with a non-zero exit code, or by a signal, or could not be started.
    ScriptFailed,
    /// Anything else: the `AppSpec`, the bundle, the installation, the agent itself.
    UnknownError,
}

impl fmt::Display for LifecycleErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// `Diagnostics` of one lifecycle event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostics {
    /// The kind of failure.
    pub error_code: LifecycleErrorCode,
    /// The script's location as the `AppSpec` writes it; empty when no script is to blame.
    #[serde(default)]
    pub script_name: String,
    /// One sentence for the operator.
    pub message: String,
    /// The end of the event's output, at most 4 KiB.
    #[serde(default)]
    pub log_tail: String,
    /// The error code of a deployment that this failure ends by itself, where no number of others makes up for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<ErrorCode>,
}

impl Diagnostics {
    /// A failure that no script is to blame for.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self {
            error_code: LifecycleErrorCode::UnknownError,
            script_name: String::new(),
            message: message.into(),
            log_tail: String::new(),
            ends_with: None,
        }
    }

    /// The same, of a failure that ends its deployment with this error.
    pub fn ending(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            ends_with: Some(code),
            ..Self::unknown(message)
        }
    }
}
