//! The output of the selected instance with what went wrong on top, or of all instances; in a pane, or on the whole screen.

mod line;

use ratatui::layout::Rect;

pub(crate) use self::line::marked;
use super::note::note;
use crate::engine::deployment::{Target, TargetEvent};
use crate::model::name::Name;
use crate::tui::action::Action;
use crate::tui::aims::Aim;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::model::{Model, Pane};
use crate::tui::output::rows::{Long, Shape, Spot};
use crate::tui::output::{Lines, Output, Reach, Room, Stream};
use crate::tui::paint::{Brush, Ends, Run, run, width};
use crate::tui::safe;
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;

/// What must be known of the selected instance, line by line: why it failed with the end of the script's output where
/// the stream has none, that its host is silent, who left it out.
pub(crate) fn diagnostics(model: &Model) -> Vec<Vec<Run>> {
    // Among those of others they would be about nobody.
    if model.output.how.reach == Reach::All {
        return Vec::new();
    }
    let (Some(deployment), Some(target)) = (model.deployment(), model.target()) else {
        return Vec::new();
    };
    let Some((role, note)) = note(model, deployment, target) else {
        return Vec::new();
    };
    let width = usize::from(model.size.0.saturating_sub(4));
    let sign = match role {
        Role::Bad => Glyph::Failed,
        Role::Warn => Glyph::Unknown,
        _ => Glyph::Separator,
    };
    let note = format!("{} {note}", sign.draw(model.theme));
    let mut lines: Vec<Vec<Run>> = wrap(&note, width)
        .into_iter()
        .map(|line| vec![run(role, line)])
        .collect();
    let diagnostics = target
        .failure()
        .and_then(|entry| entry.diagnostics.as_ref());
    if let Some(diagnostics) = diagnostics
        && model.output.ring.is_empty()
    {
        let tail = diagnostics
            .log_tail
            .lines()
            .map(|line| vec![run(Role::Text, safe::line(line))]);
        lines.extend(tail);
    }
    lines
}

/// The room for lines, which update needs to scroll.
pub(crate) fn shape(model: &Model) -> Shape {
    let layout = model.layout();
    let width = usize::from(inside(&layout).width);
    Shape {
        width: width.saturating_sub(line::margin(model, width)),
        height: layout.rows(Pane::Output),
        long: model.output.how.long,
    }
}

/// What is between the pane's frame; a screen too small for panes has none.
fn inside(layout: &Layout) -> Rect {
    let area = layout.output;
    if layout.tiny {
        return area;
    }
    Rect {
        x: area.x + 2,
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(1),
    }
}

/// Draws the pane.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.output;
    if area.height == 0 {
        return;
    }
    brush.aim(area, Aim::Pane(Pane::Output));
    let inside = inside(layout);
    let shape = shape(model);
    if !layout.tiny {
        frame(model, layout, shape, brush);
    }
    let reasons = diagnostics(model);
    let mut y = inside.y;
    for line in reasons.iter().take(usize::from(layout.diagnostics)) {
        brush.runs(inside.x, y, inside.width, line);
        y += 1;
    }
    if model.output.len() == 0 {
        // Where lines are hidden, somebody has to know that there are some.
        let hidden = !model.output.ring.is_empty();
        if y < inside.bottom() && (reasons.is_empty() || hidden) {
            brush.text(inside.x, y, inside.width, Role::Muted, &silence(model));
        }
        return;
    }
    let width = usize::from(inside.width);
    for (y, seen) in (y..inside.bottom()).zip(model.output.window(shape)) {
        let runs = line::runs(model, &seen, width);
        brush.runs(inside.x, y, inside.width, &runs);
        if !layout.tiny && model.output.ring.held.hit == Some(seen.number) {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(inside.x - 1, y, 1, Role::Found, cursor);
        }
    }
}

/// What is around the lines: what they are at the left, and how they are read at the right.
fn frame(model: &Model, layout: &Layout, shape: Shape, brush: &mut Brush<'_>) {
    let area = layout.output;
    let focus = model.has_keys(Pane::Output);
    let role = |otherwise: Role| if focus { Role::Focus } else { otherwise };
    let ends = if fills(model) {
        Ends::Top
    } else {
        Ends::Middle
    };
    brush.rule(area, ends, role(Role::Border));
    let state = state(model, shape, brush);
    let taken = u16::try_from(width(&state)).unwrap_or(u16::MAX);
    let left = Rect {
        width: area.width.saturating_sub(taken.saturating_add(1)),
        ..area
    };
    brush.title(left, &title(model, shape, role(Role::Heading)));
    brush.right(area.right().saturating_sub(1), area.y, &state);
    let below = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    brush.sides(below, Role::Border);
}

/// Whether the output has the whole screen: it was given it, or is what one event alone wrote.
pub(crate) fn fills(model: &Model) -> bool {
    let output = &model.output;
    model.reads() && (output.how.room == Room::Screen || output.only.is_some())
}

/// The event that the pane is about: the one that is shown alone, else the one that runs, has failed, or came last.
pub(crate) fn told<'a>(model: &Model, target: &'a Target) -> Option<&'a TargetEvent> {
    let only = model.output.only;
    let wanted = only.and_then(|event| target.event(event));
    let entry = wanted
        .or_else(|| target.running())
        .or_else(|| target.failure());
    let begun = |entry: &&TargetEvent| entry.start_time.is_some();
    entry.or_else(|| target.events.iter().rev().find(begun))
}

