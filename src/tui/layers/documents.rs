//! Which document to change, or what to make.

use super::form::{self, Kind};
use super::picker::{Picked, Picker, Row};
use super::told::Choice;
use super::{Layer, Reply};
use crate::store::documents::place::Document;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::documents;
use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;
use crate::tui::writing::Manuscript;

/// What can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Document(Document),
    New(Kind),
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Which document to change.
    Edit,
    /// What to make.
    New,
}

/// The question on the screen.
#[derive(Debug)]
pub(crate) struct Pick {
    pub picker: Picker<Item>,
    question: Question,
}

/// Asks.
pub(crate) fn open(model: &mut Model, question: Question) {
    model.layers.push(Layer::Documents(Pick {
        picker: Picker::new(),
        question,
    }));
}

impl Pick {
    /// Looks at the picture again.
    pub(super) fn refresh(&mut self, model: &Model) {
        let rows = match self.question {
            Question::Edit => documents::all(model)
                .into_iter()
                .map(|(document, text, note)| Row {
                    id: Item::Document(document),
                    text,
                    note: note.to_owned(),
                    open: true,
                })
                .collect(),
            Question::New => form::kinds(model)
                .into_iter()
                .map(|kind| Row {
                    id: Item::New(kind),
                    text: kind.name().to_owned(),
                    note: kind.about().to_owned(),
                    open: true,
                })
                .collect(),
        };
        self.picker.refresh(rows, model.size.1);
    }

    /// What it asks, and what comes of an answer.
    pub(super) fn told(&self) -> (&'static str, Run) {
        let (title, below) = match self.question {
            Question::Edit => (
                "Edit which document?",
                "enter opens it in the editor, esc closes",
            ),
            Question::New => (
                "New: what?",
                "enter opens a form; nothing is written before you have seen it",
            ),
        };
        (title, run(Role::Muted, below))
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let (title, below) = self.told();
        self.picker
            .draw(model, brush, (title, &[below]), Choice::Document);
    }
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
        Picked::Nothing => return Reply::Stay(Layer::Documents(pick)),
        Picked::Closed => {}
        Picked::Chosen(Item::Document(document)) => {
            effects.push(Effect::Edit(Box::new(Manuscript::Document(document))));
        }
        Picked::Chosen(Item::New(kind)) => form::open(model, kind),
    }
    Reply::Close
}
