//! What fields have in common: names that are known, and words that mean something.

use crate::model::application::ComputePlatform;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::store::documents::edit::typed::Tag;
use crate::tui::layers::form::Values;
use crate::tui::model::Model;

/// The documents, as the picture has them.
pub(super) fn project(model: &Model) -> Option<&Project> {
    model.view.as_ref().map(|view| &view.project)
}

/// `shop/production`
pub(super) fn key(typed: &str) -> Option<GroupKey> {
    let (application, group) = typed.split_once('/')?;
    Some(GroupKey {
        application: application.parse().ok()?,
        group: group.parse().ok()?,
    })
}

/// The application that was typed, by itself or with its group.
pub(super) fn application(values: Values<'_>) -> Option<Name> {
    let typed = match values.get("application") {
        "" => values.get("group").split('/').next().unwrap_or_default(),
        typed => typed,
    };
    typed.parse().ok()
}

/// The platform of the application that was typed; Server, before it is known.
pub(super) fn of_group(model: &Model, values: Values<'_>) -> ComputePlatform {
    let named = application(values);
    let application = named.and_then(|name| project(model)?.applications.get(&name));
    application.map_or(ComputePlatform::Server, |it| it.compute_platform)
}

/// The configurations for the platform of the application that was typed.
pub(super) fn configurations(model: &Model, values: Values<'_>) -> Vec<String> {
    let platform = of_group(model, values);
    let all = project(model).map(|it| it.configurations.values());
    all.into_iter()
        .flatten()
        .filter(|it| it.compute_platform == platform)
        .map(|it| it.deployment_config_name.to_string())
        .collect()
}

/// Whether there is such a configuration for that platform; none is one of them.
///
/// # Errors
/// If there is none.
pub(super) fn configuration(typed: &str, model: &Model, values: Values<'_>) -> Result<(), String> {
    if typed.is_empty() || configurations(model, values).iter().any(|it| it == typed) {
        return Ok(());
    }
    let platform = of_group(model, values).name();
    Err(format!("there is no configuration {typed} for {platform}"))
}

/// A name.
///
/// # Errors
/// If it is none.
pub(super) fn name(typed: &str) -> Result<Name, String> {
    typed
        .parse()
        .map_err(|error: crate::model::name::NameError| error.to_string())
}

/// Whether a name is free.
///
/// # Errors
/// If it is not.
pub(super) fn taken(known: bool, kind: &str, name: impl std::fmt::Display) -> Result<(), String> {
    if known {
        return Err(format!("there is {kind} {name} already"));
    }
    Ok(())
}

/// Whether it is one of these.
///
/// # Errors
/// If it is not.
pub(super) fn one_of(typed: &str, all: &[&str]) -> Result<(), String> {
    if all.contains(&typed) {
        return Ok(());
    }
    Err(format!("expected {}", all.join(" or ")))
}

/// Tags, with blanks between them.
///
/// # Errors
/// If one of them is none.
pub(super) fn tags(typed: &str) -> Result<Vec<Tag>, String> {
    typed
        .split_whitespace()
        .map(|tag| {
            let wrong = |_| format!("expected KEY=VALUE, such as role=web, not {tag}");
            tag.parse().map_err(wrong)
        })
        .collect()
}

/// The tags that hosts have.
pub(super) fn tags_of_hosts(model: &Model) -> Vec<String> {
    let hosts = project(model).map(|it| it.hosts.iter());
    let tags = hosts.into_iter().flatten().flat_map(|host| &host.tags);
    sorted(tags.map(|(key, value)| format!("{key}={value}")))
}

/// Each once, in their order.
pub(super) fn sorted(all: impl Iterator<Item = String>) -> Vec<String> {
    let unique: std::collections::BTreeSet<String> = all.collect();
    unique.into_iter().collect()
}
