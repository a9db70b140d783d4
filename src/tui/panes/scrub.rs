//! How far a replay has come: a bar between the times at which it begins and ends, failures marked in it, and what the newest
//! entry says.
//!
//! ```text
//! │ 14:01:51 ▰▰▰▰▰▰▰▰▰✖▰▰▰▱▱▱▱▱▱▱ 14:05:02  12/36  web-3: AfterInstall failed: exit code 1 │
//! ```

use crate::api::afterwards::timeline::told;
use crate::tui::glyph::Glyph;
use crate::tui::layout::Layout;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::replay::Progress;
use crate::tui::theme::Role;

/// The share of the row that the bar takes, and its least width.
const BAR: (usize, usize) = (3, 10);

/// Draws it.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.scrub;
    let Some(player) = model.replay.as_ref().filter(|_| area.height > 0) else {
        return;
    };
    let progress = player.progress();
    let width = usize::from(area.width);
    let cells = (width / BAR.0).max(BAR.1);
    let mut runs = vec![run(
        Role::Muted,
        format!("{} ", (model.clock)(progress.ends.0)),
    )];
    runs.extend(
        bar(&progress, cells)
            .into_iter()
            .map(|(role, glyph)| run(role, glyph.draw(model.theme))),
    );
    runs.push(run(
        Role::Muted,
        format!(" {}  ", (model.clock)(progress.ends.1)),
    ));
    let plan = model.deployment().map(|deployment| &*deployment.plan);
    let said = progress.newest.and_then(|event| told(event, plan));
    runs.extend(said.map(|said: String| -> Run { run(Role::Text, said) }));
    brush.sides(area, Role::Border);
    brush.runs(area.x + 2, area.y, area.width.saturating_sub(4), &runs);
}

/// The cells of the bar.
fn bar(progress: &Progress<'_>, cells: usize) -> Vec<(Role, Glyph)> {
    let all = progress.all.max(1);
    // An entry lies in the cell in which it ends.
    let cell = |entry: usize| (entry * cells).div_ceil(all).saturating_sub(1);
    let reached = progress.position * cells / all;
    let mut bar: Vec<(Role, Glyph)> = (0..cells)
        .map(|place| {
            if place < reached {
                (Role::Active, Glyph::BarFull)
            } else {
                (Role::Muted, Glyph::BarEmpty)
            }
        })
        .collect();
    for failure in &progress.failures {
        if let Some(mark) = bar.get_mut(cell(*failure)) {
            *mark = (Role::Bad, Glyph::Failed);
        }
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;

    #[test]
    fn the_bar_is_as_full_as_the_replay_has_come_and_marks_failures() {
        let drawn = |position, failures: &[usize]| -> String {
            let progress = Progress {
                position,
                all: 20,
                ends: (Timestamp(0), Timestamp(0)),
                failures: failures.to_vec(),
                newest: None,
            };
            let sign = |(_, glyph)| match glyph {
                Glyph::BarFull => '#',
                Glyph::BarEmpty => '.',
                _ => 'x',
            };
            bar(&progress, 10).into_iter().map(sign).collect()
        };
        assert_eq!(drawn(0, &[]), "..........");
        assert_eq!(drawn(10, &[2, 20]), "x####....x");
        assert_eq!(drawn(19, &[]), "#########.");
        assert_eq!(drawn(20, &[11]), "#####x####");
    }
}
