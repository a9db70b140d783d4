//! Where a deployment group is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::name::Name;

/// A deployment group's address: its application and its name. Shown as `shop/production`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey {
    /// The application.
    pub application: Name,
    /// The deployment group.
    pub group: Name,
}

impl fmt::Display for GroupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.application, self.group))
    }
}
