//! Go to anything by name: applications, groups, deployments, instances, and actions with their keys.

use super::picker::{Picked, Picker, Row};
use super::{Layer, Reply};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::tui::action::available::available;
use crate::tui::action::key::Key;
use crate::tui::action::{ACTIONS, Action, Context};
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;
use crate::tui::update::{perform, select_deployment};

/// Something to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Application(Name),
    Group(GroupKey),
    Deployment(DeploymentId),
    Instance(Name),
    Do(Action),
}

/// The go-to on the screen.
#[derive(Debug)]
pub(crate) struct GoTo {
    pub picker: Picker<Place>,
}

/// Opens it.
pub(crate) fn open(model: &mut Model) {
    model.layers.push(Layer::GoTo(GoTo {
        picker: Picker::new(),
    }));
}

impl GoTo {
    /// Looks at the picture again.
    pub(super) fn refresh(&mut self, model: &Model) {
        self.picker.refresh(candidates(model), model.size.1);
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let below = [run(
            Role::Muted,
            "type a part of a name; enter goes there, esc closes",
        )];
        self.picker.draw(model, brush, "Go to", &below);
    }
}

fn candidates(model: &Model) -> Vec<Row<Place>> {
    let mut rows = Vec::new();
    if let Some(view) = &model.view {
        let open = |id, text: String, note: String| Row {
            id,
            text,
            note,
            open: true,
        };
        rows.extend(view.project.groups.iter().map(|group| {
            let key = GroupKey {
                application: group.application_name.clone(),
                group: group.deployment_group_name.clone(),
            };
            open(
                Place::Group(key.clone()),
                key.to_string(),
                "deployment group".to_owned(),
            )
        }));
        rows.extend(view.project.applications.keys().map(|name| {
            open(
                Place::Application(name.clone()),
                name.to_string(),
                "application".to_owned(),
            )
        }));
        if let Some(deployment) = model.deployment() {
            rows.extend(deployment.targets.iter().map(|target| {
                open(
                    Place::Instance(target.name.clone()),
                    target.name.to_string(),
                    format!("instance, {}", target.status),
                )
            }));
        }
        rows.extend(
            view.newest
                .iter()
                .filter_map(|id| view.summaries.get(id))
                .map(|summary| {
                    let note = format!(
                        "{} {} {}",
                        summary.group, summary.revision.label, summary.status
                    );
                    open(
                        Place::Deployment(summary.deployment_id.clone()),
                        summary.deployment_id.to_string(),
                        note,
                    )
                }),
        );
    }
    let here = |context| match context {
        Context::Main | Context::Rows | Context::Output => true,
        Context::Replay => model.replay.is_some(),
        _ => false,
    };
    rows.extend(
        ACTIONS
            .iter()
            .filter(|entry| here(entry.context))
            .map(|entry| {
                let reason = available(entry.action, model).err();
                let key = model.keymap.shown(entry.action);
                Row {
                    id: Place::Do(entry.action),
                    text: entry.name.to_owned(),
                    note: match &reason {
                        Some(reason) => format!("{key}  not now: {reason}"),
                        None => format!("{key}  {}", entry.doc),
                    },
                    open: reason.is_none(),
                }
            }),
    );
    rows
}

/// Takes a key.
pub(super) fn key(
    mut goto: GoTo,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    match goto.picker.key(key, action) {
        Picked::Nothing => return Reply::Stay(Layer::GoTo(goto)),
        Picked::Closed => {}
        Picked::Chosen(place) => effects.extend(go(model, place)),
    }
    Reply::Close
}

fn go(model: &mut Model, place: Place) -> Vec<Effect> {
    let selected = &mut model.selected;
    match place {
        Place::Application(name) => {
            selected.group = None;
            selected.deployment = None;
            selected.instance = None;
            selected.application = Some(name);
            model.focus = Pane::Applications;
        }
        Place::Group(key) => {
            selected.deployment = None;
            selected.instance = None;
            selected.application = Some(key.application.clone());
            selected.group = Some(key);
            model.focus = Pane::Groups;
        }
        Place::Deployment(id) => {
            select_deployment(model, &id);
            model.focus = Pane::Deployments;
        }
        Place::Instance(name) => {
            selected.instance = Some(name);
            model.focus = Pane::Instances;
        }
        Place::Do(action) => return perform(model, action),
    }
    Vec::new()
}
