//! A deployment, with more than a key for it asks.

use super::words::{application, configuration, configurations, key, name, project};
use super::{Blank, PLAIN};
use crate::api::command::Deploy;
use crate::model::revision::RegisteredRevision;
use crate::tui::action::available::deployable;
use crate::tui::layers::form::Values;
use crate::tui::model::Model;

/// What is asked.
pub(super) const BLANKS: [Blank; 4] = [
    Blank {
        name: "group",
        about: "where it is deployed",
        first: |model| {
            let selected = model.selected.group.as_ref();
            selected.map_or_else(String::new, ToString::to_string)
        },
        choices: |model, _| {
            let groups = project(model).map(|it| it.groups.iter());
            let groups = groups.into_iter().flatten();
            groups.map(|group| group.key().to_string()).collect()
        },
        check: |typed, model, _| match key(typed) {
            Some(key) if project(model).is_some_and(|it| it.group(&key).is_some()) => {
                deployable(model, &key)
            }
            _ => Err("expected a deployment group, such as shop/production".to_owned()),
        },
        ..PLAIN
    },
    Blank {
        name: "revision",
        about: "what is deployed",
        choices: |model, values| {
            let known = revisions(model, values);
            known.map(|it| it.revision.label.clone()).collect()
        },
        check: |typed, model, values| revision(typed, model, values).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "configuration",
        about: "how fast it goes; the group's own, if you type none",
        choices: configurations,
        check: configuration,
        ..PLAIN
    },
    Blank {
        name: "description",
        about: "what it is for, for those who look later",
        ..PLAIN
    },
];

/// The deployment that was described.
///
/// # Errors
/// If a field is wrong.
pub(super) fn make(model: &Model, values: Values<'_>) -> Result<Deploy, String> {
    let group = key(values.get("group")).ok_or("no deployment group is named")?;
    let found = revision(values.get("revision"), model, values)?;
    let mut deploy = model.deploy(group, found.revision.digest.to_string());
    let named = values.get("configuration");
    if !named.is_empty() {
        deploy.configuration = Some(name(named)?);
    }
    values
        .get("description")
        .clone_into(&mut deploy.description);
    Ok(deploy)
}

/// The revisions of the application that was typed, the newest first.
fn revisions<'a>(
    model: &'a Model,
    values: Values<'_>,
) -> impl Iterator<Item = &'a RegisteredRevision> + use<'a> {
    let known = application(values).and_then(|name| model.view.as_ref()?.revisions.get(&name));
    known.into_iter().flatten()
}

fn revision<'a>(
    typed: &str,
    model: &'a Model,
    values: Values<'_>,
) -> Result<&'a RegisteredRevision, String> {
    let mut known = revisions(model, values);
    let found = known.find(|it| it.revision.label == typed);
    found.ok_or_else(|| match typed {
        "" => "which revision is missing".to_owned(),
        typed => format!("no revision is called {typed}: `cutover push` registers one"),
    })
}
