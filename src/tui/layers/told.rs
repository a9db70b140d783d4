//! What a layer says and takes, for those who listen to it instead of seeing it.

use super::deploy::Item;
use super::goto::Place;
use super::{Layer, compare, documents, export, help, messages, requests};
use crate::tui::lists::{List, counts};
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::panes::output;
use crate::tui::theme::Role;

/// The mark of what has nothing to say yet.
pub(crate) const WAITS: &str = "waits";

/// What a layer says.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// As long as it is the same, nothing has to be said again.
    pub mark: String,
    pub title: String,
    pub lines: Vec<Vec<Run>>,
    /// Whether the lines are to be taken as they are, as commands and documents are.
    pub whole: bool,
    pub takes: Takes,
}

/// What it takes.
#[derive(Clone, Debug)]
pub(crate) enum Takes {
    /// It is only read.
    Nothing,
    /// Keys, once it listens.
    Keys {
        /// Whether it does.
        listens: bool,
        /// What they do.
        choices: Vec<Vec<Run>>,
    },
    /// A text.
    Text,
    /// One of these, or a text that narrows them.
    OneOf(Vec<(Choice, String)>),
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    GoTo(Place),
    Deploy(Item),
    Document(documents::Item),
    Export(export::Form),
    /// A column to sort by.
    Sort(&'static str),
}

/// What the topmost layer says.
pub(crate) fn told(model: &Model) -> Option<Told> {
    let read = |title: &str, lines| Told {
        whole: false,
        mark: String::new(),
        title: title.to_owned(),
        lines,
        takes: Takes::Nothing,
    };
    Some(match model.layers.last()? {
        Layer::Help(_) => read("Keys", help::rows(model)),
        Layer::Messages(_) => read("Messages", messages::rows(model)),
        Layer::Requests(_) => Told {
            whole: true,
            ..read("Requests", requests::told(model))
        },
        Layer::Compare(compare) => compare.told(model),
        Layer::Confirm(confirm) => confirm.told(model),
        Layer::Leaving(leaving) => leaving.told(model),
        Layer::GoTo(goto) => {
            let choices = goto.picker.told(Choice::GoTo);
            picker("Go to".to_owned(), Vec::new(), choices)
        }
        Layer::Deploy(pick) => {
            let (title, state) = pick.told();
            let choices = pick.picker.told(Choice::Deploy);
            // How it is closed on a screen is said otherwise to those who listen.
            let state = Some(state).filter(|(role, _)| *role != Role::Muted);
            picker(
                title,
                state.map(|state| vec![state]).into_iter().collect(),
                choices,
            )
        }
        Layer::Filter(filter) => {
            let list = filter.list();
            text(
                format!("Narrow the list of {}", list.name()),
                Some(filtered(model, list)),
            )
        }
        Layer::Search(_) => {
            let hits = output::hits(&model.output);
            let found = model.output.how.needle.as_ref();
            let found = found.map(|needle| format!("{}: {hits}", needle.text()));
            text("Look for what in the output?".to_owned(), found)
        }
        Layer::Share(share) => share.told(model),
        Layer::Text(text) => {
            let (title, lines) = text.told();
            Told {
                whole: true,
                ..read(title, lines)
            }
        }
        Layer::Documents(pick) => {
            let (title, below) = pick.told();
            let choices = pick.picker.told(Choice::Document);
            picker(title.to_owned(), vec![vec![below]], choices)
        }
        Layer::Export(export) => {
            let choices = export.picker.told(Choice::Export);
            picker(export::TITLE.to_owned(), Vec::new(), choices)
        }
        Layer::Sort(sort) => {
            let choices = sort.picker.told(Choice::Sort);
            picker(sort.title(), Vec::new(), choices)
        }
        Layer::Form(form) => form.told(model),
        Layer::Invitation(invitation) => invitation.told(model),
        Layer::Review(review) => review.told(model),
        Layer::Unlock(unlock) => unlock.told(model),
    })
}

/// What a list is narrowed to, and how it can be.
fn filtered(model: &Model, list: List) -> String {
    let filter = &model.arranged.of(list).filter;
    let (shown, all) = counts(model, list);
    let fields = list.fields().join(": ");
    let how = format!(
        "letters, !not, or {fields}: with a value; an empty line shows all. {shown} of {all} are shown"
    );
    filter.problem().map_or(how, str::to_owned)
}

fn picker(title: String, lines: Vec<Vec<Run>>, choices: Vec<(Choice, String)>) -> Told {
    let seen: Vec<&Choice> = choices.iter().map(|(choice, _)| choice).collect();
    Told {
        whole: false,
        mark: format!("{title}{lines:?}{seen:?}"),
        title,
        lines,
        takes: Takes::OneOf(choices),
    }
}

fn text(title: String, state: Option<String>) -> Told {
    Told {
        whole: false,
        mark: title.clone(),
        title,
        lines: state
            .map(|state| vec![run(Role::Text, state)])
            .into_iter()
            .collect(),
        takes: Takes::Text,
    }
}

impl compare::Compare {
    /// What it says to those who listen.
    fn told(&self, model: &Model) -> Told {
        Told {
            whole: false,
            mark: if self.is_made(model) {
                String::new()
            } else {
                WAITS.to_owned()
            },
            title: format!("Before: {}. After: {}", self.before, self.after),
            lines: self.sentences(model),
            takes: Takes::Nothing,
        }
    }
}
