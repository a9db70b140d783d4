//! Everything that was said since the cockpit was opened, the newest first.

use super::reading::{Page, Reading, Rows};
use super::{Layer, Reply, window};
use crate::text::safe;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::effect::Effect;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// The columns of the time and the sign.
const BEFORE: usize = 12;

/// The messages on the screen.
#[derive(Debug, Default)]
pub(crate) struct Messages(pub(super) Reading);

impl Messages {
    /// Takes a key.
    pub(super) fn key(
        mut self,
        model: &mut Model,
        key: (Key, Option<Action>),
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let rows = rows(model);
        let page = Page::of_rows("cutover-messages", &rows);
        if self.0.key(model, key, &page, effects) {
            Reply::Stay(Layer::Messages(self))
        } else {
            Reply::Close
        }
    }

    /// Draws them.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        self.0
            .draw(model, brush, "Messages", Rows::Made(&rows(model)));
    }
}

/// What it says, row by row.
pub(super) fn rows(model: &Model) -> Vec<Vec<Run>> {
    let width = window::columns(model).saturating_sub(BEFORE).max(1);
    let mut rows = Vec::new();
    for said in model.messages.all() {
        let (role, sign) = if said.bad {
            (Role::Bad, Glyph::Attention.draw(model.theme))
        } else {
            (Role::Muted, " ")
        };
        let mut text = window::paragraph(Role::Text, &safe(&said.text), width);
        let before = format!("{:8}  {sign} ", (model.clock)(said.at));
        for (row, line) in text.iter_mut().enumerate() {
            let before = if row == 0 { before.as_str() } else { "" };
            line.insert(0, run(role, format!("{before:BEFORE$}")));
        }
        rows.extend(text);
    }
    if rows.is_empty() {
        rows.push(vec![run(Role::Muted, "nothing was said yet")]);
    }
    rows
}
