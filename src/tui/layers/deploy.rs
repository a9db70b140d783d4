//! Deploying: which group, if that is not clear, which revision, then what it would do.

use super::confirm;
use super::picker::{Picked, Picker, Row};
use super::told::Choice;
use super::{Layer, Reply};
use crate::api::command::{Deploy, Preview};
use crate::model::group::{DeploymentGroup, GroupKey};
use crate::tui::action::Action;
use crate::tui::action::available::deployable;
use crate::tui::action::key::Key;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::duration::tiny;

/// A group, or a revision's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Group(GroupKey),
    Revision(String),
}

/// The question on the screen.
#[derive(Debug)]
pub(crate) struct Pick {
    pub picker: Picker<Item>,
    /// The group, once it is clear.
    group: Option<GroupKey>,
    /// The preview that was asked for.
    awaited: Option<(u64, Box<Deploy>)>,
    failure: Option<String>,
}

/// Asks for the revision; for the group first where the keys are in the applications and there is a choice.
pub(crate) fn open(model: &mut Model) -> Vec<Effect> {
    let unclear = model.focus == Pane::Applications && choices(model).count() > 1;
    model.layers.push(Layer::Deploy(Pick {
        picker: Picker::new(),
        group: model.selected.group.clone().filter(|_| !unclear),
        awaited: None,
        failure: None,
    }));
    Vec::new()
}

impl Pick {
    /// Looks at the picture again.
    pub(super) fn refresh(&mut self, model: &Model) {
        let rows = match &self.group {
            None => groups(model),
            Some(group) => revisions(model, group),
        };
        self.picker.refresh(rows, model.size.1);
    }

    /// Whether it waits for this preview.
    pub(super) fn awaits(&self, number: u64) -> bool {
        self.awaited
            .as_ref()
            .is_some_and(|(awaited, _)| *awaited == number)
    }

    /// Takes the preview, and opens the confirmation.
    pub(super) fn previewed(
        &mut self,
        model: &Model,
        result: Result<Box<Preview>, String>,
    ) -> Option<Layer> {
        let (_, deploy) = self.awaited.take()?;
        match result {
            Ok(preview) => confirm::deploy(model, deploy, preview),
            Err(reason) => {
                self.failure = Some(reason);
                None
            }
        }
    }

    /// What it asks, and how far that has come.
    pub(super) fn told(&self) -> (String, Run) {
        let title = match &self.group {
            None => "Deploy to which group?".to_owned(),
            Some(group) => format!("Deploy which revision to {group}?"),
        };
        let below = match (&self.failure, &self.awaited) {
            (Some(reason), _) => run(Role::Bad, reason.clone()),
            (_, Some(_)) => run(Role::Warn, "looking at what it would do"),
            _ => run(
                Role::Muted,
                "enter shows what it would do before anything happens, esc closes",
            ),
        };
        (title, below)
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let (title, below) = self.told();
        self.picker
            .draw(model, brush, (&title, &[below]), Choice::Deploy);
    }
}

/// The groups of the selected application, whatever the list of them is narrowed to.
fn choices(model: &Model) -> impl Iterator<Item = GroupKey> {
    let groups = model.view.iter().flat_map(|view| &view.project.groups);
    let of = model.selected.application.as_ref();
    groups
        .filter(move |group| Some(&group.application_name) == of)
        .map(DeploymentGroup::key)
}

fn groups(model: &Model) -> Vec<Row<Item>> {
    choices(model)
        .map(|key| {
            let reason = deployable(model, &key).err();
            Row {
                text: key.to_string(),
                id: Item::Group(key),
                open: reason.is_none(),
                note: reason.unwrap_or_default(),
            }
        })
        .collect()
}

fn revisions(model: &Model, group: &GroupKey) -> Vec<Row<Item>> {
    let known = model
        .view
        .as_ref()
        .and_then(|view| view.revisions.get(&group.application));
    let current = model
        .ledger(group)
        .and_then(|ledger| ledger.target_revision.as_ref());
    known
        .into_iter()
        .flatten()
        .map(|registered| {
            let revision = &registered.revision;
            let runs = if current.is_some_and(|current| current.digest == revision.digest) {
                "runs now, "
            } else {
                ""
            };
            let age = tiny(model.now.since(registered.register_time));
            Row {
                id: Item::Revision(revision.digest.to_string()),
                text: revision.label.clone(),
                note: format!(
                    "{}  {runs}{age} ago, {}",
                    revision.digest.short(),
                    registered.description
                ),
                open: true,
            }
        })
        .collect()
}

/// Takes a key.
pub(super) fn key(
    mut pick: Pick,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    match pick.picker.key(key, action) {
        Picked::Nothing => {}
        Picked::Closed => return Reply::Close,
        Picked::Chosen(Item::Group(group)) => {
            model.selected.deployment = None;
            model.selected.instance = None;
            model.selected.group = Some(group.clone());
            pick.group = Some(group);
            pick.picker = Picker::new();
        }
        Picked::Chosen(Item::Revision(digest)) => {
            if let Some(group) = pick.group.clone() {
                let deploy = Box::new(model.deploy(group, digest));
                let number = model.request();
                pick.failure = None;
                pick.awaited = Some((number, deploy.clone()));
                effects.push(Effect::Preview(number, deploy));
            }
        }
    }
    Reply::Stay(Layer::Deploy(pick))
}
