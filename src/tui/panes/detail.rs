//! What the row with the cursor is about, beside its list: a deployment is told there as its own screen tells it, with the keys
//! that are for it.

use ratatui::layout::Rect;

use super::rollout;
use crate::tui::action::Action;
use crate::tui::action::available::available;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run, width};
use crate::tui::screens::{Screen, about};
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::fold;

/// The keys that are for what is told, and what they do.
const KEYS: [(Action, &str); 5] = [
    (Action::Enter, "opens it"),
    (Action::Compare, "compares it"),
    (Action::Replay, "replays it"),
    (Action::Report, "copies a report"),
    (Action::Edit, "its document"),
];

/// The columns of text in a place beside a list.
pub(crate) fn columns(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(4))
}

/// Draws it, with the keys in the lowest rows.
pub(crate) fn draw(
    model: &Model,
    area: Rect,
    title: &[Run],
    rows: &[Vec<Run>],
    brush: &mut Brush<'_>,
) {
    let inside = brush.frame(area, Role::Border, title);
    let (x, wide) = (inside.x + 1, inside.width.saturating_sub(2));
    let keys = keys(model, columns(area));
    let low = u16::try_from(keys.len())
        .unwrap_or(0)
        .min(inside.height / 2);
    let bottom = inside.bottom() - low;
    // A row between what is told and the keys.
    let body = inside.y..bottom.saturating_sub(1);
    let room = body.len();
    for (place, (y, row)) in body.zip(rows).enumerate() {
        if place + 1 == room && rows.len() > room {
            let cut = brush.glyph(Glyph::Cut);
            brush.text(x, y, wide, Role::Muted, cut);
        } else {
            brush.runs(x, y, wide, row);
        }
    }
    for (y, row) in (bottom..inside.bottom()).zip(&keys) {
        brush.runs(x, y, wide, row);
    }
}

/// The deployment that the row is about, as its own screen tells it; nothing if it is about something else.
pub(crate) fn deployment(model: &Model, width: usize) -> Vec<Vec<Run>> {
    if about(model).is_none() {
        return Vec::new();
    }
    // With the sides that it has there.
    let lines = rollout::lines(model, width + 4);
    // No more than the screen has rows: of what comes after that only one has to be known of.
    let most = usize::from(model.size.1);
    let rows = lines.iter().flat_map(|line| fold(line, width));
    rows.take(most).collect()
}

/// The keys that do something, in rows: a key and its word stay together.
fn keys(model: &Model, room: usize) -> Vec<Vec<Run>> {
    let can = |(action, _): &(Action, &str)| {
        let leads = model.screen != Screen::Configurations
            || *action != Action::Enter
            || model.configurations.inside(model).is_some();
        leads && available(*action, model).is_ok()
    };
    let mut rows: Vec<Vec<Run>> = Vec::new();
    for (action, word) in KEYS.into_iter().filter(can) {
        let word = match model.screen {
            Screen::Configurations if action == Action::Enter => "opens its group",
            _ => word,
        };
        let part = [
            run(Role::Key, model.keymap.shown(action)),
            run(Role::Text, format!(" {word}  ")),
        ];
        match rows.last_mut() {
            Some(row) if width(row) + width(&part) <= room => row.extend(part),
            _ => rows.push(part.into()),
        }
    }
    rows
}
