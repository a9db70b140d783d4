//! A row an instance, with every lifecycle event as a cell.

use ratatui::layout::Rect;

use super::super::lists::column;
use super::super::note::note;
use super::super::{seat, sortable};
use crate::engine::Deployment;
use crate::engine::deployment::{Target, TargetEvent};
use crate::engine::plan::Stage;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::Short;
use crate::tui::glyph::{self, Glyph};
use crate::tui::lists::List;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;
use crate::tui::widgets::duration::tiny;

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

/// The heading over the rule, and a row for each of these.
pub(super) fn draw(
    model: &Model,
    deployment: &Deployment,
    visible: &[&Target],
    (area, heading): (Rect, Role),
    brush: &mut Brush<'_>,
) {
    let events = events(deployment);
    let width = usize::from(area.width).saturating_sub(4);
    let columns = Columns::fit(deployment, events.len(), visible, width);
    let noun = deployment.spec.target_heading();
    header(area, &columns, (noun, &events), heading, brush);
    super::rows(model, visible, area, brush, |target| {
        row(model, deployment, target, &columns, &events)
    });
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
    let status = if columns.status {
        (Some("status"), STATUS)
    } else {
        (None, 2)
    };
    let wide = [
        (Some("name"), columns.name),
        (None, columns.side + columns.traffic),
        status,
        (None, events.len() * columns.cell),
        (Some("time"), TIME),
    ];
    let headings = Rect::new(area.x + 3, area.y, area.width.saturating_sub(4), 1);
    sortable(brush, List::Instances, headings, &wide);
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
    let worked = target.worked(model.present());
    let time = worked.map_or_else(String::new, |time| Short(time).to_string());
    let straggles = worked.is_some_and(|worked| model.pace.straggles(worked).is_some());
    let (role, sign) = if straggles {
        (Role::Warn, Glyph::Up.draw(model.theme))
    } else {
        (Role::Text, "")
    };
    runs.push(run(
        role,
        format!("{:>width$}", format!("{sign}{time}"), width = TIME - 1),
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
