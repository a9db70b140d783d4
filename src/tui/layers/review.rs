//! A draft that was checked: right, its difference is shown and written on a key of its own; wrong, it is said where, and the
//! way back is offered. Nothing is heard for a moment, so that what was typed into an editor decides nothing here.

use super::confirm::DEAF;
use super::told::{Takes, Told};
use super::{Layer, Reply, window};
use crate::model::timestamp::Timestamp;
use crate::text::safe;
use crate::tui::action::key::Key;
use crate::tui::action::{Action, Context};
use crate::tui::effect::Effect;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;
use crate::tui::writing::{Manuscript, Reviewed, kept};

/// The review on the screen.
#[derive(Debug)]
pub(crate) struct Review {
    reviewed: Reviewed,
    /// The difference, line by line.
    diff: Vec<String>,
    shown: Timestamp,
    top: usize,
}

/// Shows what came back from an editor or was made by a form.
pub(crate) fn open(model: &mut Model, reviewed: Reviewed) {
    if reviewed.verdict.is_ok() && reviewed.draft.changes().files().next().is_none() {
        return model.say("nothing to write: the documents say so already");
    }
    let review = Review {
        diff: reviewed.draft.diff(),
        reviewed,
        shown: model.now,
        top: 0,
    };
    model.layers.push(Layer::Review(Box::new(review)));
}

impl Review {
    /// When it begins to listen.
    pub(super) fn armed_at(&self) -> Timestamp {
        self.shown + DEAF
    }

    /// What it says, above the choices.
    fn body(&self, model: &Model) -> Vec<Vec<Run>> {
        let width = window::columns(model);
        let mut rows = Vec::new();
        match &self.reviewed.verdict {
            Ok(notes) => {
                let sign = Glyph::Attention.draw(model.theme);
                for note in notes {
                    let text = format!("{sign} {}", safe(note));
                    rows.extend(window::paragraph(Role::Warn, &text, width));
                }
                rows.extend(self.diff.iter().map(|line| vec![run(role(line), line)]));
            }
            Err(wrong) => {
                for line in wrong.text.lines() {
                    rows.extend(window::paragraph(Role::Bad, &safe(line), width));
                }
                if let Some(copy) = self.reviewed.draft.copy() {
                    rows.push(Vec::new());
                    let text = safe(&format!("If you give up, {}", kept(copy)));
                    rows.extend(window::paragraph(Role::Text, &text, width));
                }
            }
        }
        rows
    }

    fn choices(&self, model: &Model) -> Vec<Vec<Run>> {
        let armed = model.now >= self.armed_at();
        let one = |action, label: &str| window::choice(model, armed, action, label);
        let cancel = model.keymap.shown(Action::Cancel);
        let by_hand = self.reviewed.draft.copy().is_some();
        let again = if by_hand {
            "edit again"
        } else {
            "go on by hand, in the editor"
        };
        let mut rows = Vec::new();
        let word = match &self.reviewed.verdict {
            Ok(_) => {
                rows.push(one(Action::Accept, "write"));
                if model.editor.is_some() {
                    rows.push(one(Action::Alternative, again));
                }
                " Cancel "
            }
            Err(wrong) => {
                if model.editor.is_some() {
                    let at = wrong.line.filter(|_| by_hand);
                    let at = at.map_or_else(String::new, |line| format!(", at line {line}"));
                    rows.push(one(Action::Accept, &format!("{again}{at}")));
                }
                if by_hand { " Give up " } else { " Back " }
            }
        };
        rows.push(vec![
            run(Role::Selected, word),
            run(Role::Muted, format!("  {cancel}, enter or esc")),
        ]);
        rows
    }

    /// The rows of the body that there is room for.
    fn room(&self, model: &Model) -> usize {
        let others = self.choices(model).len() + 3;
        usize::from(model.size.1).saturating_sub(others)
    }

