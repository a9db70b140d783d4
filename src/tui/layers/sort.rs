//! What a list is sorted by, chosen among its columns. The one that it is sorted by, chosen once more, turns its order round.

use super::picker::{Picked, Picker, Row};
use super::told::Choice;
use super::{Layer, Reply};
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::lists::List;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;

/// The question on the screen.
#[derive(Debug)]
pub(crate) struct Sort {
    list: List,
    pub(super) picker: Picker<&'static str>,
}

/// Asks by what the list with the keys is to be sorted, with the cursor on what it is sorted by.
pub(crate) fn open(model: &mut Model) {
    let Some(list) = List::with_keys(model) else {
        return;
    };
    let mut sort = Sort {
        list,
        picker: Picker::new(),
    };
    sort.refresh(model);
    let now = list.columns().get(model.arranged.of(list).column);
    if let Some(now) = now {
        sort.picker.put(now);
    }
    model.layers.push(Layer::Sort(sort));
}

impl Sort {
    /// Looks at the columns again.
    pub(super) fn refresh(&mut self, model: &Model) {
        let arrangement = model.arranged.of(self.list);
        let columns = self.list.columns().iter().enumerate();
        let rows = columns.map(|(place, column)| {
            let own = if place == 0 {
                "the list's own order"
            } else {
                ""
            };
            let note = if place == arrangement.column {
                let round = if arrangement.inverted {
                    ", turned round"
                } else {
                    ""
                };
                let now = format!("now{round}: once more turns it round  {own}");
                arrangement.direction().beside(model.theme, &now)
            } else {
                own.to_owned()
            };
            Row {
                id: *column,
                text: (*column).to_owned(),
                note: note.trim_end().to_owned(),
                open: true,
            }
        });
        self.picker.refresh(rows.collect(), model.size.1);
    }

    /// What it asks.
    pub(super) fn title(&self) -> String {
        format!("Sort the list of {} by what?", self.list.name())
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let below = "enter sorts; what is equal stays in the list's own order";
        let below = [run(Role::Muted, below)];
        self.picker
            .draw(model, brush, (&self.title(), &below), Choice::Sort);
    }
}

/// Takes a key.
pub(super) fn key(mut sort: Sort, model: &mut Model, key: Key, action: Option<Action>) -> Reply {
    match sort.picker.key(key, action) {
        Picked::Nothing => Reply::Stay(Layer::Sort(sort)),
        Picked::Closed => Reply::Close,
        Picked::Chosen(column) => {
            model.arranged.sort(sort.list, column);
            Reply::Close
        }
    }
}
