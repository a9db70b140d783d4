//! The output of the selected instance, with what went wrong on top.

use ratatui::layout::Rect;

use super::note::note;
use crate::engine::deployment::{Target, TargetEvent};
use crate::model::output::OutputSource;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::model::{Model, Pane};
use crate::tui::output::{Line, Stream};
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::safe;
use crate::tui::theme::Role;
use crate::tui::widgets::wrap::wrap;

/// What must be known of the selected instance, line by line: why it failed with the end of the script's output where
/// the stream has none, that its host is silent, who left it out.
pub(crate) fn diagnostics(model: &Model) -> Vec<Vec<Run>> {
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
        && model.output.lines.is_empty()
    {
        let tail = diagnostics
            .log_tail
            .lines()
            .map(|line| vec![run(Role::Text, safe::line(line))]);
        lines.extend(tail);
    }
    lines
}

/// Draws the pane.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.output;
    if area.height == 0 {
        return;
    }
    let focus = model.has_keys(Pane::Output);
    brush.rule(
        area,
        Ends::Middle,
        if focus { Role::Focus } else { Role::Border },
    );
    brush.title(
        area,
        &title(model, if focus { Role::Focus } else { Role::Heading }),
    );
    let inside = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    brush.sides(inside, Role::Border);
    let width = area.width.saturating_sub(4);
    let reasons = diagnostics(model);
    let mut y = inside.y;
    for line in reasons.iter().take(usize::from(layout.diagnostics)) {
        brush.runs(area.x + 2, y, width, line);
        y += 1;
    }
    let height = layout.rows(Pane::Output);
    if model.output.len() == 0 {
        if y < inside.bottom() && reasons.is_empty() {
            brush.text(area.x + 2, y, width, Role::Muted, &silence(model));
        }
        return;
    }
    for line in model.output.window(height) {
        if y >= inside.bottom() {
            break;
        }
        brush.runs(area.x + 2, y, width, &output_line(model, line));
        y += 1;
    }
    state(model, area, height, brush);
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

fn title(model: &Model, role: Role) -> Vec<Run> {
    let Some(target) = model.target() else {
        return vec![run(role, "Output")];
    };
    let entry = told(model, target);
    let dot = Glyph::Separator.draw(model.theme);
    match entry {
        Some(entry) => {
            let mark = glyph::event(entry.status);
            vec![
                run(role, format!("{} ", entry.event)),
                run(mark.role, mark.glyph.draw(model.theme)),
                run(role, format!(" {dot} {}", target.name)),
                run(
                    Role::Warn,
                    if model.output.only.is_some() {
                        format!(" {dot} this event alone")
                    } else {
                        String::new()
                    },
                ),
            ]
        }
        None => vec![run(role, format!("Output {dot} {}", target.name))],
    }
}

fn silence(model: &Model) -> String {
    if model.replay.is_some() {
        return "a recording holds no output".to_owned();
    }
    let started = model
        .target()
        .is_some_and(|target| target.start_time.is_some());
    match (&model.output.of, &model.output.stream) {
        (None, _) => "no instance is selected".to_owned(),
        (_, Stream::Failed(reason)) => format!("the output can't be shown: {reason}"),
        (Some(_), _) if !started => "not started: no output".to_owned(),
        _ if model.output.only.is_some() => "this event wrote nothing".to_owned(),
        (_, Stream::Ended) => "no output".to_owned(),
        _ => "no output yet".to_owned(),
    }
}

fn output_line(model: &Model, line: &Line) -> Vec<Run> {
    let role = match line.source {
        OutputSource::Stdout => Role::Text,
        OutputSource::Stderr => Role::Stderr,
        OutputSource::Agent => Role::Muted,
    };
    // Three cells that tell the source also where there is no colour.
    let source = match line.source {
        OutputSource::Stdout => "   ",
        OutputSource::Stderr => "err",
        OutputSource::Agent => "agt",
    };
    let text: String = line.text.chars().skip(model.output.column).collect();
    vec![
        run(
            Role::Muted,
            format!("{} {:5} ", (model.clock)(line.at), line.event.short_name()),
        ),
        run(
            if line.source == OutputSource::Stderr {
                Role::Stderr
            } else {
                Role::Muted
            },
            format!("{source} "),
        ),
        run(role, text),
    ]
}

/// Whether new lines are followed, and how many are above and below.
fn state(model: &Model, area: Rect, height: usize, brush: &mut Brush<'_>) {
    let output = &model.output;
    let above = output.top(height);
    let below = (output.dropped + output.len()).saturating_sub(above + height);
    let mut runs = Vec::new();
    if output.column > 0 {
        runs.push(run(Role::Muted, format!(" column {} ", output.column)));
    }
    if output.follow {
        let word = if output.stream == Stream::Ended {
            " end "
        } else {
            " following "
        };
        runs.push(run(Role::Muted, word));
    } else {
        let key = model.keymap.shown(crate::tui::action::Action::Follow);
        let down = brush.glyph(Glyph::Down);
        runs.push(run(
            Role::Warn,
            format!(" {down}{below} more, {key} follows "),
        ));
    }
    if let Stream::Failed(reason) = &output.stream {
        runs.push(run(Role::Bad, format!(" {reason} ")));
    }
    brush.right(area.right().saturating_sub(1), area.y, &runs);
}
