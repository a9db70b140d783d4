//! What is only read: as many rows as there are, moved up and down.

use super::window;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run};
use crate::tui::theme::Role;

/// How far down somebody has read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    top: usize,
}

impl Reading {
    /// Moves in so many rows; answers whether it goes on.
    pub(super) fn key(&mut self, model: &Model, action: Option<Action>, rows: usize) -> bool {
        let room = usize::from(model.size.1.saturating_sub(4).max(1));
        self.top = match action {
            Some(Action::CloseHelp) => return false,
            Some(Action::HelpUp) => self.top.saturating_sub(1),
            Some(Action::HelpDown) => self.top + 1,
            Some(Action::HelpPageUp) => self.top.saturating_sub(room),
            Some(Action::HelpPageDown) => self.top + room,
            _ => self.top,
        };
        self.top = self.top.min(rows.saturating_sub(room));
        true
    }

    /// Draws the rows that are in view.
    pub(super) fn draw(
        &self,
        model: &Model,
        brush: &mut Brush<'_>,
        title: &str,
        rows: &[Vec<Run>],
    ) {
        let height = rows.len().min(usize::from(model.size.1.saturating_sub(4)));
        let inside = window::open(model, brush, height, title, Role::Focus);
        for (y, row) in (inside.y..inside.bottom()).zip(rows.iter().skip(self.top)) {
            brush.runs(inside.x, y, inside.width, row);
        }
    }
}
