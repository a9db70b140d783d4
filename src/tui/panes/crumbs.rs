//! Where somebody is, from home on: what does not fit goes from the left.

use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::screens::{here, way};
use crate::tui::theme::Role;

/// The crumbs, in at most so many cells.
pub(super) fn crumbs(model: &Model, room: usize) -> Vec<Run> {
    let into = format!(" {} ", Glyph::Into.draw(model.theme));
    let way = way(model, &here(model));
    let mut runs: Vec<Run> = Vec::new();
    for (index, place) in way.iter().rev().enumerate() {
        let role = if index == 0 {
            Role::Heading
        } else {
            Role::Muted
        };
        let mut next = vec![run(role, place.label())];
        if index > 0 {
            next.push(run(Role::Muted, into.clone()));
        }
        let last = index + 1 == way.len();
        let cut = if last { 0 } else { 2 + into.chars().count() };
        if index > 0 && width(&runs) + width(&next) + cut > room {
            let more = format!("{}{into}", Glyph::Cut.draw(model.theme));
            runs.insert(0, run(Role::Muted, more));
            break;
        }
        next.extend(runs);
        runs = next;
    }
    if let Some((_, last)) = runs.last_mut() {
        last.push_str("  ");
    }
    runs
}
