//! The instances of the selected deployment, each with every lifecycle event as a cell. Only visible rows are laid out.

use ratatui::layout::Rect;

use super::lists::column;
use super::note::note;
use super::seat;
use crate::engine::Deployment;
use crate::engine::deployment::{Target, TargetEvent};
use crate::engine::plan::Stage;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Short;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::lists::List;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::duration::tiny;
use crate::tui::widgets::list::beyond;

/// The width of an event's cell, with and without room for a running event's time.
const CELLS: (usize, usize) = (6, 3);
/// The width of the status column: sign, word, gap.
const STATUS: usize = 14;
/// The width of the side column, as a whole word and short.
const SIDE: (usize, usize) = (12, 5);
/// The width of the traffic column.
const TRAFFIC: usize = 11;
/// The width of the time column.
const TIME: usize = 9;

/// The widths of the columns.
struct Columns {
    name: usize,
    /// The width of an event's cell.
    cell: usize,
    /// The width of the side, in a deployment that has two.
    side: usize,
    /// The width of how it stands at the load balancers, in a deployment that has some.
    traffic: usize,
    /// The status as a word, where there is room.
    status: bool,
    /// The message, where there is room.
    message: usize,
}

impl Columns {
    fn fit(deployment: &Deployment, events: usize, visible: &[&Target], width: usize) -> Self {
        let longest = visible
            .iter()
            .map(|target| target.name.as_str().len())
            .max()
            .unwrap_or(0)
            .max("Instance".len());
        let sides = deployment.spec.sides.is_some();
        let traffic = if deployment.spec.group.controls_traffic() {
            TRAFFIC
        } else {
            0
        };
        let least = traffic + if sides { SIDE.1 } else { 0 };
        let wide = events * CELLS.0 + TIME + 3 + least + longest.min(12) < width;
        let cell = if wide { CELLS.0 } else { CELLS.1 };
        let fixed = events * cell + TIME + traffic;
        let words = STATUS + if sides { SIDE.0 } else { 0 };
        let status = fixed + words + longest.min(12) < width;
        let side = match (sides, status) {
            (false, _) => 0,
            (true, true) => SIDE.0,
            (true, false) => SIDE.1,
        };
        let fixed = fixed + side;
        let room = width.saturating_sub(fixed + if status { STATUS } else { 2 });
        // What is left of the name still tells one from another; the right end is cut instead.
        let name = (longest + 1).min(room.max(12)).min(40);
        Self {
            name,
            cell,
            side,
            traffic,
            status,
            message: room.saturating_sub(name),
        }
    }
}

/// Draws the pane.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.instances;
    if area.height == 0 {
        return;
    }
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
    let events = events(deployment);
    let width = usize::from(area.width).saturating_sub(4);
    let shown = model.instances();
    let rows = usize::from(inside.height);
    let visible: Vec<&Target> = shown.window(model.scroll.instances, rows).collect();
    let columns = Columns::fit(deployment, events.len(), &visible, width);
    let noun = deployment.spec.target_heading();
    header(area, &columns, (noun, &events), heading, brush);
    for (y, target) in (inside.y..inside.bottom()).zip(visible) {
        let selected = model.selected.instance.as_ref() == Some(&target.name);
        if selected {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(area.x + 1, y, 1, Role::Focus, cursor);
        }
        brush.runs(
            area.x + 3,
            y,
            area.width.saturating_sub(4),
            &row(model, deployment, target, &columns, &events),
        );
        if selected {
            let tint = if focus { Role::Selected } else { Role::Chosen };
            brush.tint(Rect::new(area.x + 1, y, area.width - 2, 1), tint);
        }
    }
    let rule = Rect {
        width: area.width - 1,
        ..area
    };
    beyond(
        brush,
        rule,
        model.scroll.instances,
        shown.len(),
        usize::from(inside.height),
    );
    if let Some((role, text)) = super::arranged(model, List::Instances) {
        let left = area.right().saturating_sub(12);
        brush.right(left, area.y, &[run(role, format!(" {text} "))]);
    }
}

/// Every event of the plan, in its order: the sides of a deployment go through different ones.
fn events(deployment: &Deployment) -> Vec<LifecycleEvent> {
    let mut events = Vec::new();
    for work in deployment.plan.stages.iter().filter_map(Stage::work) {
        for event in work.events {
            if !events.contains(event) {
                events.push(*event);
            }
        }
    }
    events
}

fn header(
    area: Rect,
    columns: &Columns,
    (noun, events): (&str, &[LifecycleEvent]),
    role: Role,
    brush: &mut Brush<'_>,
) {
    // Over the rule, so that the line shows through the gaps.
    let mut x = area.x + 3;
    let right = area.right().saturating_sub(1);
    let mut word = |text: &str, width: usize| {
        brush.text(x, area.y, right.saturating_sub(x), role, text);
        x = x.saturating_add(u16::try_from(width).unwrap_or(u16::MAX));
    };
    word(&format!("{noun} "), columns.name);
    if columns.side > 0 {
        word("Side ", columns.side);
    }
    if columns.traffic > 0 {
        word("Traffic ", columns.traffic);
    }
    if columns.status {
        word(" Status ", STATUS);
    } else {
        word("", 2);
    }
    for event in events {
        let name: String = event.short_name().chars().take(columns.cell - 1).collect();
        word(
            &format!("{name:<width$}", width = columns.cell),
            columns.cell,
        );
    }
    word("    time ", TIME);
    if columns.message > 12 {
        word("   why ", columns.message);
    }
}

fn row(
    model: &Model,
    deployment: &Deployment,
    target: &Target,
    columns: &Columns,
    events: &[LifecycleEvent],
) -> Vec<Run> {
    let mark = glyph::target(target.status);
    let sign = mark.glyph.draw(model.theme);
    let mut runs = vec![run(Role::Text, column(&target.name, columns.name))];
    runs.extend(seat::side(target, columns.side));
    if columns.traffic > 0 {
        runs.push(seat::traffic(model, deployment, target, columns.traffic));
    }
    if columns.status {
        runs.push(run(
            mark.role,
            format!(" {sign} {:<width$}", mark.word, width = STATUS - 3),
        ));
    } else {
        runs.push(run(mark.role, format!("{sign} ")));
    }
    runs.extend(events.iter().map(|event| match target.event(*event) {
        Some(entry) => cell(model, entry, columns.cell),
        None => run(Role::Muted, " ".repeat(columns.cell)),
    }));
    let time = target.worked(model.present());
    let time = time.map(|time| Short(time).to_string());
    runs.push(run(
        Role::Text,
        format!("{:>width$}", time.unwrap_or_default(), width = TIME - 1),
    ));
    if columns.message > 12 {
        runs.push(run(Role::Muted, "   "));
        runs.extend(note(model, deployment, target));
    }
    runs
}

fn cell(model: &Model, entry: &TargetEvent, width: usize) -> Run {
    let mark = glyph::event(entry.status);
    let sign = mark.glyph.draw(model.theme);
    let text = match (entry.status, entry.start_time) {
        (EventStatus::InProgress, Some(start)) if width == CELLS.0 => {
            format!("{sign} {}", tiny(model.present().since(start)))
        }
        _ => sign.to_owned(),
    };
    run(mark.role, format!("{text:width$}"))
}
