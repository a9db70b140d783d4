//! Fields as they are given on the command line.

use std::str::FromStr;

use crate::model::yaml::edit::{Change, Content};
use crate::model::yaml::{self, Path};
use crate::store::documents::edit::typed::pair;

/// `PATH=VALUE`, such as `alarmConfiguration.enabled=false`. The value is YAML.
#[derive(Clone, Debug)]
pub(super) struct Field {
    path: Path,
    content: Content,
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = pair(text)?;
        let node = yaml::parse(value).map_err(|error| format!("the value: {error}"))?;
        Ok(Self {
            path: path
                .parse()
                .map_err(|error: yaml::PathError| error.to_string())?,
            content: node.as_ref().map_or(Content::Null, Content::from),
        })
    }
}

impl Field {
    /// The change that sets it, below a path.
    pub fn set(&self, below: &Path) -> Change {
        Change::Set(below.join(&self.path), self.content.clone())
    }
}
