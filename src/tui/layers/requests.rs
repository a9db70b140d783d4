//! Everything that this cockpit has sent, the newest first: when, who, as a command line, how it was answered and after what
//! time.

use super::reading::{Page, Reading, Rows, room};
use super::{Layer, Reply, window};
use crate::model::timestamp::Short;
use crate::text::safe;
use crate::tui::action::Action;
use crate::tui::action::key::Key;
use crate::tui::copy;
use crate::tui::effect::Effect;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::sent::{Request, Unanswered};
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::chop;

/// The columns of the time and the sign.
const BEFORE: usize = 12;

/// The requests on the screen.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    pub(super) reading: Reading,
    /// Which is chosen, counted from the newest.
    chosen: usize,
}

impl Requests {
    /// Takes a key.
    pub(super) fn key(
        mut self,
        model: &mut Model,
        key: (Key, Option<Action>),
        effects: &mut Vec<Effect>,
    ) -> Reply {
        let typing = self.reading.field().is_some();
        let last = model.sent.all().count().saturating_sub(1);
        match key.1.filter(|_| !typing) {
            Some(Action::HelpUp) => self.choose(model, self.chosen.saturating_sub(1)),
            Some(Action::HelpDown) => self.choose(model, (self.chosen + 1).min(last)),
            Some(Action::CopyText) => effects.extend(self.copy(model)),
            _ => {
                let rows = rows(model, None);
                let page = Page::of_rows("cutover-requests", &rows);
                let before = self.reading.here();
                if !self.reading.key(model, key, &page, effects) {
                    return Reply::Close;
                }
                if self.reading.here() != before {
                    self.chosen = at(model, self.reading.here());
                }
            }
        }
        Reply::Stay(Layer::Requests(self))
    }

    /// Chooses another one, and keeps it in view.
    fn choose(&mut self, model: &Model, chosen: usize) {
        self.chosen = chosen;
        let width = window::columns(model);
        let heights: Vec<usize> = (model.sent.all().take(chosen + 1))
            .map(|request| of(model, request, width, false).len())
            .collect();
        let end: usize = heights.iter().sum();
        let start = end - heights.last().unwrap_or(&0);
        let first = end.saturating_sub(room(model));
        self.reading.top = self.reading.top.clamp(first.min(start), start);
    }

    /// Copies the one that is chosen.
    fn copy(&self, model: &mut Model) -> Option<Effect> {
        let line = model.sent.all().nth(self.chosen)?.line.clone();
        copy::command_line(model, line)
    }

    /// Draws them.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let key = model.keymap.shown(Action::CopyText);
        let title = format!("Requests: {key} copies the chosen one");
        let rows = rows(model, Some(self.chosen));
        self.reading.draw(model, brush, &title, Rows::Made(&rows));
    }
}

/// The request that a row belongs to.
fn at(model: &Model, row: usize) -> usize {
    let width = window::columns(model);
    let mut end = 0;
    let before = model.sent.all().take_while(|request| {
        end += of(model, request, width, false).len();
        end <= row
    });
    before.count()
}

/// What it says, row by row.
fn rows(model: &Model, chosen: Option<usize>) -> Vec<Vec<Run>> {
    within(model, chosen, window::columns(model))
}

/// The same to those who listen: no command is broken.
pub(super) fn told(model: &Model) -> Vec<Vec<Run>> {
    within(model, None, usize::MAX)
}

fn within(model: &Model, chosen: Option<usize>, width: usize) -> Vec<Vec<Run>> {
    let all = model.sent.all().enumerate();
    let rows = all.flat_map(|(at, request)| of(model, request, width, chosen == Some(at)));
    let mut rows: Vec<Vec<Run>> = rows.collect();
    if rows.is_empty() {
        rows.push(vec![run(Role::Muted, "nothing was sent yet")]);
    }
    rows
}

/// One of them.
fn of(model: &Model, request: &Request, width: usize, chosen: bool) -> Vec<Vec<Run>> {
    let width = width.saturating_sub(BEFORE).max(1);
    let (role, sign) = match &request.end {
        None => (Role::Active, Glyph::Asked),
        Some((_, Ok(_))) => (Role::Good, Glyph::Succeeded),
        Some((_, Err(Unanswered::Refused(_)))) => (Role::Bad, Glyph::Failed),
        Some((_, Err(Unanswered::Unknown(_)))) => (Role::Warn, Glyph::Attention),
    };
    let time = format!("{:8}", (model.clock)(request.at));
    let named = if chosen { Role::Selected } else { Role::Muted };
    let sign = format!(" {} ", sign.draw(model.theme));
    let before = vec![run(named, time), run(role, format!("{sign:4}"))];
    let below = || vec![run(Role::Text, " ".repeat(BEFORE))];
    let text = safe(request.text());
    let lines = chop(&text, width).into_iter();
    let mut rows: Vec<Vec<Run>> = lines.map(|line| vec![run(Role::Text, line)]).collect();
    rows.extend(window::paragraph(Role::Muted, &ended(request), width));
    let firsts = std::iter::once(before).chain(std::iter::repeat_with(below));
    let rows = firsts.zip(rows);
    rows.map(|(mut first, row)| {
        first.extend(row);
        first
    })
    .collect()
}

/// What came of it, in a sentence.
fn ended(request: &Request) -> String {
    let by = safe(&request.by);
    let (word, what) = match &request.end {
        None => return format!("{by}: not answered yet"),
        Some((_, Ok(what))) => ("accepted", what),
        Some((_, Err(Unanswered::Refused(why)))) => ("refused", why),
        Some((_, Err(Unanswered::Unknown(why)))) => ("nobody knows whether it was taken", why),
    };
    let took = request.took().unwrap_or_default();
    format!("{by}: {word} after {}: {}", Short(took), safe(what))
}
