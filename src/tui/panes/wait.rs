//! A blue/green wait where there is room: whether all is well with the side that it is about, and what each key would do now.
//!
//! ```text
//! replacement  ✔ 2/2 installed  ✔ 2/2 answer  ✔ 2/2 well at the load balancers  ✔ 2/2 alarms OK  ✔ no host has changed since
//! r  Traffic moves from the 2 of the original (web-1, web-2) to the 2 of the replacement (web-3, web-4). …
//! s  It ends, Stopped: the original keeps all of the traffic.
//! ```

use crate::engine::Deployment;
use crate::tui::action::available::available;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::screens::Screen;
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;

/// The rows and columns that a screen needs: on a smaller one instances matter more.
const ROOMY: (usize, u16) = (90, 36);
/// At most so many rows for each key.
const MOST: usize = 5;

/// Whether there is room for it on the screen that is seen.
pub(crate) fn is_drawn(model: &Model) -> bool {
    let (width, height) = model.size;
    let room = usize::from(width.saturating_sub(4));
    model.screen == Screen::Rollouts && room >= ROOMY.0 && height >= ROOMY.1
}

/// What there is to know before a key is pressed.
pub(super) fn lines(model: &Model, deployment: &Deployment, room: usize) -> Vec<Vec<Run>> {
    let choices = &model.choices;
    let Some(side) = choices.side else {
        return Vec::new();
    };
    if room < ROOMY.0 || !is_drawn(model) {
        return Vec::new();
    }
    let label = deployment.spec.side_label(side);
    let below = " ".repeat(label.chars().count());
    let mut lines = vec![vec![run(Role::Text, label)]];
    for check in &choices.checks {
        let (role, glyph) = match check.well {
            Some(true) => (Role::Good, Glyph::Succeeded),
            Some(false) => (Role::Bad, Glyph::Attention),
            None => (Role::Muted, Glyph::Unknown),
        };
        let shown = run(role, glyph.beside(model.theme, &check.text));
        let wide = 2 + width(std::slice::from_ref(&shown));
        let gap = run(Role::Text, "  ");
        match lines.last_mut() {
            Some(line) if width(line) + wide <= room => line.extend([gap, shown]),
            _ => lines.push(vec![run(Role::Text, below.clone()), gap, shown]),
        }
    }
    for (action, text) in &choices.keys {
        if available(*action, model).is_err() {
            continue;
        }
        let key = model.keymap.shown(*action);
        let before = key.chars().count() + 2;
        let rows = wrap(text, room.saturating_sub(before).max(1));
        for (row, text) in rows.into_iter().take(MOST).enumerate() {
            let first = match row {
                0 => run(Role::Key, format!("{key}  ")),
                _ => run(Role::Text, " ".repeat(before)),
            };
            lines.push(vec![first, run(Role::Muted, text)]);
        }
    }
    lines
}
