//! Something is looked for in the output while somebody types: at the bottom of the screen, so that what is found stays in
//! view.

use ratatui::layout::Rect;

use super::{Layer, Reply};
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::lists::filter::Mode;
use crate::tui::model::Model;
use crate::tui::output::needle::Needle;
use crate::tui::paint::{Brush, run};
use crate::tui::panes::output;
use crate::tui::theme::Role;
use crate::tui::update::{move_by, page};
use crate::tui::widgets::field::Field;

/// What is being typed.
#[derive(Debug)]
pub(crate) struct Search {
    pub(super) field: Field,
    /// How it is looked for.
    mode: Mode,
}

/// Begins to type, with what was typed before.
pub(crate) fn open(model: &mut Model) {
    let mut search = Search {
        field: Field::default(),
        mode: Mode::Exact,
    };
    if let Some(needle) = &model.output.how.needle {
        search.field.paste(needle.text());
        search.mode = needle.mode();
    }
    model.layers.push(Layer::Search(search));
}

impl Search {
    /// Takes pasted text.
    pub(super) fn paste(&mut self, text: &str) -> Option<Needle> {
        self.field.paste(text);
        self.needle()
    }

    fn needle(&self) -> Option<Needle> {
        Needle::new(&self.field.text, self.mode)
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let (width, height) = model.size;
        if height == 0 {
            return;
        }
        let line = Rect::new(0, height - 1, width, 1);
        brush.clear(line);
        let mut runs = vec![
            run(Role::Key, " / "),
            run(Role::Text, format!("{}_", self.field.text)),
        ];
        let needle = model.output.how.needle.as_ref();
        if let Some(problem) = needle.and_then(Needle::problem) {
            runs.push(run(Role::Bad, format!("  {problem}  ")));
        } else if needle.is_some() {
            let hits = output::hits(&model.output);
            runs.push(run(Role::Heading, format!("  {hits}")));
        }
        let key = |action| run(Role::Key, model.keymap.shown(action));
        runs.extend([
            run(Role::Muted, format!("  {} (", self.mode.word())),
            key(Action::FilterMode),
            run(Role::Muted, " changes)  "),
            key(Action::Choose),
            run(Role::Muted, ", then "),
            key(Action::NextHit),
            run(Role::Muted, " "),
            key(Action::PreviousHit),
            run(Role::Muted, " go on, "),
            key(Action::HitsOnly),
            run(Role::Muted, " shows these lines alone"),
        ]);
        brush.runs(line.x, line.y, line.width, &runs);
    }
}

/// Takes a key.
pub(super) fn key(
    mut search: Search,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
) -> Reply {
    match action {
        Some(Action::Choose) => {
            let shape = output::shape(model);
            // Who follows looks at the end, where the latest hit is the nearest.
            let forward = !model.output.follow;
            if model.output.ring.held.hit.is_none() {
                model.output.find(forward, shape);
            }
            return Reply::Close;
        }
        Some(Action::Close) => {
            model.output.search(None);
            return Reply::Close;
        }
        Some(Action::FilterMode) => {
            search.mode = match search.mode {
                Mode::Regex => Mode::Exact,
                Mode::Exact | Mode::Fuzzy => Mode::Regex,
            };
            model.output.search(search.needle());
        }
        Some(Action::ChoiceUp) => move_by(model, -1),
        Some(Action::ChoiceDown) => move_by(model, 1),
        Some(Action::ChoicePageUp) => move_by(model, -page(model)),
        Some(Action::ChoicePageDown) => move_by(model, page(model)),
        _ => {
            if search.field.key(key) {
                model.output.search(search.needle());
            }
        }
    }
    Reply::Stay(Layer::Search(search))
}
