//! The box that a layer is drawn in.

use ratatui::layout::Rect;

use crate::tui::action::Action;
use crate::tui::aims::Aim;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;

/// The most columns of text in a dialog: longer lines are hard to read.
const WIDEST: u16 = 86;

/// A box in the middle of the screen with room for so many rows; answers what is inside.
pub(super) fn open(
    model: &Model,
    brush: &mut Brush<'_>,
    rows: usize,
    title: &str,
    role: Role,
) -> Rect {
    let (width, height) = model.size;
    let wide = width.saturating_sub(2).min(WIDEST + 4).max(width.min(20));
    let high = u16::try_from(rows)
        .unwrap_or(u16::MAX)
        .saturating_add(2)
        .min(height);
    let area = Rect::new((width - wide) / 2, (height - high) / 3, wide, high);
    brush.clear(area);
    brush.aim(area, Aim::Layer);
    let inside = brush.frame(area, role, &[run(role, title)]);
    Rect {
        x: inside.x + u16::from(inside.width > 2),
        width: inside.width.saturating_sub(2),
        ..inside
    }
}

/// The columns of text that a dialog has on this screen.
pub(super) fn columns(model: &Model) -> usize {
    usize::from(model.size.0.saturating_sub(6).clamp(1, WIDEST))
}

/// Wrapped text in one role, as rows.
pub(super) fn paragraph(role: Role, text: &str, width: usize) -> Vec<Vec<Run>> {
    wrap(text, width)
        .into_iter()
        .map(|line| vec![run(role, line)])
        .collect()
}

/// A key and what it does. Until the dialog listens its keys look dead, because they are.
pub(super) fn choice(model: &Model, armed: bool, action: Action, label: &str) -> Vec<Run> {
    let (key, text) = if armed {
        (Role::Key, Role::Text)
    } else {
        (Role::Muted, Role::Muted)
    };
    vec![
        run(key, model.keymap.shown(action)),
        run(text, format!("  {label}")),
    ]
}

/// Draws rows from the top, as many as fit; the last ones are kept when there are too many, as the choices are there. Answers
/// where the last one is.
pub(super) fn rows(brush: &mut Brush<'_>, inside: Rect, rows: &[Vec<Run>], choices: usize) -> Rect {
    let room = usize::from(inside.height);
    let body = rows.len() - choices.min(rows.len());
    let shown = body.min(room.saturating_sub(choices));
    let kept = rows.iter().take(shown).chain(rows.iter().skip(body));
    let mut last = Rect {
        height: 0,
        ..inside
    };
    for (y, row) in (inside.y..inside.bottom()).zip(kept) {
        brush.runs(inside.x, y, inside.width, row);
        (last.y, last.height) = (y, 1);
    }
    // A choice that there is no room for can't be pointed at.
    if shown + choices > room {
        last.height = 0;
    }
    last
}
