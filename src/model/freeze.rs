//! Freezes: for a while nothing is deployed in a group, an application or the project.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::group::GroupKey;
use super::name::Name;
use super::timestamp::Timestamp;

/// What a freeze is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scope {
    /// The application; everything when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Name>,
    /// Its deployment group; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Name>,
}

impl Scope {
    /// Whether a deployment group is in it.
    pub fn covers(&self, key: &GroupKey) -> bool {
        let is = |wanted: &Option<Name>, name| wanted.as_ref().is_none_or(|known| known == name);
        is(&self.application, &key.application) && is(&self.group, &key.group)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.application, &self.group) {
            (Some(application), Some(group)) => f.pad(&format!("{application}/{group}")),
            (Some(application), None) => f.pad(application.as_str()),
            (None, _) => f.pad("everything"),
        }
    }
}

/// A freeze that somebody ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Freeze {
    /// What it is about.
    pub scope: Scope,
    /// Who ordered it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
}
