//! A form: fields that are completed with the project's own names and judged as they are left. It makes a draft; the whole
//! project is checked with that, and its difference is shown before anything is written.
//!
//! ```text
//! ┌ New deployment group ─────────────────────────────────────────────────────┐
//! │ application    shop                                                       │
//! │ group          canary                                                     │
//! │ configuration  CodeDeployDefault.H_alfAtATime                             │
//! │                HalfAtATime is taken with tab; or …                        │
//! │ …                                                                         │
//! │ tab goes on, enter on the last field shows what would be written          │
//! └───────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A form is data: what is asked, and what is made of it, is in `kinds`. A form for a deployment makes no document: it goes to the
//! preview that every deployment has.

mod draw;
mod kinds;

pub(crate) use self::kinds::Kind;
use self::kinds::{Blank, Made};
use super::confirm;
use super::review;
use super::{Layer, Reply};
use crate::api::command::{Deploy, Preview};
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Pane};
use crate::tui::screens::Screen;
use crate::tui::widgets::field::Field;
use crate::tui::writing::Reviewed;

/// The form on the screen.
#[derive(Debug)]
pub(crate) struct Form {
    kind: Kind,
    entries: Vec<Entry>,
    /// The field that has the keys.
    at: usize,
    /// Something was typed since the field has the keys.
    touched: bool,
    /// What is being made of it.
    awaited: Option<Awaited>,
    /// Why nothing was.
    failure: Option<String>,
}

/// What a form waits for: an answer with a number.
#[derive(Debug)]
enum Awaited {
    Draft(u64),
    Preview(u64, Box<Deploy>),
}

/// A field, and what was typed.
#[derive(Debug)]
struct Entry {
    blank: &'static Blank,
    field: Field,
    /// Somebody was there, and went on: what is wrong with it is said.
    left: bool,
}

/// What was typed in the fields, by their names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a>(&'a [Entry]);

impl<'a> Values<'a> {
    /// What was typed; nothing, if there is no such field.
    fn get(self, name: &str) -> &'a str {
        let entry = self.0.iter().find(|entry| entry.blank.name == name);
        entry.map_or("", |entry| entry.field.text.trim())
    }

    /// The words that were typed.
    fn words(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get(name).split_whitespace()
    }
}

/// What can be made, what belongs to the place where somebody is first.
pub(crate) fn kinds(model: &Model) -> Vec<Kind> {
    let near = match (model.screen, model.focus) {
        (Screen::Hosts, _) => Kind::Host,
        (Screen::Configurations, _) => Kind::Configuration,
        (Screen::Rollouts, pane) if pane != Pane::Applications => Kind::Group,
        _ => Kind::Application,
    };
    let others = Kind::ALL.into_iter().filter(|kind| *kind != near);
    std::iter::once(near).chain(others).collect()
}

/// Opens an empty form, with what is selected in the fields that ask for it.
pub(crate) fn open(model: &mut Model, kind: Kind) {
    let entries = kind.blanks().iter();
    let entries: Vec<Entry> = entries
        .map(|blank| Entry {
            blank,
            field: Field {
                text: (blank.first)(model),
            },
            left: false,
        })
        .collect();
    let empty = entries.iter().position(|entry| entry.field.text.is_empty());
    model.layers.push(Layer::Form(Box::new(Form {
        kind,
        at: empty.unwrap_or(0),
        entries,
        touched: false,
        awaited: None,
        failure: None,
    })));
}

impl Form {
    /// Whether it waits for this draft.
    pub(super) fn awaits(&self, number: u64) -> bool {
        matches!(self.awaited, Some(Awaited::Draft(awaited)) if awaited == number)
    }

    /// Whether it waits for this preview of a deployment.
    pub(super) fn awaits_preview(&self, number: u64) -> bool {
        matches!(self.awaited, Some(Awaited::Preview(awaited, _)) if awaited == number)
    }

    /// Takes the preview, and opens the confirmation.
    pub(super) fn previewed(
        &mut self,
        model: &Model,
        result: Result<Box<Preview>, String>,
    ) -> Option<Layer> {
        let Some(Awaited::Preview(_, deploy)) = self.awaited.take() else {
            return None;
        };
        match result {
            Ok(preview) => confirm::deploy(model, deploy, preview),
            Err(reason) => {
                self.failure = Some(reason);
                None
            }
        }
    }

    /// Takes the draft that was made, or why none was.
    pub(super) fn prepared(&mut self, result: Result<Box<Reviewed>, String>) -> Option<Reviewed> {
        self.awaited = None;
        match result {
            Ok(reviewed) => Some(*reviewed),
            Err(reason) => {
                self.failure = Some(reason);
                None
            }
        }
    }

    /// What is typed into.
    pub(super) fn field(&mut self) -> Option<&mut Field> {
        self.entries.get_mut(self.at).map(|entry| &mut entry.field)
    }

    /// A line that was typed whole.
    pub(super) fn retype(&mut self, text: &str) {
        if let Some(field) = self.field() {
            field.set(text);
        }
        self.touched = true;
        self.failure = None;
    }

    /// Takes pasted text into the field that has the keys.
    pub(super) fn paste(&mut self, text: &str) {
        if let Some(entry) = self.entries.get_mut(self.at) {
            entry.field.paste(text);
            self.touched = true;
            self.failure = None;
        }
    }

    /// Whether it makes a host, which may join then.
    pub(crate) fn makes_a_host(&self) -> bool {
        self.kind == Kind::Host
    }

