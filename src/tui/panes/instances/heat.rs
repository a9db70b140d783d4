//! Every instance as a sign, all of them on the screen: where they are more than there are cells, a sign stands for several,
//! and shows the worst.

use ratatui::layout::Rect;

use super::Shape;
use crate::engine::Deployment;
use crate::model::deployment::TargetStatus;
use crate::tui::aims::Aim;
use crate::tui::glyph::{self, Glyph};
use crate::tui::lists::row::Row;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// Signs between two gaps.
const TEN: usize = 10;

/// How many instances a sign stands for, and how signs lie in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    /// Instances a sign.
    each: usize,
    /// Signs a row.
    columns: usize,
}

impl Grid {
    fn new(count: usize, width: usize, rows: usize) -> Self {
        let columns = (((width + 1) / (TEN + 1)) * TEN).max(TEN.min(width)).max(1);
        let each = count.div_ceil((columns * rows).max(1)).max(1);
        Self { each, columns }
    }

    /// The column of a sign on the screen.
    fn x(self, sign: usize) -> usize {
        let column = sign % self.columns;
        column + column / TEN
    }
}

/// How wide the signs may be, and how many rows they have: the last says what is selected.
fn room(area: Rect) -> (usize, usize) {
    let rows = usize::from(area.height.saturating_sub(2)).max(1);
    (usize::from(area.width).saturating_sub(4), rows)
}

/// How many instances a step to the side is, and a step up or down.
pub(crate) fn steps(model: &Model, count: usize) -> (isize, isize) {
    if model.shape != Shape::Heat {
        return (1, 1);
    }
    let (width, rows) = room(model.layout().instances);
    let grid = Grid::new(count, width, rows);
    let steps = |by: usize| isize::try_from(by).unwrap_or(isize::MAX);
    (steps(grid.each), steps(grid.each * grid.columns))
}

/// How much a status matters, where one sign stands for several.
fn weight(status: TargetStatus) -> u8 {
    match status {
        TargetStatus::Failed => 6,
        TargetStatus::Unknown => 5,
        TargetStatus::InProgress => 4,
        TargetStatus::Ready => 3,
        TargetStatus::Pending => 2,
        TargetStatus::Skipped => 1,
        TargetStatus::Succeeded => 0,
    }
}

/// The heading over the rule, the signs, and a line about the selected instance.
pub(super) fn draw(
    model: &Model,
    deployment: &Deployment,
    (area, heading): (Rect, Role),
    brush: &mut Brush<'_>,
) {
    let shown = model.instances();
    let (width, rows) = room(area);
    let grid = Grid::new(shown.len(), width, rows);
    let mut title = vec![run(heading, deployment.spec.target_heading())];
    title.push(match grid.each {
        1 => run(Role::Muted, "  a sign each"),
        n => run(Role::Muted, format!("  a sign for {n}, the worst of them")),
    });
    brush.title(area, &title);
    let selected = model.selected.instance.as_ref();
    let selected = selected.and_then(|name| shown.row(deployment, name));
    let focus = model.has_keys(Pane::Instances);
    let cell = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    for sign in 0..shown.len().div_ceil(grid.each) {
        let first = sign * grid.each;
        let of = shown.window(first, grid.each);
        // The first of the worst ones: it is what the sign shows, and what a click at it means.
        let Some(worst) = of.min_by_key(|target| std::cmp::Reverse(weight(target.status))) else {
            break;
        };
        let mark = glyph::target(worst.status);
        let x = area.x.saturating_add(2 + cell(grid.x(sign)));
        let y = area.y.saturating_add(1 + cell(sign / grid.columns));
        let glyph = brush.glyph(mark.glyph);
        brush.text(x, y, 1, mark.role, glyph);
        let instance = Row::Instance(worst.name.clone());
        brush.aim(Rect::new(x, y, 1, 1), Aim::Row(instance));
        if selected.is_some_and(|row| row / grid.each == sign) {
            let tint = if focus { Role::Selected } else { Role::Chosen };
            brush.tint(Rect::new(x, y, 1, 1), tint);
        }
    }
    if area.height > 2 {
        let about = about(model, selected, grid);
        brush.runs(
            area.x + 2,
            area.bottom() - 1,
            area.width.saturating_sub(4),
            &about,
        );
    }
}

/// The selected instance, in words.
fn about(model: &Model, selected: Option<usize>, grid: Grid) -> Vec<Run> {
    let shown = model.instances();
    let Some((row, target)) = selected.and_then(|row| Some((row, shown.get(row)?))) else {
        return Vec::new();
    };
    let mark = glyph::target(target.status);
    let mut runs = vec![
        run(Role::Focus, format!("{} ", Glyph::Cursor.draw(model.theme))),
        run(Role::Heading, format!("{}  ", target.name)),
        run(
            mark.role,
            format!("{} {}", mark.glyph.draw(model.theme), mark.word),
        ),
    ];
    let event = target.failure().or_else(|| target.running());
    if let Some(entry) = event {
        runs.push(run(Role::Muted, format!("  {}", entry.event.name())));
    }
    let others = shown
        .window(row - row % grid.each, grid.each)
        .count()
        .saturating_sub(1);
    if others > 0 {
        runs.push(run(Role::Muted, format!("  and {others} beside it")));
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the room, every instance has its sign on the screen.
        #[test]
        fn every_instance_is_in_view(count in 1usize..20_000, width in 1usize..400, rows in 1usize..100) {
            let grid = Grid::new(count, width, rows);
            let last = (count - 1) / grid.each;
            prop_assert!(last / grid.columns < rows);
            prop_assert!((0..=last).all(|sign| grid.x(sign) < width));
        }
    }
}
