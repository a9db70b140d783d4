//! What is seen is written to a file: the screen as it is, or the rows of the list that has the keys.

use super::picker::{Picked, Picker, Row};
use super::told::Choice;
use super::{Layer, Reply};
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::effect::Effect;
use crate::tui::lists::{List, rows};
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;
use crate::tui::{picture, screens};

/// What it asks.
pub(super) const TITLE: &str = "Write what you see as what?";

/// As what it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Ansi,
    Svg,
    Csv,
    Json,
}

impl Form {
    const ALL: [Self; 5] = [Self::Text, Self::Ansi, Self::Svg, Self::Csv, Self::Json];

    /// What its files end in, and what it is.
    fn said(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("txt", "the screen as text"),
            Self::Ansi => (
                "ansi",
                "the screen as text with its colours: `cat` shows it",
            ),
            Self::Svg => ("svg", "the screen as a picture"),
            Self::Csv => ("csv", "all rows of the list, for a spreadsheet"),
            Self::Json => ("json", "all rows of the list, for a program"),
        }
    }

    fn is_of_rows(self) -> bool {
        matches!(self, Self::Csv | Self::Json)
    }

    /// What is written; nothing where there are no rows.
    fn write(self, model: &Model) -> Option<String> {
        let screen = || picture::of(model);
        match self {
            Self::Text => Some(picture::text(&screen())),
            Self::Ansi => Some(picture::ansi(&screen())),
            Self::Svg => Some(picture::svg(&screen())),
            Self::Csv => rows::of(model).map(|rows| rows.csv()),
            Self::Json => rows::of(model).map(|rows| rows.json()),
        }
    }
}

/// The question on the screen.
#[derive(Debug)]
pub(crate) struct Export {
    pub(super) picker: Picker<Form>,
}

/// Asks as what.
pub(crate) fn open(model: &mut Model) {
    model.layers.push(Layer::Export(Export {
        picker: Picker::new(),
    }));
}

impl Export {
    /// Looks at the picture again.
    pub(super) fn refresh(&mut self, model: &Model) {
        let rows = List::with_keys(model).is_some();
        let row = |form: Form| {
            let (ending, what) = form.said();
            let (open, why) = if form.is_of_rows() {
                (rows, "output has the keys here: it has no rows")
            } else {
                (!model.theme.words, "here is no screen")
            };
            let note = if open { what } else { why };
            Row {
                id: form,
                text: ending.to_owned(),
                note: note.to_owned(),
                open,
            }
        };
        let all = Form::ALL.into_iter().map(row).collect();
        self.picker.refresh(all, model.size.1);
    }

    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str) {
        self.picker.paste(text);
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let below = "enter writes a new file in the folder that the cockpit was started in";
        let below = [run(Role::Muted, below)];
        self.picker
            .draw(model, brush, (TITLE, &below), Choice::Export);
    }
}

/// Takes a key.
pub(super) fn key(
    mut export: Export,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    match export.picker.key(key, action) {
        Picked::Nothing => Reply::Stay(Layer::Export(export)),
        Picked::Closed => Reply::Close,
        Picked::Chosen(form) => {
            // The question itself is not on the screen any more.
            if let Some(text) = form.write(model) {
                effects.push(Effect::Save {
                    name: file(model),
                    ending: form.said().0,
                    text,
                });
            }
            Reply::Close
        }
    }
}

/// What the file is called: the address of what is seen, in letters that a file's name takes.
fn file(model: &Model) -> String {
    let address = screens::here(model).to_string();
    let letter = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
        _ => '-',
    };
    let name: String = address.chars().map(letter).collect();
    format!("cutover-{}", name.trim_matches('-'))
}
