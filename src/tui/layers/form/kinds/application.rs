//! A new application.

use super::words::{name, project, taken};
use super::{Blank, PLAIN};
use crate::model::application::ComputePlatform;
use crate::store::documents::edit::New;
use crate::tui::layers::form::Values;

const PLATFORMS: [ComputePlatform; 3] = [
    ComputePlatform::Server,
    ComputePlatform::Lambda,
    ComputePlatform::Ecs,
];

/// What is asked.
pub(super) const BLANKS: [Blank; 2] = [
    Blank {
        name: "application",
        about: "what it is called; its folder is called so too",
        check: |typed, model, _| {
            let name = name(typed)?;
            let known = project(model).is_some_and(|it| it.applications.contains_key(&name));
            taken(known, "an application", &name)
        },
        ..PLAIN
    },
    Blank {
        name: "platform",
        about: "what its deployments act on; it never changes",
        first: |_| ComputePlatform::Server.name().to_owned(),
        choices: |_, _| PLATFORMS.map(|it| it.name().to_owned()).into(),
        check: |typed, _, _| platform(typed).map(|_| ()),
        ..PLAIN
    },
];

/// The application that was described.
///
/// # Errors
/// If a field is wrong.
pub(super) fn make(values: Values<'_>) -> Result<New, String> {
    Ok(New::Application {
        name: name(values.get("application"))?,
        platform: platform(values.get("platform"))?,
    })
}

fn platform(typed: &str) -> Result<ComputePlatform, String> {
    let found = PLATFORMS
        .into_iter()
        .find(|it| it.name().eq_ignore_ascii_case(typed));
    found.ok_or_else(|| "expected Server, Lambda or ECS".to_owned())
}