    fn title(&self) -> (String, Role) {
        let path = safe(&self.reviewed.draft.path().display().to_string());
        match &self.reviewed.verdict {
            Ok(_) => (format!("Write {path}?"), Role::Warn),
            Err(_) => (format!("{path} has an error"), Role::Bad),
        }
    }

    /// What it says to those who listen.
    pub(super) fn told(&self, model: &Model) -> Told {
        let cancel = model.keymap.shown(Action::Cancel);
        let mut choices = self.choices(model);
        // The last one is drawn as a button.
        choices.pop();
        let cancel = format!("{cancel}, or an empty line: nothing is written");
        choices.push(vec![run(Role::Text, cancel)]);
        Told {
            whole: false,
            mark: format!("{:?}", self.shown),
            title: self.title().0,
            lines: self.body(model),
            takes: Takes::Keys {
                listens: model.now >= self.armed_at(),
                choices,
            },
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let (title, role) = self.title();
        let body = self.body(model);
        let room = self.room(model);
        let below = body.len().saturating_sub(self.top + room);
        let mut rows: Vec<Vec<Run>> = body.into_iter().skip(self.top).take(room).collect();
        rows.push(match (self.top, below) {
            (0, 0) => Vec::new(),
            (above, below) => {
                let (up, down) = (brush.glyph(Glyph::Up), brush.glyph(Glyph::Down));
                vec![run(Role::Heading, format!("{up}{above} {down}{below}"))]
            }
        });
        let choices = self.choices(model);
        let kept = choices.len();
        rows.extend(choices);
        let inside = window::open(model, brush, rows.len(), &title, role);
        window::rows(brush, inside, &rows, kept);
    }

    fn scroll(&mut self, model: &Model, action: Action) {
        let room = self.room(model).max(1);
        self.top = match action {
            Action::HelpUp => self.top.saturating_sub(1),
            Action::HelpDown => self.top + 1,
            Action::HelpPageUp => self.top.saturating_sub(room),
            Action::HelpPageDown => self.top + room,
            _ => self.top,
        };
        self.top = self.top.min(self.body(model).len().saturating_sub(room));
    }
}

/// What a line of a difference means.
fn role(line: &str) -> Role {
    match line.as_bytes() {
        [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Role::Muted,
        [b'+', ..] => Role::Good,
        [b'-', ..] => Role::Bad,
        [b'@', ..] => Role::Heading,
        _ => Role::Text,
    }
}

/// Takes a key.
pub(super) fn key(
    mut review: Box<Review>,
    model: &mut Model,
    key: Key,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    // What is long is read with the keys of what is only read.
    let Some(action) = action else {
        if let Some(reads) = model.keymap.action(&[Context::Help], key) {
            review.scroll(model, reads);
        }
        return Reply::Stay(Layer::Review(review));
    };
    if model.now < review.armed_at() {
        return Reply::Stay(Layer::Review(review));
    }
    let draft = review.reviewed.draft.clone();
    let editor = model.editor.is_some();
    match (action, &review.reviewed.verdict) {
        (Action::Cancel, _) => {
            if let Some(copy) = draft.copy() {
                model.complain(format!("nothing is written; {}", kept(copy)));
            }
            Reply::Close
        }
        (Action::Accept, Ok(_)) => {
            effects.push(Effect::Write(
                Box::new(draft),
                model.circumstances_of_writing(),
            ));
            Reply::Close
        }
        (Action::Alternative, Ok(_)) if editor => {
            let manuscript = Manuscript::Draft(draft, None);
            effects.push(Effect::Edit(Box::new(manuscript)));
            Reply::Close
        }
        (Action::Accept, Err(wrong)) if editor => {
            let manuscript = Manuscript::Draft(draft, wrong.line);
            effects.push(Effect::Edit(Box::new(manuscript)));
            Reply::Close
        }
        _ => Reply::Stay(Layer::Review(review)),
    }
}
