//! The palette: every place by its name or address, and every action with its key, and why it can't be done now.

use super::picker::{Picked, Picker, Row};
use super::told::Choice;
use super::{Layer, Reply};
use crate::model::address::Address;
use crate::model::timestamp::Timestamp;
use crate::tui::action::available::available;
use crate::tui::action::key::Key;
use crate::tui::action::{ACTIONS, Action, Context};
use crate::tui::calm::Calm;
use crate::tui::effect::Effect;
use crate::tui::glyph::event;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::screens;
use crate::tui::theme::Role;
use crate::tui::update::perform;

/// Something to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    At(Address),
    Do(Action),
}

/// The go-to on the screen.
#[derive(Debug)]
pub(crate) struct GoTo {
    pub picker: Picker<Place>,
    /// What was typed as its rows were made.
    typed: Option<String>,
    calm: Calm,
}

/// Opens it.
pub(crate) fn open(model: &mut Model) {
    model.layers.push(Layer::GoTo(GoTo {
        picker: Picker::new(),
        typed: None,
        calm: Calm::default(),
    }));
}

impl GoTo {
    /// When it looks at news that it has let wait.
    pub(super) fn due(&self, model: &Model) -> Option<Timestamp> {
        self.calm.due(model.news)
    }

    /// Looks at the picture again.
    pub(super) fn refresh(&mut self, model: &Model) {
        let typed = &self.picker.field.text;
        // Every instance is a row. Why an action is not available changes with the time alone, so nothing stands for long.
        if self.typed.as_ref() == Some(typed) && self.calm.young(model.now) {
            self.picker.place(model.size.1);
            return;
        }
        self.typed = Some(typed.clone());
        self.calm.made(model.news, model.now);
        let mut rows = candidates(model);
        // What is typed as an address comes first, if it leads anywhere and is not there anyway.
        let typed: Option<Address> = self.picker.field.text.trim().parse().ok();
        let leads = |address: &Address| {
            let view = model.view.as_ref();
            view.is_some_and(|view| view.find(address).is_ok())
        };
        if let Some(address) = typed.filter(leads) {
            let place = Place::At(address.clone());
            if rows.iter().all(|row| row.id != place) {
                let text = address.to_string();
                rows.insert(0, open_row(place, text, "address".to_owned()));
            }
        }
        self.picker.refresh(rows, model.size.1);
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let below = [run(
            Role::Muted,
            "type a part of a name, or an address; enter goes there, esc closes",
        )];
        self.picker
            .draw(model, brush, ("Go to", &below), Choice::GoTo);
    }
}

fn open_row(id: Place, text: String, note: String) -> Row<Place> {
    Row {
        id,
        text,
        note,
        open: true,
    }
}

fn candidates(model: &Model) -> Vec<Row<Place>> {
    let mut rows = Vec::new();
    let mut at = |address: Address, note: String| {
        let text = address.to_string();
        rows.push(open_row(Place::At(address), text, note));
    };
    if let Some(view) = &model.view {
        for group in &view.project.groups {
            at(Address::Group(group.key()), "deployment group".to_owned());
        }
        for name in view.project.applications.keys() {
            at(Address::Application(name.clone()), "application".to_owned());
        }
        if let Some(deployment) = model.deployment() {
            for target in &deployment.targets {
                let address = Address::Instance(deployment.id().clone(), target.name.clone());
                at(address, format!("instance, {}", target.status));
            }
        }
        if let Some(deployment) = model.deployment().filter(|_| model.replay.is_none()) {
            let address = Address::Output(deployment.id().clone());
            at(address, "what all instances wrote".to_owned());
        }
        if let (Some(deployment), Some(target)) = (model.deployment(), model.target()) {
            let begun = target
                .events
                .iter()
                .filter(|entry| entry.start_time.is_some());
            for entry in begun {
                let (id, name) = (deployment.id().clone(), target.name.clone());
                let note = format!("what it wrote, {}", event(entry.status).word);
                at(Address::Event(id, name, entry.event), note);
            }
        }
        for summary in view.newest.iter().filter_map(|id| view.summaries.get(id)) {
            let (group, label) = (&summary.group, &summary.revision.label);
            let note = format!("{group} {label} {}", summary.status);
            at(Address::Deployment(summary.deployment_id.clone()), note);
        }
        if model.replay.is_none() {
            at(Address::Home, "what needs a person".to_owned());
            at(Address::History, "what was deployed when".to_owned());
            let what = "every deployment configuration".to_owned();
            at(Address::Configurations, what);
            for name in view.project.configurations.keys() {
                let address = Address::Configuration(name.clone());
                at(address, "deployment configuration".to_owned());
            }
            for host in &view.project.hosts {
                at(Address::Host(host.name.clone()), "host".to_owned());
            }
            for group in &view.project.groups {
                let note = "what was deployed to it when".to_owned();
                at(Address::GroupHistory(group.key()), note);
            }
            for host in &view.project.hosts {
                let note = "what it was given".to_owned();
                at(Address::HostHistory(host.name.clone()), note);
            }
        }
        at(Address::Applications, "every application".to_owned());
    }
    let here = |context| match context {
        Context::Main | Context::Rows | Context::Output | Context::Reading => true,
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
    match place {
        Place::At(address) => {
            if let Err(nowhere) = screens::visit(model, &address) {
                model.complain(nowhere.to_string());
            }
            Vec::new()
        }
        Place::Do(action) => perform(model, action),
    }
}
