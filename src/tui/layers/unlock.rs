//! Why an environment is unlocked, typed: the audit trail has it before anything can be changed.

use super::confirm::DEAF;
use super::told::{Takes, Told};
use super::{Layer, Reply, window};
use crate::api::command::Command;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;
use crate::tui::widgets::field::Field;

/// The prompt on the screen.
#[derive(Debug)]
pub(crate) struct Unlock {
    environment: Name,
    pub(super) field: Field,
    shown: Timestamp,
}

/// Asks why the environment of what is selected is to be unlocked; one that is unlocked is locked at once.
pub(crate) fn turn(model: &mut Model) {
    let Some((name, _)) = model.environment() else {
        return;
    };
    let environment = name.clone();
    if model.unlocked.until(&environment, model.now).is_some() {
        model.unlocked.lock(&environment);
        model.say(format!("{environment} is locked"));
        return;
    }
    model.layers.push(Layer::Unlock(Unlock {
        environment,
        field: Field::default(),
        shown: model.now,
    }));
}

impl Unlock {
    /// When a whole line can answer it: one that was typed before is no answer. Single keys go into the field.
    pub(super) fn armed_at(&self) -> Timestamp {
        self.shown + DEAF
    }

    /// For how many minutes; nothing if the environment is gone.
    fn minutes(&self, model: &Model) -> Option<u32> {
        let view = model.view.as_ref()?;
        let environment = view.project.environments.get(&self.environment)?;
        Some(environment.unlock_minutes)
    }

    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    /// What it means.
    fn means(&self, model: &Model) -> String {
        let span = self.minutes(model).unwrap_or(0);
        let key = model.keymap.shown(Action::Unlock);
        format!(
            "Its groups can then be changed from this cockpit for {span} min; {key} locks it before that. Whoever else looks has their own lock."
        )
    }

    /// What it says to those who listen.
    pub(super) fn told(&self, model: &Model) -> Told {
        Told {
            whole: false,
            mark: String::new(),
            title: format!(
                "Unlock {}? Why? The audit trail has it; an empty line closes",
                self.environment
            ),
            lines: vec![vec![run(Role::Text, self.means(model))]],
            takes: Takes::Text,
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let width = window::columns(model);
        let name = &self.environment;
        let mut rows = window::paragraph(Role::Text, &self.means(model), width);
        rows.push(Vec::new());
        rows.push(vec![
            run(Role::Key, "why> "),
            run(Role::Text, format!("{}_", self.field.text)),
        ]);
        rows.push(vec![run(
            Role::Muted,
            "enter unlocks it, and the audit trail has why; esc closes",
        )]);
        let title = format!("Unlock {name}?");
        let inside = window::open(model, brush, rows.len(), &title, Role::Warn);
        window::rows(brush, inside, &rows, 2);
    }
}

/// Takes a key.
pub(super) fn key(
    mut unlock: Unlock,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    match action {
        Some(Action::Close) => return Reply::Close,
        Some(Action::Choose) => {
            let why = unlock.field.text.trim();
            if let (false, Some(minutes)) = (why.is_empty(), unlock.minutes(model)) {
                let command = Command::Unlock {
                    environment: unlock.environment.clone(),
                    why: why.to_owned(),
                    seconds: Some(u64::from(minutes) * 60),
                    by: model.user.clone(),
                };
                let circumstances = model.circumstances(&command);
                effects.push(Effect::Send(Box::new(command), circumstances));
                return Reply::Close;
            }
        }
        Some(_) => {}
        None => {
            unlock.field.key(key);
        }
    }
    Reply::Stay(Layer::Unlock(unlock))
}
