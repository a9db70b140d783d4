//! A share of the traffic, typed: what is typed is judged at once, and enter shows what it would do.

use super::told::{Takes, Told};
use super::{Layer, Reply, confirm, window};
use crate::engine::input::{Command, What};
use crate::engine::refusal;
use crate::model::deployment::DeploymentId;
use crate::model::traffic::{Side, Split};
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;
use crate::tui::widgets::field::Field;

/// The prompt on the screen.
#[derive(Debug)]
pub(crate) struct Share {
    /// Whose traffic.
    deployment: DeploymentId,
    pub(super) field: Field,
}

/// Asks for the share of the selected deployment's replacement.
pub(crate) fn open(model: &mut Model) {
    let id = model.selected.deployment.clone();
    model.layers.extend(id.map(|deployment| {
        Layer::Share(Share {
            deployment,
            field: Field::default(),
        })
    }));
}

impl Share {
    /// What was typed as a split that can be asked for.
    ///
    /// # Errors
    /// Why not; nothing where nothing was typed yet.
    fn wanted(&self, model: &Model) -> Result<Split, Option<String>> {
        let typed = self.field.text.trim().trim_end_matches('%').trim_end();
        if typed.is_empty() {
            return Err(None);
        }
        let wrong = || {
            Some(format!(
                "a share is a whole number from 0 to 100, not {typed}"
            ))
        };
        let number: u8 = typed.parse().map_err(|_| wrong())?;
        let split = Split::new(number).map_err(|_| wrong())?;
        let view = model.view.as_ref();
        let deployment = view.and_then(|view| view.deployments.get(&self.deployment));
        let gone = || Some("the deployment is being fetched again".to_owned());
        let deployment = deployment.ok_or_else(gone)?;
        let command = Command::new(What::Weight { split }, model.user.clone());
        match refusal(deployment, &command) {
            Some(refusal) => Err(Some(refusal.to_string())),
            None => Ok(split),
        }
    }

    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str) {
        self.field.paste(text);
    }

    /// What it says to those who listen.
    pub(super) fn told(&self, model: &Model) -> Told {
        let wrong = self.wanted(model).err().flatten();
        let mut lines = window::paragraph(Role::Text, &Self::asked(model), usize::MAX);
        lines.extend(wrong.map(|reason| vec![run(Role::Bad, reason)]));
        Told {
            whole: false,
            mark: format!("{}{lines:?}", self.field.text),
            title: format!(
                "Which share for the replacement of {}? A whole number from 0 to 100",
                self.deployment
            ),
            lines,
            takes: Takes::Text,
        }
    }

    /// The share that was asked for last.
    fn asked(model: &Model) -> String {
        let deployment = model.deployment();
        let asked = deployment.and_then(crate::engine::Deployment::split);
        asked.map_or_else(String::new, |asked| {
            format!("{} % were asked for last.", asked.replacement())
        })
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let width = window::columns(model);
        let mut rows = window::paragraph(Role::Text, &Self::asked(model), width);
        rows.push(vec![
            run(Role::Key, "replacement> "),
            run(Role::Text, format!("{}_ %", self.field.text)),
        ]);
        rows.extend(match self.wanted(model) {
            Ok(split) => {
                let text = format!("the original then has {} %", split.share(Side::Blue));
                window::paragraph(Role::Text, &text, width)
            }
            Err(Some(reason)) => window::paragraph(Role::Bad, &reason, width),
            Err(None) => window::paragraph(Role::Muted, "a whole number from 0 to 100", width),
        });
        rows.push(Vec::new());
        rows.push(vec![run(
            Role::Muted,
            "enter shows what it would do before anything happens, esc closes",
        )]);
        let title = format!("Which share for the replacement of {}?", self.deployment);
        let inside = window::open(model, brush, rows.len(), &title, Role::Focus);
        window::rows(brush, inside, &rows, 1);
    }
}

/// Takes a key.
pub(super) fn key(mut share: Share, model: &mut Model, key: Key, action: Option<Action>) -> Reply {
    match action {
        Some(Action::Close) => return Reply::Close,
        Some(Action::Choose) => {
            if let Ok(split) = share.wanted(model) {
                confirm::share(model, share.deployment.clone(), split);
                return Reply::Close;
            }
        }
        Some(_) => {}
        None => {
            share.field.key(key);
        }
    }
    Reply::Stay(Layer::Share(share))
}
