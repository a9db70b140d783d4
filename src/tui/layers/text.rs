//! What is selected, whole: as the door gives it, or in words; as it was when it was asked for.

use super::reading::{Page, Reading, Rows};
use super::written::Written;
use super::{Layer, Reply, window};
use crate::api::whole::Whole;
use crate::model::address::Address;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Run, run};
use crate::tui::screens::{self, Screen};
use crate::tui::theme::Role;

/// A text on the screen.
#[derive(Debug)]
pub(crate) struct Text {
    /// What a file of it is called.
    name: String,
    title: String,
    ending: &'static str,
    /// As it is copied and saved.
    raw: String,
    /// As it is shown.
    written: Written,
    pub(super) reading: Reading,
}

/// What is selected.
fn selected(model: &Model) -> Option<Address> {
    let selected = &model.selected;
    match (model.screen, model.focus) {
        (Screen::Home, _) => model.home.selected(),
        (Screen::Hosts, _) => model.hosts.selected().map(Address::Host),
        (Screen::Configurations, _) => model.configurations.selected().map(Address::Configuration),
        (Screen::History, _) => screens::subject(model).map(Address::Deployment),
        (Screen::Rollouts, Pane::Applications) => {
            selected.application.clone().map(Address::Application)
        }
        (Screen::Rollouts, Pane::Groups) => selected.group.clone().map(Address::Group),
        (Screen::Rollouts, Pane::Deployments) => {
            selected.deployment.clone().map(Address::Deployment)
        }
        (Screen::Rollouts, Pane::Instances | Pane::Output) => {
            let id = selected.deployment.clone()?;
            Some(match selected.instance.clone() {
                Some(name) => Address::Instance(id, name),
                None => Address::Deployment(id),
            })
        }
    }
}

/// What can be shown of it.
///
/// # Errors
/// Why nothing can.
pub(crate) fn whole(model: &Model) -> Result<(Address, Whole<'_>), String> {
    let at = selected(model).ok_or("nothing is selected")?;
    let view = model.view.as_ref().ok_or("nothing is known yet")?;
    let Some(whole) = Whole::find(view, &at) else {
        let key = model.keymap.shown(Action::Enter);
        return Err(format!("{at} is not here whole: {key} opens it"));
    };
    Ok((at, whole))
}

/// Shows it as the door gives it.
pub(crate) fn raw(model: &mut Model) {
    open(model, "json", |model, whole| {
        let json = whole.json(model.view.as_ref()?, model.present());
        serde_json::to_string_pretty(&json).ok()
    });
}

/// Shows it in words.
pub(crate) fn details(model: &mut Model) {
    open(model, "txt", |model, whole| {
        let lines = whole.lines(model.view.as_ref()?, model.present(), model.clock);
        Some(lines.join("\n"))
    });
}

fn open(
    model: &mut Model,
    ending: &'static str,
    write: impl Fn(&Model, Whole<'_>) -> Option<String>,
) {
    let Ok((at, whole)) = whole(model) else {
        return;
    };
    let Some(text) = write(model, whole) else {
        return;
    };
    let mut text = Text {
        name: at.to_string().replace(['/', ':'], "-"),
        title: format!("{at}, as of {}", (model.clock)(model.present())),
        ending,
        written: Written::new(&text),
        raw: text + "\n",
        reading: Reading::default(),
    };
    text.refresh(model);
    model.layers.push(Layer::Text(Box::new(text)));
}

impl Text {
    /// Fits it into the screen.
    pub(super) fn refresh(&mut self, model: &Model) {
        if self.written.fit(window::columns(model)) {
            self.reading.again(Rows::Written(&self.written));
        }
    }

    /// What it says, to those who listen.
    pub(super) fn told(&self) -> (&str, Vec<Vec<Run>>) {
        let lines = self.written.lines().map(|line| vec![run(Role::Text, line)]);
        (&self.title, lines.collect())
    }

    /// Takes a key.
    pub(super) fn key(
        mut self: Box<Self>,
        model: &mut Model,
        key: (Key, Option<Action>),
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let page = Page {
            file: (&self.name, self.ending),
            rows: Rows::Written(&self.written),
            text: Some(&self.raw),
        };
        if self.reading.key(model, key, &page, effects) {
            Reply::Stay(Layer::Text(self))
        } else {
            Reply::Close
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let rows = Rows::Written(&self.written);
        self.reading.draw(model, brush, &self.title, rows);
    }
}
