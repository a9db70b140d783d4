//! A row an instance, with its lifecycle events along the time of the deployment: machines that work are solid, waits are
//! hollow, and who takes much longer than the others is marked.

use ratatui::layout::Rect;

use super::super::lists::column;
use super::super::sortable;
use crate::engine::Deployment;
use crate::engine::deployment::{Target, TargetEvent};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::timestamp::{Short, Timestamp};
use crate::tui::glyph::{self, Glyph};
use crate::tui::lists::List;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// The width of the time, and of how many times the median it is.
const TIME: usize = 16;
/// The widest name.
const NAME: usize = 24;

/// The time along the bars.
#[derive(Clone, Copy, Debug)]
struct Axis {
    from: Timestamp,
    /// Milliseconds a column; at least one.
    column: f64,
    columns: usize,
}

impl Axis {
    fn new(deployment: &Deployment, now: Timestamp, columns: usize) -> Self {
        let from = deployment.start_time.unwrap_or(deployment.create_time);
        let to = deployment.complete_time.unwrap_or(now);
        let span = to.since(from).as_secs_f64() * 1000.0;
        #[allow(clippy::cast_precision_loss, reason = "columns of a screen")]
        let column = (span / columns.max(1) as f64).max(1.0);
        Self {
            from,
            column,
            columns,
        }
    }

    /// The column of a time; the clock of a host may be another.
    fn at(&self, time: Timestamp) -> usize {
        let passed = time.since(self.from).as_secs_f64() * 1000.0;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is no negative number, and cut to the columns"
        )]
        let column = (passed / self.column) as usize;
        column.min(self.columns.saturating_sub(1))
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
    let width = usize::from(area.width).saturating_sub(4);
    let longest = visible.iter().map(|target| target.name.as_str().len());
    let name = (longest.max().unwrap_or(0).max(9) + 1).min(NAME);
    let columns = width.saturating_sub(name + TIME);
    let now = model.present();
    let axis = Axis::new(deployment, now, columns);
    let span = deployment.complete_time.unwrap_or(now).since(axis.from);
    let noun = deployment.spec.target_heading();
    let median = model
        .pace
        .median
        .map_or_else(String::new, |median| format!("  median {}", Short(median)));
    brush.title(
        area,
        &[
            run(heading, noun),
            run(Role::Muted, format!("  along {}{median}", Short(span))),
        ],
    );
    let headings = Rect::new(area.x + 2, area.y, area.width.saturating_sub(3), 1);
    sortable(
        brush,
        List::Instances,
        headings,
        &[(Some("name"), noun.len())],
    );
    super::rows(model, visible, area, brush, |target| {
        row(model, target, name, axis)
    });
}

fn row(model: &Model, target: &Target, name: usize, axis: Axis) -> Vec<Run> {
    let now = model.present();
    let mark = glyph::target(target.status);
    let mut runs = vec![run(Role::Text, column(&target.name, name))];
    runs.extend(bar(model, target, axis));
    let worked = target.worked(now);
    let time = worked.map_or_else(String::new, |time| Short(time).to_string());
    runs.push(run(
        mark.role,
        format!(" {}{time:>8}", mark.glyph.draw(model.theme)),
    ));
    if let Some(times) = worked.and_then(|worked| model.pace.straggles(worked)) {
        let sign = Glyph::Up.draw(model.theme);
        runs.push(run(Role::Warn, format!(" {sign}{times:.1}x")));
    }
    runs
}

/// The events of an instance along the time: each begins with its letter.
fn bar(model: &Model, target: &Target, axis: Axis) -> Vec<Run> {
    let now = model.present();
    let mut cells: Vec<(Role, &str)> = vec![(Role::Muted, " "); axis.columns];
    let hollow = (Role::Muted, Glyph::BarEmpty.draw(model.theme));
    // It waits for its turn wherever nothing of it runs.
    if let Some(start) = target.start_time {
        let end = target.end_time.unwrap_or(now);
        fill(&mut cells, axis.at(start), axis.at(end), hollow);
    }
    for entry in &target.events {
        let Some(start) = entry.start_time else {
            continue;
        };
        let (from, to) = (axis.at(start), axis.at(entry.end_time.unwrap_or(now)));
        let (role, body) = look(model, entry);
        fill(&mut cells, from, to, (role, body));
        let letter = entry.event.short_name().get(..1).unwrap_or(body);
        fill(&mut cells, from, from, (role, letter));
    }
    let mut runs: Vec<Run> = Vec::new();
    for (role, text) in cells {
        match runs.last_mut() {
            Some((known, run)) if *known == role => run.push_str(text),
            _ => runs.push(run(role, text)),
        }
    }
    runs
}

fn fill<'a>(cells: &mut [(Role, &'a str)], from: usize, to: usize, with: (Role, &'a str)) {
    for cell in cells.get_mut(from..=to).unwrap_or_default() {
        *cell = with;
    }
}

/// How an event looks: work is solid, and hollow where the host waits for its traffic to move.
fn look(model: &Model, entry: &TargetEvent) -> (Role, &'static str) {
    let waits = matches!(
        entry.event,
        LifecycleEvent::BlockTraffic | LifecycleEvent::AllowTraffic
    );
    let glyph = match (entry.status, waits) {
        (EventStatus::Failed, _) => Glyph::Failed,
        (_, true) => Glyph::BarEmpty,
        _ => Glyph::BarFull,
    };
    (glyph::event(entry.status).role, glyph.draw(model.theme))
}
