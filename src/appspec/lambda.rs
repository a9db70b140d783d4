//! `AppSpec`s of functions.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::lifecycle::LifecycleEvent;

/// A whole one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    /// The function.
    pub function: Function,
    /// Hooks.
    #[serde(default)]
    pub hooks: BTreeMap<LifecycleEvent, String>,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Name.
    pub name: String,
    /// Alias.
    pub alias: String,
    /// From.
    #[serde(default)]
    pub current_version: Option<u64>,
    /// To.
    pub target_version: u64,
}
