//! Where somebody is, from home on: what does not fit goes from the left.

use crate::model::address::Address;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::screens::{here, way};
use crate::tui::theme::Role;

/// The crumbs, in at most so many cells, each with where it leads.
pub(super) fn crumbs(model: &Model, room: usize) -> Vec<(Run, Option<Address>)> {
    let into = format!(" {} ", Glyph::Into.draw(model.theme));
    let way = way(model, &here(model));
    let mut runs: Vec<(Run, Option<Address>)> = Vec::new();
    let mut taken = 0;
    for (index, place) in way.iter().rev().enumerate() {
        let role = if index == 0 {
            Role::Heading
        } else {
            Role::Muted
        };
        let mut next = vec![(run(role, place.label()), Some(place.clone()))];
        if index > 0 {
            next.push((run(Role::Muted, into.clone()), None));
        }
        let wide: usize = next
            .iter()
            .map(|(run, _)| width(std::slice::from_ref(run)))
            .sum();
        let last = index + 1 == way.len();
        let cut = if last { 0 } else { 2 + into.chars().count() };
        if index > 0 && taken + wide + cut > room {
            let more = format!("{}{into}", Glyph::Cut.draw(model.theme));
            runs.insert(0, (run(Role::Muted, more), None));
            break;
        }
        taken += wide;
        next.extend(runs);
        runs = next;
    }
    if let Some(((_, last), _)) = runs.last_mut() {
        last.push_str("  ");
    }
    runs
}
