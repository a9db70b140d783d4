//! Values as people type them, in a command or in a form.

use std::str::FromStr;

use crate::model::yaml::Path;
use crate::model::yaml::edit::{Change, Content};

/// `KEY=VALUE`, such as `role=web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What stands before the sign.
    pub key: String,
    /// What stands behind it.
    pub value: String,
}

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = pair(text)?;
        Ok(Self {
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// `NAME=VALUE`.
///
/// # Errors
/// If there is no sign, or nothing before it.
pub fn pair(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key, value)),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// What selects the hosts with these tags: a list of filters for each key, all of which must match.
pub fn selection(root: &Path, tags: &[Tag]) -> Change {
    let mut keys: Vec<&str> = Vec::new();
    for tag in tags {
        if !keys.contains(&tag.key.as_str()) {
            keys.push(&tag.key);
        }
    }
    let filter = |tag: &Tag| {
        Content::mapping([
            ("Key", Content::text(&tag.key)),
            ("Value", Content::text(&tag.value)),
            ("Type", Content::text("KEY_AND_VALUE")),
        ])
    };
    let list = |key: &&str| {
        let filters = tags.iter().filter(|tag| tag.key == **key).map(filter);
        Content::Sequence(filters.collect())
    };
    let lists = Content::Sequence(keys.iter().map(list).collect());
    Change::Set(root.key("ec2TagSet").key("ec2TagSetList"), lists)
}

/// `75%` or `3`: what must stay healthy, as `minimumHealthyHosts` says it.
///
/// # Errors
/// If it is neither.
pub fn healthy(text: &str) -> Result<Content, String> {
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

/// When a deployment is rolled back: `off`, or some of `failure`, `alarm` and `request`.
///
/// # Errors
/// If it is something else.
pub fn rollback(root: &Path, events: &[&str]) -> Result<Vec<Change>, String> {
    let path = root.key("autoRollbackConfiguration");
    let mut names = Vec::new();
    for event in events {
        names.push(match *event {
            "failure" => "DEPLOYMENT_FAILURE",
            "alarm" => "DEPLOYMENT_STOP_ON_ALARM",
            "request" => "DEPLOYMENT_STOP_ON_REQUEST",
            "off" if events.len() == 1 => continue,
            "off" => return Err("it is off or a list of events".to_owned()),
            other => {
                return Err(format!(
                    "{other} is none of failure, alarm, request and off"
                ));
            }
        });
    }
    let mut changes = vec![Change::Set(
        path.key("enabled"),
        Content::flag(!names.is_empty()),
    )];
    if !names.is_empty() {
        let names = names.into_iter().map(Content::text).collect();
        changes.push(Change::Set(path.key("events"), Content::Sequence(names)));
    }
    Ok(changes)
}

/// What a configuration for the Server platform may say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// What must stay healthy, as [`healthy`] reads it.
    pub minimum_healthy: Option<Content>,
    /// The same for each zone.
    pub per_zone: Option<Content>,
    /// The seconds that are waited after each zone.
    pub monitor: Option<u64>,
    /// The seconds that are waited after the first zone.
    pub first_zone_monitor: Option<u64>,
}

impl Pace {
    /// What says it in a document.
    pub fn changes(&self, root: &Path) -> Vec<Change> {
        let zones = root.key("zonalConfig");
        let number = |number: Option<u64>| number.map(Content::number);
        let fields = [
            (
                root.key("minimumHealthyHosts"),
                self.minimum_healthy.clone(),
            ),
            (zones.key("monitorDurationInSeconds"), number(self.monitor)),
            (
                zones.key("firstZoneMonitorDurationInSeconds"),
                number(self.first_zone_monitor),
            ),
            (
                zones.key("minimumHealthyHostsPerZone"),
                self.per_zone.clone(),
            ),
        ];
        let given = fields.into_iter();
        given
            .filter_map(|(path, content)| Some(Change::Set(path, content?)))
            .collect()
    }
}
