//! Fields and tags as they are given on the command line.

use std::str::FromStr;

use crate::model::yaml::edit::{Change, Content};
use crate::model::yaml::{self, Path};

/// `PATH=VALUE`, such as `alarmConfiguration.enabled=false`. The value is YAML.
#[derive(Clone, Debug)]
pub(super) struct Field {
    path: Path,
    content: Content,
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = split(text)?;
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

/// `KEY=VALUE`, such as `role=web`.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub key: String,
    pub value: String,
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = split(text)?;
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

fn split(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// `75%` or `3`: what must stay healthy, as `minimumHealthyHosts` says it.
pub(super) fn healthy(text: &str) -> Result<Content, String> {
    let (kind, number) = match text.strip_suffix('%') {
        Some(number) => ("FLEET_PERCENT", number),
        None => ("HOST_COUNT", text),
    };
    let value = number.parse::<u32>().map_err(|_| {
        "expected a percentage such as 75% or a number of hosts such as 3".to_owned()
    })?;
    Ok(Content::mapping([
        ("type", Content::text(kind)),
        ("value", Content::number(value.into())),
    ]))
}
