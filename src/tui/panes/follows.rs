//! The place that the selected group follows: what appears there is deployed by itself.
//!
//! ```text
//! follows s3://shop-bundles/web/, looked at 14:02:08; 13:40:10 d-7F3KQ21XB deploys it (s3://shop-bundles/web/1.8.0.zip)
//! ```

use crate::engine::Deployment;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;

/// At most so many rows of each are worth it.
const MOST: usize = 2;

/// What else is told of the group, and then this.
pub(super) fn lines(model: &Model, room: usize, mut lines: Vec<Vec<Run>>) -> Vec<Vec<Run>> {
    let view = model.view.as_ref().filter(|_| model.replay.is_none());
    let told = model.told().map(Deployment::group_key);
    let group = told.or_else(|| model.selected.group.clone());
    let Some((entry, look, watched)) = view
        .zip(group.as_ref())
        .and_then(|(view, key)| view.follows(key))
    else {
        return lines;
    };
    let looked = look.map_or_else(
        || "not looked at yet".to_owned(),
        |look| format!("looked at {}", (model.clock)(look.at)),
    );
    let seen = watched.map_or_else(String::new, |watched| {
        format!("; {} {watched}", (model.clock)(watched.at))
    });
    let told = format!("follows {}, {looked}{seen}", entry.from);
    let rows = wrap(&told, room).into_iter().take(MOST);
    lines.extend(rows.map(|row| vec![run(Role::Muted, row)]));
    if let Some(why) = look.and_then(|look| look.trouble.as_ref()) {
        let sign = Glyph::Attention.draw(model.theme);
        let rows = wrap(why, room.saturating_sub(2)).into_iter().take(MOST);
        lines.extend(rows.enumerate().map(|(row, text)| {
            let sign = if row == 0 { sign } else { " " };
            vec![run(Role::Bad, format!("{sign} ")), run(Role::Text, text)]
        }));
    }
    lines
}
