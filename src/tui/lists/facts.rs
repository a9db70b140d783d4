//! What is known of a row: what a filter looks at, and what it is sorted by.

use crate::api::configuration::{is_predefined, users};
use crate::api::host::HostView;
use crate::api::view::View;
use crate::engine::Deployment;
use crate::engine::Summary;
use crate::engine::deployment::Target;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::glyph;

/// The values of a row: its name, and its fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts(Vec<(&'static str, String)>);

impl Facts {
    /// Those of a row of this name.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self(vec![("", name.into())])
    }

    /// With a field more.
    #[must_use]
    pub(crate) fn with(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.0.push((field, value.into()));
        self
    }

    /// The values of a field, or all.
    pub(crate) fn values(&self, field: Option<&'static str>) -> impl Iterator<Item = &str> {
        let all = self.0.iter();
        let wanted = all.filter(move |(name, _)| field.is_none_or(|field| field == *name));
        wanted.map(|(_, value)| value.as_str())
    }
}

/// What rows are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Number(i64),
    Text(String),
}

fn text(text: impl Into<String>) -> Key {
    Key::Text(text.into())
}

fn span(from: Option<Timestamp>, to: Timestamp) -> Key {
    Key::Number(from.map_or(-1, |from| to.0 - from.0))
}

/// What is known of an application.
pub(crate) fn application(view: &View, name: &Name) -> Facts {
    Facts::new(name.as_str()).with("platform", platform(view, name))
}

fn platform(view: &View, name: &Name) -> &'static str {
    let application = view.project.applications.get(name);
    application.map_or("", |application| application.compute_platform.name())
}

/// What an application is sorted by.
pub(crate) fn application_key(view: &View, name: &Name) -> Key {
    text(platform(view, name))
}

/// What is known of a deployment group.
pub(crate) fn group(view: &View, key: &GroupKey) -> Facts {
    Facts::new(key.group.as_str())
        .with("style", style(view, key))
        .with("status", status(view, key))
}

fn style(view: &View, key: &GroupKey) -> &'static str {
    let group = view.project.group(key);
    group.map_or("", |group| group.deployment_style.deployment_type.label())
}

/// How the last deployment of a group stands.
fn status(view: &View, key: &GroupKey) -> &'static str {
    let ledger = view.ledgers.get(key);
    let last = ledger.and_then(|ledger| ledger.last_attempted_deployment.as_ref());
    let summary = last.and_then(|last| view.summaries.get(&last.deployment_id));
    summary.map_or("", |summary| standing(view, summary))
}

fn standing(view: &View, summary: &Summary) -> &'static str {
    match view.deployments.get(&summary.deployment_id) {
        Some(whole) => glyph::standing(whole).word,
        None => glyph::deployment(summary.status).word,
    }
}

/// What a deployment group is sorted by.
pub(crate) fn group_key(view: &View, key: &GroupKey, column: &str) -> Key {
    match column {
        "style" => text(style(view, key)),
        "status" => text(status(view, key)),
        _ => text(key.group.as_str()),
    }
}

/// What is known of a deployment.
pub(crate) fn deployment(view: &View, summary: &Summary) -> Facts {
    Facts::new(summary.deployment_id.as_str())
        .with("status", standing(view, summary))
        .with("status", summary.status.to_string())
        .with("revision", summary.revision.label.clone())
        .with("by", summary.by.clone())
}

/// What a deployment is sorted by.
pub(crate) fn deployment_key(view: &View, summary: &Summary, now: Timestamp, column: &str) -> Key {
    match column {
        "status" => text(standing(view, summary)),
        "revision" => text(summary.revision.label.clone()),
        "person" => text(summary.by.clone()),
        _ => span(summary.start_time, summary.complete_time.unwrap_or(now)),
    }
}

/// What is known of an instance.
pub(crate) fn instance(deployment: &Deployment, position: usize) -> Facts {
    let Some(target) = deployment.targets.get(position) else {
        return Facts::default();
    };
    let mut facts =
        Facts::new(target.name.as_str()).with("status", glyph::target(target.status).word);
    if let Some(side) = target.side {
        facts = facts.with("side", side.label());
    }
    if let Some(zone) = deployment
        .spec
        .targets
        .get(position)
        .and_then(|t| t.zone.clone())
    {
        facts = facts.with("zone", zone);
    }
    facts
}

/// What an instance is sorted by.
pub(crate) fn instance_key(target: &Target, now: Timestamp, column: &str) -> Key {
    match column {
        "name" => text(target.name.as_str()),
        "status" => text(glyph::target(target.status).word),
        _ => span(target.start_time, target.end_time.unwrap_or(now)),
    }
}

/// What is known of a host. What is wrong with it is not: that changes while somebody types.
pub(crate) fn host(host: HostView<'_>) -> Facts {
    let mut facts = Facts::new(host.host.name.as_str())
        .with("state", host.state().word())
        .with("system", host.os());
    for (key, value) in host.host.all_tags() {
        facts = facts.with("tag", format!("{key}={value}"));
    }
    for installed in host.installed() {
        facts = facts.with("installed", installed);
    }
    if let Some(zone) = &host.host.zone {
        facts = facts.with("zone", zone.clone());
    }
    facts
}

/// What a host is sorted by.
pub(crate) fn host_key(host: HostView<'_>, now: Timestamp, column: &str) -> Key {
    match column {
        "name" => text(host.host.name.as_str()),
        "up" => Key::Number(
            host.uptime(now)
                .map_or(-1, |up| i64::try_from(up.as_secs()).unwrap_or(i64::MAX)),
        ),
        "free" => Key::Number(
            host.disk()
                .map_or(-1, |disk| i64::try_from(disk.free).unwrap_or(i64::MAX)),
        ),
        _ => text(host.os()),
    }
}

/// What is known of a deployment configuration.
pub(crate) fn configuration(view: &View, name: &Name) -> Facts {
    let known = view.project.configurations.get(name);
    let origin = if is_predefined(name) {
        "predefined"
    } else {
        "own"
    };
    let mut facts = Facts::new(name.as_str()).with("origin", origin);
    if let Some(known) = known {
        facts = facts.with("platform", known.compute_platform.name());
    }
    for group in users(&view.project, name) {
        facts = facts.with("group", group.key().to_string());
    }
    facts
}

/// What a deployment configuration is sorted by.
pub(crate) fn configuration_key(view: &View, name: &Name, column: &str) -> Key {
    match column {
        "platform" => {
            let known = view.project.configurations.get(name);
            text(known.map_or("", |known| known.compute_platform.name()))
        }
        // Those that most groups use come first.
        "used" => {
            let users = users(&view.project, name).count();
            Key::Number(i64::try_from(users).map_or(i64::MIN, |users| -users))
        }
        _ => text(name.as_str()),
    }
}
