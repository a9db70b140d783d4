//! The alarms of the selected deployment while it is not over, the worst first: state, value, threshold and what its last
//! polls found.
//!
//! ```text
//! ├──Alarm──State─────────Value──Threshold──────History──────────────────────────────────────────┤
//! │  errors ✖ ALARM       0.2    above 0.05     ⣀⣀⣤⣀⣶⣿⣿   0.2 for {host="web-2"} is above 0.05    │
//! ```

use ratatui::layout::Rect;

use crate::model::alarm::{AlarmState, AlarmStatus, Sample};
use crate::tui::glyph::{Glyph, Mark, alarm};
use crate::tui::layout::Layout;
use crate::tui::model::Model;
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::safe;
use crate::tui::theme::Role;
use crate::tui::widgets::sparkline::cells;

/// The width of the state's column: sign, word, gap.
const STATE: usize = 14;

/// An alarm, and what is known of it.
struct Row<'a> {
    name: &'a str,
    status: Option<&'a AlarmStatus>,
    mark: Mark,
}

/// The alarms, the worst first. A recording knows nothing of them.
fn rows(model: &Model) -> Vec<Row<'_>> {
    let deployment = model.deployment().filter(|d| !d.status.is_terminal());
    let configuration = deployment.and_then(|deployment| deployment.spec.alarms());
    let (Some(view), Some(configuration), None) = (&model.view, configuration, &model.replay)
    else {
        return Vec::new();
    };
    let mut rows: Vec<Row<'_>> = configuration
        .alarms
        .iter()
        .map(|named| {
            let status = view.alarms.get(&named.name);
            Row {
                name: &named.name,
                status,
                mark: alarm(status, configuration.ignore_poll_alarm_failure),
            }
        })
        .collect();
    rows.sort_by_key(|row| match (row.mark.glyph, row.mark.role) {
        (Glyph::Failed, _) => 0,
        (_, Role::Bad) => 1,
        (_, Role::Warn) => 2,
        _ => 3,
    });
    rows
}

/// How many of the alarms are well, of how many; nothing while none are watched.
pub(crate) fn well(model: &Model) -> Option<(usize, usize)> {
    let rows = rows(model);
    let well = rows
        .iter()
        .filter(|row| row.mark.role == Role::Good)
        .count();
    (!rows.is_empty()).then_some((well, rows.len()))
}

/// The alarms, a sentence each.
pub(crate) fn told(model: &Model) -> Vec<String> {
    let told = |row: &Row<'_>| {
        let part = |name: &str, text: String| match text.as_str() {
            "" => String::new(),
            text => format!(", {name}{text}"),
        };
        let value = part("value ", value(row));
        let threshold = part("threshold ", threshold(row));
        let message = part("", row.status.map_or_else(String::new, message));
        let (name, word) = (row.name, row.mark.word);
        format!("alarm {name}: {word}{value}{threshold}{message}")
    };
    rows(model).iter().map(told).collect()
}

/// The rows that the pane takes of this many, its rule among them: on a low screen only what is bad has one.
pub(crate) fn height(model: &Model, room: u16) -> u16 {
    let rows = rows(model);
    let bad = rows.iter().filter(|row| row.mark.role == Role::Bad).count();
    let most = match room {
        12.. => (room / 6).into(),
        7.. => bad.min(1),
        _ => 0,
    };
    match rows.len().min(most) {
        0 => 0,
        shown => 1 + u16::try_from(shown).unwrap_or(u16::MAX),
    }
}

/// The widths of the columns.
struct Columns {
    name: usize,
    value: usize,
    threshold: usize,
    history: usize,
    /// What there is to say, where there is room.
    message: usize,
}

