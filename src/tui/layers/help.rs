//! Every action with its keys, and why it is not available.

use super::reading::{Page, Reading, Rows};
use super::{Layer, Reply, window};
use crate::tui::action::available::available;
use crate::tui::action::key::Key;
use crate::tui::action::{ACTIONS, Action, Context};
use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// How many columns the keys take.
const KEYS: usize = 15;

/// The help on the screen.
#[derive(Debug, Default)]
pub(crate) struct Help(pub(super) Reading);

impl Help {
    /// Takes a key.
    pub(super) fn key(
        mut self,
        model: &mut Model,
        key: (Key, Option<Action>),
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let rows = rows(model);
        let page = Page::of_rows("cutover-keys", &rows);
        if self.0.key(model, key, &page, effects) {
            Reply::Stay(Layer::Help(self))
        } else {
            Reply::Close
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        self.0.draw(model, brush, "Keys", Rows::Made(&rows(model)));
    }
}

/// What it says, row by row.
pub(super) fn rows(model: &Model) -> Vec<Vec<Run>> {
    let width = window::columns(model).saturating_sub(KEYS).max(1);
    let mut rows = Vec::new();
    let here = |context: &Context| *context != Context::Replay || model.replay.is_some();
    for context in Context::ALL.into_iter().filter(here) {
        if !rows.is_empty() {
            rows.push(Vec::new());
        }
        rows.push(vec![run(Role::Heading, context.title())]);
        for entry in ACTIONS.iter().filter(|entry| entry.context == context) {
            let keys = format!("{} ", model.keymap.listed(entry.action));
            let said = |role| window::paragraph(role, entry.doc, width);
            let (key, mut text) = match available(entry.action, model) {
                Ok(()) => (Role::Key, said(Role::Text)),
                Err(reason) => {
                    let mut text = said(Role::Muted);
                    let reason = format!("not now: {reason}");
                    text.extend(window::paragraph(Role::Warn, &reason, width));
                    (Role::Muted, text)
                }
            };
            for (row, line) in text.iter_mut().enumerate() {
                let keys = if row == 0 { keys.as_str() } else { "" };
                line.insert(0, run(key, format!("{keys:KEYS$}")));
            }
            rows.extend(text);
        }
    }
    rows
}
