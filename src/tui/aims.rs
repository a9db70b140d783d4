//! What can be pointed at on the screen: written down as it is drawn, with ids, so that a click means what was seen and not
//! what has come into its place since.

use ratatui::layout::{Position, Rect};

use super::action::Action;
use super::layers::told::Choice;
use super::lists::List;
use super::lists::row::Row;
use super::model::Pane;
use crate::model::address::Address;

/// Something that can be pointed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// A row of a list.
    Row(Row),
    /// The heading of a column, by which the list is sorted.
    Column(List, &'static str),
    /// A pane, where no row is.
    Pane(Pane),
    /// A candidate of what lies on top.
    Choice(Choice),
    /// An action.
    Act(Action),
    /// A place.
    Go(Address),
    /// Something on top, where nothing else is.
    Layer,
}

/// Everything on the screen that can be pointed at, the topmost last.
#[derive(Debug, Default)]
pub(crate) struct Aims(Vec<(Rect, Aim)>);

impl Aims {
    /// Something is drawn there.
    pub(crate) fn add(&mut self, area: Rect, target: Aim) {
        self.0.push((area, target));
    }

    /// Everything, as it was drawn.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Rect, &Aim)> {
        self.0.iter().map(|(area, aim)| (area, aim))
    }

    /// What is seen there.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<&Aim> {
        let position = Position::new(column, row);
        let mut found = self.0.iter().rev();
        let found = found.find(|(area, _)| area.contains(position));
        found.map(|(_, target)| target)
    }
}
