//! What scripts write.

use serde::{Deserialize, Serialize};

/// Where a line of output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OutputSource {
    /// The script's standard output.
    Stdout,
    /// The script's standard error.
    Stderr,
    /// The agent: which script runs, how it ended.
    Agent,
}
