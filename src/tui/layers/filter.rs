//! A list is narrowed while somebody types: at the bottom of the screen, so that the list stays in view.

use ratatui::layout::Rect;

use super::{Layer, Reply};
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::lists::{List, counts};
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;
use crate::tui::update::move_by;
use crate::tui::widgets::field::Field;

/// The filter that is being typed.
#[derive(Debug)]
pub(crate) struct Filter {
    list: List,
    pub(super) field: Field,
}

/// Begins to type, with what was typed before.
pub(crate) fn open(model: &mut Model) {
    if let Some(list) = List::with_keys(model) {
        let mut field = Field::default();
        field.paste(model.arranged.of(list).filter.text());
        model.layers.push(Layer::Filter(Filter { list, field }));
    }
}

impl Filter {
    /// The list that is narrowed.
    pub(super) fn list(&self) -> List {
        self.list
    }

    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str) -> (List, String) {
        self.field.paste(text);
        (self.list, self.field.text.clone())
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let (width, height) = model.size;
        if height == 0 {
            return;
        }
        let line = Rect::new(0, height - 1, width, 1);
        brush.clear(line);
        let filter = &model.arranged.of(self.list).filter;
        let (shown, all) = counts(model, self.list);
        let mode = model.keymap.shown(Action::FilterMode);
        let mut runs = vec![
            run(Role::Key, " / "),
            run(Role::Text, format!("{}_", self.field.text)),
            run(Role::Heading, format!("  {shown} of {all}  ")),
        ];
        if let Some(problem) = filter.problem() {
            runs.push(run(Role::Bad, problem));
        } else {
            let fields = self.list.fields().join(": ");
            runs.extend([
                run(Role::Muted, format!("{} (", filter.mode().word())),
                run(Role::Key, mode),
                run(Role::Muted, " changes)"),
                run(Role::Muted, format!("  !not  {fields}:")),
            ]);
        }
        brush.runs(line.x, line.y, line.width, &runs);
    }
}

/// Takes a key.
pub(super) fn key(
    mut filter: Filter,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
) -> Reply {
    let mode = model.arranged.of(filter.list).filter.mode();
    match action {
        Some(Action::Choose) => return Reply::Close,
        Some(Action::Close) => {
            model.arranged.narrow(filter.list, "", mode);
            return Reply::Close;
        }
        Some(Action::FilterMode) => {
            let text = filter.field.text.clone();
            model.arranged.narrow(filter.list, &text, mode.next());
        }
        Some(Action::ChoiceUp) => move_by(model, -1),
        Some(Action::ChoiceDown) => move_by(model, 1),
        Some(Action::ChoicePageUp) => move_by(model, -crate::tui::update::page(model)),
        Some(Action::ChoicePageDown) => move_by(model, crate::tui::update::page(model)),
        Some(Action::ChoiceFirst) => move_by(model, isize::MIN),
        Some(Action::ChoiceLast) => move_by(model, isize::MAX),
        _ => {
            if filter.field.key(key) {
                model.arranged.narrow(filter.list, &filter.field.text, mode);
            }
        }
    }
    Reply::Stay(Layer::Filter(filter))
}
