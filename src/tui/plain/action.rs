//! What can be done here, in sentences: from the same list of actions as keys, footer and help.

use crate::tui::action::available::available;
use crate::tui::action::{ACTIONS, Context, Entry};
use crate::tui::model::Model;

/// What can be done now, each with its key; then how a line is taken.
pub(super) fn list(model: &Model) -> Vec<String> {
    let here = |entry: &&Entry| {
        let context = match entry.context {
            Context::Main | Context::Rows => true,
            Context::Replay => model.replay.is_some(),
            Context::Output | Context::Reading => model.reads(),
            _ => false,
        };
        context && available(entry.action, model).is_ok()
    };
    let mut lines = vec!["What can be done here, by key or by name:".to_owned()];
    let entries = ACTIONS.iter().filter(here);
    lines.extend(entries.map(|entry| {
        let key = model.keymap.shown(entry.action);
        let word = entry.action.word(model);
        let name = entry.name.replace('-', " ");
        let word = word.filter(|word| *word != name);
        let word = word.map_or_else(String::new, |word| format!(" or {word}"));
        format!("{key}, {name}{word}: {}", entry.doc)
    }));
    lines.push("A number opens the row that was told with it.".to_owned());
    lines.push("where: tells again where you are and how things stand.".to_owned());
    lines.push("? and a name: what an action does, and why it can't be done now.".to_owned());
    lines.push(
        "Anything else is looked for among all places and actions; an address goes there."
            .to_owned(),
    );
    lines
}

/// What the actions do that are called so, and why they can't be done now.
pub(super) fn explain(model: &Model, wanted: &str) -> Vec<String> {
    let wanted = wanted.trim().to_lowercase();
    let fits = |entry: &&Entry| {
        let word = entry.action.word(model).unwrap_or_default();
        entry.name.replace('-', " ") == wanted.replace('-', " ")
            || word == wanted
            || model
                .keymap
                .keys(entry.action)
                .iter()
                .any(|key| key.to_string().to_lowercase() == wanted)
    };
    let lines: Vec<String> = ACTIONS
        .iter()
        .filter(fits)
        .map(|entry| {
            let why = available(entry.action, model).err();
            let why = why.map_or_else(String::new, |why| format!(". Not now: {why}"));
            let key = model.keymap.shown(entry.action);
            format!("{key}, {}: {}{why}.", entry.name, entry.doc)
        })
        .collect();
    if lines.is_empty() {
        return vec![format!(
            "No action is called {wanted}: ? lists what can be done here."
        )];
    }
    lines
}
