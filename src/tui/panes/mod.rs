//! The panes of the screen of rollouts, and what every screen has around it. Each draws its place from the model, and
//! changes nothing.

pub(crate) mod alarms;
pub(crate) mod crumbs;
pub(crate) mod environment;
mod follows;
pub(crate) mod footer;
mod gauge;
pub(crate) mod header;
pub(crate) mod instances;
pub(crate) mod lists;
mod next;
pub(crate) mod note;
pub(crate) mod output;
pub(crate) mod rollout;
mod schedule;
pub(crate) mod scrub;
pub(crate) mod seat;
mod stages;
mod tasks;
pub(crate) mod tiny;
mod traffic;
mod trouble;
mod wait;

use super::glyph::Glyph;
use super::lists::{List, counts};
use super::model::Model;
use super::paint::{Run, run};
use super::theme::Role;

/// How a list is arranged, in a few words; nothing if it is as it is by itself.
pub(crate) fn arranged(model: &Model, list: List) -> Option<Run> {
    let arrangement = model.arranged.of(list);
    if arrangement.is_plain() {
        return None;
    }
    let mut words = Vec::new();
    let filter = &arrangement.filter;
    if !filter.is_empty() {
        let (shown, all) = counts(model, list);
        words.push(format!("/{} {shown} of {all}", filter.text().trim()));
    }
    if !arrangement.is_unsorted() {
        let sign = if arrangement.inverted {
            Glyph::Up
        } else {
            Glyph::Down
        };
        let column = list.columns().get(arrangement.column).copied();
        let sign = sign.draw(model.theme);
        words.push(format!("by {}{sign}", column.unwrap_or_default()));
    }
    Some(run(Role::Warn, words.join(" ")))
}
