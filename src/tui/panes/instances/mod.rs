//! The instances of the selected deployment, in one of three shapes. Only what is visible is laid out.

mod gantt;
mod heat;
mod table;

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use crate::engine::deployment::Target;
use crate::tui::aims::Aim;
use crate::tui::glyph::Glyph;
use crate::tui::layout::Layout;
use crate::tui::lists::List;
use crate::tui::lists::row::Row;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::list::beyond;

pub(crate) use heat::steps;

/// How the instances are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Shape {
    /// A row an instance, a cell a lifecycle event.
    #[default]
    Table,
    /// A row an instance, its events along the time.
    Gantt,
    /// A sign an instance, or for several the worst of them.
    Heat,
}

impl Shape {
    /// The one after it, round and round.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Table => Self::Gantt,
            Self::Gantt => Self::Heat,
            Self::Heat => Self::Table,
        }
    }
}

/// Draws the pane.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.instances;
    if area.height == 0 {
        return;
    }
    brush.aim(area, Aim::Pane(Pane::Instances));
    let focus = model.has_keys(Pane::Instances);
    brush.rule(
        area,
        Ends::Middle,
        if focus { Role::Focus } else { Role::Border },
    );
    let inside = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    brush.sides(inside, Role::Border);
    let heading = if focus { Role::Focus } else { Role::Heading };
    let Some(deployment) = model.deployment() else {
        brush.title(area, &[run(heading, "Instances")]);
        return;
    };
    if deployment.targets.is_empty() {
        brush.title(area, &[run(heading, "Instances")]);
        brush.text(
            area.x + 2,
            inside.y,
            area.width.saturating_sub(4),
            Role::Muted,
            "no instance takes part",
        );
        return;
    }
    let shown = model.instances();
    if model.shape == Shape::Heat {
        heat::draw(model, deployment, (area, heading), brush);
    } else {
        let rows = usize::from(inside.height);
        let visible: Vec<&Target> = shown.window(model.scroll.instances, rows).collect();
        if model.shape == Shape::Table {
            table::draw(model, deployment, &visible, (area, heading), brush);
        } else {
            gantt::draw(model, deployment, &visible, (area, heading), brush);
        }
        let rule = Rect {
            width: area.width - 1,
            ..area
        };
        beyond(brush, rule, model.scroll.instances, shown.len(), rows);
    }
    if let Some((role, text)) = super::arranged(model, List::Instances) {
        let left = area.right().saturating_sub(12);
        brush.right(left, area.y, &[run(role, format!(" {text} "))]);
    }
}

/// Draws a row for each of these below the rule, with the cursor at the selected one.
fn rows(
    model: &Model,
    visible: &[&Target],
    area: Rect,
    brush: &mut Brush<'_>,
    row: impl Fn(&Target) -> Vec<Run>,
) {
    let focus = model.has_keys(Pane::Instances);
    for (y, target) in (area.y + 1..area.bottom()).zip(visible) {
        let selected = model.selected.instance.as_ref() == Some(&target.name);
        let whole = Rect::new(area.x + 1, y, area.width - 2, 1);
        brush.aim(whole, Aim::Row(Row::Instance(target.name.clone())));
        if selected {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(area.x + 1, y, 1, Role::Focus, cursor);
        }
        brush.runs(area.x + 3, y, area.width.saturating_sub(4), &row(target));
        if selected {
            let tint = if focus { Role::Selected } else { Role::Chosen };
            brush.tint(whole, tint);
        }
    }
}
