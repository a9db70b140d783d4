//! What a line means that was typed.

use super::super::action::key::Key;
use super::super::action::keys::Keys;
use super::super::action::{ACTIONS, Action, Context, Grade};
use crate::model::address::Address;
use crate::tui::action::available::available;
use crate::tui::layers;
use crate::tui::layers::told::{Choice, Takes, Told};
use crate::tui::lists::row::Row;
use crate::tui::model::Model;
use crate::tui::update::contexts;

/// Where text is typed.
pub(super) const TYPING: Context = Context::Typing;

/// What a line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Nothing,
    /// To be told again where one is.
    Where,
    /// To be told what an action does.
    Explain(String),
    Act(Action),
    /// Keys, as if they were pressed.
    Keys(Keys),
    /// To go to an address.
    Go(Address),
    /// To go into a row.
    Open(Row),
    /// To take a candidate.
    Choose(Choice),
    /// To narrow the candidates.
    Narrow(String),
    /// A text, whole.
    Type(String),
    /// To look for it among all places and actions.
    Find(String),
    /// Nothing that is known here, and why.
    Unknown(String),
}

/// Whether it is an answer to a question about something that can't be taken back.
pub(super) fn decides(action: Action) -> bool {
    action.entry().grade == Grade::Acts || action == Action::LeaveRunning
}

/// What a line means to a dialog. Only its own keys and their names do something: an empty line never accepts.
pub(super) fn in_dialog(model: &Model, told: &Told, choices: &[Choice], line: &str) -> Meaning {
    let line = line.trim();
    let close = matches!(line, "esc" | "cancel" | "back");
    match &told.takes {
        Takes::Nothing => Meaning::Act(Action::CloseHelp),
        // In a form any word may be a name.
        Takes::Text if layers::context(model) == Some(Context::Form) => match line {
            "esc" => Meaning::Act(Action::FormClose),
            _ => Meaning::Type(line.to_owned()),
        },
        Takes::Text if close => Meaning::Act(Action::Close),
        Takes::Text => Meaning::Type(line.to_owned()),
        Takes::OneOf(_) if close || line.is_empty() => Meaning::Act(Action::Close),
        Takes::OneOf(_) => match line.parse::<usize>() {
            Ok(number) if number > 0 && number <= choices.len() => {
                Meaning::Choose(choices[number - 1].clone())
            }
            _ => Meaning::Narrow(line.to_owned()),
        },
        Takes::Keys { .. } => {
            let context = layers::context(model).unwrap_or(Context::Confirm);
            if line.is_empty() || close {
                return Meaning::Act(match context {
                    Context::Leaving => Action::Stay,
                    _ => Action::Cancel,
                });
            }
            let key = line.parse::<Key>().ok();
            let by_key = key.and_then(|key| model.keymap.action(&[context], key));
            let by_name = || Action::named(line).filter(|named| named.entry().context == context);
            match by_key.or_else(by_name) {
                Some(action) => Meaning::Act(action),
                None => Meaning::Unknown(format!("{line} is no answer, and does nothing.")),
            }
        }
    }
}

/// What a line means where no dialog is open.
pub(super) fn anywhere(model: &Model, rows: &[Row], line: &str) -> Meaning {
    let line = line.trim();
    if let Some(wanted) = line.strip_prefix('?').filter(|wanted| !wanted.is_empty()) {
        return Meaning::Explain(wanted.to_owned());
    }
    match line {
        "" => return Meaning::Nothing,
        "where" => return Meaning::Where,
        _ => {}
    }
    // Numbers of rows come before keys: one may be bound to a digit, and has a name.
    if let Ok(number) = line.parse::<usize>()
        && number > 0
    {
        return match rows.get(number - 1) {
            Some(row) => Meaning::Open(row.clone()),
            None => Meaning::Unknown(format!("No row was told with the number {number}.")),
        };
    }
    let single = line.chars().count() == 1;
    if let Some(action) = (!single).then(|| named(model, line)).flatten() {
        return Meaning::Act(action);
    }
    if let Ok(keys) = line.parse::<Keys>() {
        let known = contexts(model);
        // Some have a form of their own here.
        match model.keymap.action(&known, keys) {
            Some(action) if action == Action::Help || is_page(action) => {
                return Meaning::Act(action);
            }
            Some(_) => return Meaning::Keys(keys),
            // Two words may be a name.
            None if keys.then().is_some() => {}
            None => return Meaning::Unknown(nothing(model, keys.first())),
        }
    }
    let address: Option<Address> = line.parse().ok();
    let view = model.view.as_ref();
    let known = |at: &Address| view.is_some_and(|view| view.find(at).is_ok());
    match address.filter(known) {
        Some(address) => Meaning::Go(address),
        None => Meaning::Find(line.to_owned()),
    }
}

/// That a key does nothing alone, and what may follow it.
fn nothing(model: &Model, key: Key) -> String {
    let follow = model.keymap.after(&contexts(model), key);
    if follow.is_empty() {
        return format!("No action has the key {key}: ? lists them.");
    }
    let follow = follow.iter().map(|(then, action)| {
        let name = action.entry().name.replace('-', " ");
        format!("{key} {then}: {name}")
    });
    let follow = follow.collect::<Vec<_>>().join(", ");
    format!("{key} is the first of two keys, which are typed in one line: {follow}.")
}

fn is_page(action: Action) -> bool {
    matches!(action, Action::PageDown | Action::PageUp)
}

/// The action of this name, or with this word in the footer; of several, one that can be done now.
fn named(model: &Model, line: &str) -> Option<Action> {
    let name = line.to_lowercase().replace(' ', "-");
    let here = |action: Action| match action.entry().context {
        Context::Main | Context::Rows | Context::Output | Context::Reading => true,
        Context::Replay => model.replay.is_some(),
        _ => false,
    };
    if let Some(action) = Action::named(&name).filter(|action| here(*action)) {
        return Some(action);
    }
    let mut known = ACTIONS
        .iter()
        .map(|entry| entry.action)
        .filter(|action| here(*action))
        .filter(|action| {
            let word = action.word(model).unwrap_or_default();
            !word.is_empty() && word.replace(' ', "-") == name
        });
    let first = known.next()?;
    let all = std::iter::once(first).chain(known);
    Some(
        all.into_iter()
            .find(|action| available(*action, model).is_ok())
            .unwrap_or(first),
    )
}