fn title(model: &Model, shape: Shape, role: Role) -> Vec<Run> {
    let output = &model.output;
    if output.ring.gone() > 0 && output.len() > 0 && output.top(shape) == Spot::default() {
        return vec![run(Role::Warn, older(output))];
    }
    let dot = format!(" {} ", Glyph::Separator.draw(model.theme));
    let mut runs = Vec::new();
    match (output.how.reach, model.target()) {
        (Reach::All, _) => {
            let begun = model.deployment().map_or(0, |deployment| {
                let targets = deployment.targets.iter();
                targets.filter(|target| target.start_time.is_some()).count()
            });
            let read = output.instances();
            let of = if read < begun {
                format!("{read} of {begun}, as many as are read at once")
            } else {
                format!("all {begun} that have begun")
            };
            runs.push(run(role, format!("Output{dot}{of}")));
        }
        (Reach::One, None) => runs.push(run(role, "Output")),
        (Reach::One, Some(target)) => match told(model, target) {
            Some(entry) => {
                let mark = glyph::event(entry.status);
                runs.push(run(role, format!("{} ", entry.event)));
                runs.push(run(mark.role, mark.glyph.draw(model.theme)));
                runs.push(run(role, format!("{dot}{}", target.name)));
            }
            None => runs.push(run(role, format!("Output{dot}{}", target.name))),
        },
    }
    if output.only.is_some() {
        runs.push(run(Role::Warn, format!("{dot}this event alone")));
    }
    if let Some(since) = output.how.since.words(output.how.reach) {
        runs.push(run(Role::Warn, format!("{dot}{since}")));
    }
    if output.how.lines == Lines::Hits {
        runs.push(run(Role::Warn, format!("{dot}hits alone")));
    }
    runs
}

/// What is not here any more, and where it is.
pub(crate) fn older(output: &Output) -> String {
    let gone = output.ring.gone();
    let Some(of) = &output.of else {
        return format!("{gone} older lines");
    };
    let instance = of.instance.as_ref().map_or("", Name::as_str);
    let command = format!("cutover logs {} {instance}", of.deployment);
    format!("{gone} older lines: {}", command.trim_end())
}

/// Why there are no lines.
pub(crate) fn silence(model: &Model) -> String {
    if model.replay.is_some() {
        return "a recording holds no output".to_owned();
    }
    let output = &model.output;
    let all = output.how.reach == Reach::All;
    let started = all
        || model
            .target()
            .is_some_and(|target| target.start_time.is_some());
    let stream = output.stream();
    match &output.how.needle {
        Some(needle) if output.how.lines == Lines::Hits && !output.ring.is_empty() => {
            return format!("no line has {}", needle.text());
        }
        _ => {}
    }
    let since = output.how.since.words(output.how.reach);
    if let Some(since) = since.filter(|_| !output.ring.is_empty()) {
        let key = model.keymap.shown(Action::Since);
        return format!("nothing is shown of the {since}: {key} shows more");
    }
    match (&output.of, &stream) {
        (None, _) => "no instance is selected".to_owned(),
        (_, Stream::Failed(reason)) => format!("the output can't be shown: {reason}"),
        (Some(_), _) if !started => "not started: no output".to_owned(),
        _ if output.only.is_some() => "this event wrote nothing".to_owned(),
        (_, Stream::Ended) => "no output".to_owned(),
        _ => "no output yet".to_owned(),
    }
}

/// What was found, how long lines are shown, and whether new ones are followed.
fn state(model: &Model, shape: Shape, brush: &Brush<'_>) -> Vec<Run> {
    let output = &model.output;
    let mut runs = Vec::new();
    if output.len() == 0 && output.how.needle.is_none() {
        return runs;
    }
    if let Some(needle) = &output.how.needle {
        runs.push(run(
            if needle.problem().is_some() {
                Role::Bad
            } else {
                Role::Found
            },
            format!(" /{} {} ", needle.text(), hits(output)),
        ));
    }
    if output.how.long == Long::Wrapped {
        runs.push(run(Role::Muted, " wrapped "));
    } else if output.column > 0 {
        runs.push(run(Role::Muted, format!(" column {} ", output.column)));
    }
    let stream = output.stream();
    if output.follow {
        let word = if stream == Stream::Ended {
            " end "
        } else {
            " following "
        };
        runs.push(run(Role::Muted, word));
    } else {
        let key = model.keymap.shown(Action::Follow);
        let down = brush.glyph(Glyph::Down);
        let last = output.window(shape).last().map(|seen| seen.number);
        let below = last.map_or(0, |last| {
            let shown = output.ring.shown();
            shown.len() - shown.partition_point(|number| *number <= last)
        });
        let fresh = match output.fresh {
            0 => String::new(),
            fresh => format!(", {fresh} new"),
        };
        runs.push(run(
            Role::Warn,
            format!(" {down}{below} more{fresh}, {key} follows "),
        ));
    }
    if let Stream::Failed(reason) = &stream {
        runs.push(run(Role::Bad, format!(" {reason} ")));
    }
    runs
}

/// Where among the hits the cockpit is: `3 of 17`.
pub(crate) fn hits(output: &Output) -> String {
    match output.hits() {
        (_, 0) => "nothing".to_owned(),
        (Some(at), all) => format!("{at} of {all}"),
        (None, 1) => "1 line".to_owned(),
        (None, all) => format!("{all} lines"),
    }
}
