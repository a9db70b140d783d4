//! A sequence of keys that is begun: what may follow, at the bottom of the screen. No time ends it.
//!
//! ```text
//! ┌ g … ──────────────────────────────────┐
//! │ g    Go to the first row              │
//! │ esc  Nothing, as every other key      │
//! └───────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::tui::action::available::available;
use crate::tui::aims::Aim;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, run};
use crate::tui::theme::Role;
use crate::tui::update::contexts;

/// The width of a key.
const KEY: usize = 8;

/// Draws it while something is begun.
pub(crate) fn draw(model: &Model, brush: &mut Brush<'_>) {
    let Some(first) = model.begun.filter(|_| model.layers.is_empty()) else {
        return;
    };
    let follow = model.keymap.after(&contexts(model), first);
    let (width, height) = model.size;
    let rows = u16::try_from(follow.len() + 1).unwrap_or(u16::MAX);
    let high = rows.saturating_add(2).min(height);
    let area = Rect::new(0, height - high, width, high);
    brush.clear(area);
    brush.aim(area, Aim::Layer);
    let title = format!("{first} {}", Glyph::Cut.draw(model.theme));
    let inside = if high > 2 {
        brush.frame(area, Role::Focus, &[run(Role::Focus, title)])
    } else {
        area
    };
    let (x, wide) = (inside.x + 1, inside.width.saturating_sub(2));
    let mut rows = inside.y..inside.bottom();
    for ((key, action), y) in follow.iter().zip(rows.by_ref()) {
        let (role, text) = match available(*action, model) {
            Ok(()) => (Role::Text, action.entry().doc.to_owned()),
            Err(reason) => (Role::Muted, format!("not now: {reason}")),
        };
        let runs = [
            run(Role::Key, format!("{:KEY$}", key.to_string())),
            run(role, text),
        ];
        brush.runs(x, y, wide, &runs);
        brush.aim(Rect::new(x, y, wide, 1), Aim::Act(*action));
    }
    if let Some(y) = rows.next() {
        let runs = [
            run(Role::Key, format!("{:KEY$}", "esc")),
            run(Role::Muted, "Nothing, as every other key"),
        ];
        brush.runs(x, y, wide, &runs);
    }
}