    fn values(&self) -> Values<'_> {
        Values(&self.entries)
    }

    /// Whether a field is asked for, as the others are filled in.
    fn asked(&self, model: &Model, entry: &Entry) -> bool {
        (entry.blank.asked)(model, self.values())
    }

    /// What is wrong with a field.
    fn wrong(&self, model: &Model, entry: &Entry) -> Option<String> {
        let typed = entry.field.text.trim();
        (entry.blank.check)(typed, model, self.values()).err()
    }

    /// What may stand in the field, best first: what begins as it was typed, then what has that in it.
    fn choices(&self, model: &Model, entry: &Entry) -> Vec<String> {
        let typed = entry.word().to_lowercase();
        let all = (entry.blank.choices)(model, self.values());
        let (mut first, rest): (Vec<String>, Vec<String>) = all
            .into_iter()
            .partition(|choice| choice.to_lowercase().starts_with(&typed));
        let within = rest.into_iter();
        first.extend(within.filter(|choice| choice.to_lowercase().contains(&typed)));
        first
    }

    /// What completes the field, if something was typed that is not whole.
    fn completion(&self, model: &Model, entry: &Entry) -> Option<String> {
        let typed = entry.word();
        let choices = self.choices(model, entry);
        let whole = choices.iter().any(|choice| choice == typed);
        if typed.is_empty() || whole {
            return None;
        }
        choices.into_iter().next()
    }

    /// Completes the field that has the keys.
    fn complete(&mut self, model: &Model) {
        let entry = self.entries.get(self.at);
        let completed = entry.and_then(|entry| self.completion(model, entry));
        if let (Some(whole), Some(entry)) = (completed, self.entries.get_mut(self.at)) {
            let before = entry.field.text.len() - entry.word().len();
            entry.field.text.truncate(before);
            entry.field.text.push_str(&whole);
        }
    }

    /// Goes to the next field that is asked for, or the one before; `false` if there is none.
    fn step(&mut self, model: &Model, forward: bool) -> bool {
        if let Some(entry) = self.entries.get_mut(self.at) {
            entry.left = true;
        }
        self.touched = false;
        let asked = |at: &usize| {
            let entry = self.entries.get(*at);
            entry.is_some_and(|entry| self.asked(model, entry))
        };
        let next = if forward {
            (self.at + 1..self.entries.len()).find(asked)
        } else {
            (0..self.at).rev().find(asked)
        };
        self.at = next.unwrap_or(self.at);
        next.is_some()
    }

    /// Goes to the first field that is wrong; `false` if none is.
    fn stumble(&mut self, model: &Model) -> bool {
        for entry in &mut self.entries {
            entry.left = true;
        }
        let wrong = self
            .entries
            .iter()
            .position(|entry| self.asked(model, entry) && self.wrong(model, entry).is_some());
        self.at = wrong.unwrap_or(self.at);
        wrong.is_some()
    }

    /// Takes what is typed into the field that has the keys. What stands there already, and is one of few, is replaced.
    fn type_in(&mut self, model: &Model, key: Key) {
        let chosen = self.entries.get(self.at).is_some_and(|entry| {
            let choices = (entry.blank.choices)(model, self.values());
            !entry.blank.many && choices.contains(&entry.field.text)
        });
        let replaces = chosen && !self.touched && key.typed().is_some();
        if let Some(entry) = self.entries.get_mut(self.at) {
            if replaces {
                entry.field.text.clear();
            }
            if entry.field.key(key) {
                self.touched = true;
                self.failure = None;
            }
        }
    }

    /// Asks for what is to be made, if every field is right.
    fn submit(&mut self, model: &mut Model) -> Option<Effect> {
        if self.stumble(model) {
            return None;
        }
        match self.kind.make(model, self.values()) {
            Ok(made) => {
                let number = model.request();
                self.failure = None;
                Some(match made {
                    Made::New(new) => {
                        self.awaited = Some(Awaited::Draft(number));
                        Effect::Prepare(number, new)
                    }
                    Made::Deploy(deploy) => {
                        self.awaited = Some(Awaited::Preview(number, deploy.clone()));
                        Effect::Preview(number, deploy)
                    }
                })
            }
            Err(reason) => {
                self.failure = Some(reason);
                None
            }
        }
    }
}

impl Entry {
    /// The word that is being typed: all of it, where the field takes one.
    fn word(&self) -> &str {
        let text = self.field.text.trim_start();
        if self.blank.many {
            text.rsplit(char::is_whitespace).next().unwrap_or_default()
        } else {
            text
        }
    }
}

/// Takes a draft to the form that waits for it, and shows it.
pub(crate) fn prepared(model: &mut Model, number: u64, result: Result<Box<Reviewed>, String>) {
    let form = model.layers.iter_mut().find_map(|layer| match layer {
        Layer::Form(form) if form.awaits(number) => Some(form),
        _ => None,
    });
    if let Some(reviewed) = form.and_then(|form| form.prepared(result)) {
        review::open(model, reviewed);
    }
}

/// Takes a key.
pub(super) fn key(
    mut form: Box<Form>,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    match action {
        Some(Action::FormClose) => return Reply::Close,
        Some(Action::FormNext) => {
            form.complete(model);
            form.step(model, true);
        }
        Some(Action::FormPrevious) => {
            form.step(model, false);
        }
        // What it has asked for is on its way.
        Some(Action::FormTake) if form.awaited.is_some() => {}
        Some(Action::FormTake) => {
            if !form.step(model, true) {
                effects.extend(form.submit(model));
            }
        }
        Some(_) => {}
        None => form.type_in(model, key),
    }
    Reply::Stay(Layer::Form(form))
}