impl Columns {
    fn fit(rows: &[Row<'_>], width: usize) -> Self {
        let longest = |text: fn(&Row<'_>) -> String, heading: &str, most: usize| {
            let texts = rows.iter().map(|row| safe::width(&text(row)));
            let longest = texts.max().unwrap_or(0).max(heading.len());
            longest.min(most) + 2
        };
        let name = longest(|row| row.name.to_owned(), "Alarm", width / 4);
        let value = longest(value, "Value", 10);
        let threshold = longest(threshold, "Threshold", width / 4);
        let rest = width.saturating_sub(name + STATE + value + threshold);
        let history = (rest / 3).clamp(8, 24).min(rest);
        Self {
            name,
            value,
            threshold,
            history,
            message: rest.saturating_sub(history + 2),
        }
    }
}

/// The value, short; none if nobody knows it any more.
fn value(row: &Row<'_>) -> String {
    let readable = row.status.filter(|status| status.unreadable().is_none());
    let reading = readable.and_then(|status| status.reading.as_ref());
    let Some(value) = reading.and_then(|reading| reading.value.as_deref()) else {
        return String::new();
    };
    match value.parse::<f64>() {
        Ok(number) if value.len() > 8 && number.is_finite() => match number.abs() {
            1000.0.. => format!("{number:.0}"),
            1.0.. => format!("{number:.2}"),
            0.0001.. => format!("{number:.4}"),
            _ => format!("{number:.1e}"),
        },
        _ => value.to_owned(),
    }
}

fn threshold(row: &Row<'_>) -> String {
    let reading = row.status.and_then(|status| status.reading.as_ref());
    reading.map_or_else(String::new, |reading| reading.threshold.clone())
}

/// What there is to say about an alarm that is not simply well.
fn message(status: &AlarmStatus) -> String {
    match (&status.trouble, &status.reading) {
        (Some(trouble), _) => trouble.clone(),
        (None, Some(reading)) if reading.state != AlarmState::Ok => reading.message.clone(),
        _ => String::new(),
    }
}

/// The last polls, a cell each; those in alarm stand out.
fn history(model: &Model, status: &AlarmStatus, width: usize) -> Vec<Run> {
    let skip = status.history.len().saturating_sub(width);
    let polls: Vec<&Sample> = status.history.iter().skip(skip).collect();
    let height = |sample: &&Sample| match (sample.state?, &sample.value) {
        (AlarmState::InsufficientData, _) => None,
        (_, Some(value)) => value.parse().ok(),
        // Without values, an alarm is high and all else low.
        (AlarmState::Alarm, None) => Some(1.0),
        (AlarmState::Ok, None) => Some(0.0),
    };
    let heights: Vec<Option<f64>> = polls.iter().map(height).collect();
    let cells = cells(model.theme, &heights).into_iter().zip(&polls);
    let sign = |glyph: Glyph| glyph.draw(model.theme).to_owned();
    cells
        .map(|(cell, sample)| {
            let cell = cell.map_or_else(|| sign(Glyph::Unknown), String::from);
            match sample.state {
                Some(AlarmState::Ok) => run(Role::Text, cell),
                Some(AlarmState::Alarm) => run(Role::Bad, cell),
                Some(AlarmState::InsufficientData) => run(Role::Muted, sign(Glyph::Pending)),
                None => run(Role::Warn, sign(Glyph::Unknown)),
            }
        })
        .collect()
}

/// Draws the pane.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.alarms;
    if area.height == 0 {
        return;
    }
    let all = rows(model);
    let shown = &all[..all.len().min(usize::from(area.height - 1))];
    let columns = Columns::fit(shown, usize::from(area.width).saturating_sub(6));
    brush.rule(area, Ends::Middle, Role::Border);
    headings(area, &columns, brush);
    if shown.len() < all.len() {
        let more = format!(" {} of {} ", shown.len(), all.len());
        brush.right(area.right() - 2, area.y, &[run(Role::Muted, more)]);
    }
    let inside = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    brush.sides(inside, Role::Border);
    for (y, row) in (inside.y..inside.bottom()).zip(shown) {
        let mut x = area.x + 3;
        let mut cell = |width: usize, runs: &[Run]| {
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            let end = area.right().saturating_sub(2);
            brush.runs(
                x,
                y,
                width.saturating_sub(1).min(end.saturating_sub(x)),
                runs,
            );
            x = x.saturating_add(width);
        };
        let Mark { glyph, word, role } = row.mark;
        cell(columns.name, &[run(Role::Text, row.name)]);
        let state = format!("{} {word}", glyph.draw(model.theme));
        cell(STATE, &[run(role, state)]);
        cell(columns.value, &[run(Role::Text, value(row))]);
        cell(columns.threshold, &[run(Role::Muted, threshold(row))]);
        let Some(status) = row.status else { continue };
        cell(
            columns.history + 2,
            &history(model, status, columns.history),
        );
        if columns.message > 12 {
            cell(columns.message, &[run(Role::Muted, message(status))]);
        }
    }
}

fn headings(area: Rect, columns: &Columns, brush: &mut Brush<'_>) {
    // Over the rule, so that the line shows through the gaps.
    let mut x = area.x + 3;
    let end = area.right().saturating_sub(1);
    for (text, width) in [
        ("Alarm ", columns.name),
        (" State ", STATE),
        ("Value ", columns.value),
        ("Threshold ", columns.threshold),
        ("History ", columns.history),
    ] {
        brush.text(x, area.y, end.saturating_sub(x), Role::Heading, text);
        x = x.saturating_add(u16::try_from(width).unwrap_or(u16::MAX));
    }
}
