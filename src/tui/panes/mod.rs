//! The panes of the screen of rollouts, and what every screen has around it. Each draws its place from the model, and
//! changes nothing.

pub(crate) mod alarms;
pub(crate) mod begun;
pub(crate) mod crumbs;
pub(crate) mod detail;
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
pub(crate) mod wait;

use super::aims::Aim;
use super::lists::{List, counts};
use super::model::Model;
use super::paint::{Brush, Run, run};
use super::theme::Role;
use ratatui::layout::Rect;

/// Lets the headings of a list be clicked at: each is so wide, and those with a column sort by it.
pub(crate) fn sortable(
    brush: &mut Brush<'_>,
    list: List,
    headings: Rect,
    columns: &[(Option<&'static str>, usize)],
) {
    let mut left = headings;
    for (column, width) in columns {
        let wide = u16::try_from(*width).unwrap_or(u16::MAX).min(left.width);
        if let Some(column) = column {
            brush.aim(
                Rect {
                    width: wide,
                    ..left
                },
                Aim::Column(list, column),
            );
        }
        left.x += wide;
        left.width -= wide;
    }
}

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
        let column = list.columns().get(arrangement.column).copied();
        let sign = arrangement.direction().draw(model.theme);
        words.push(format!("by {}{sign}", column.unwrap_or_default()));
    }
    Some(run(Role::Warn, words.join(" ")))
}
