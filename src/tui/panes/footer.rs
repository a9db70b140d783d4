//! The last row: a word to the operator, or the keys that do something here, from the registry.

use ratatui::layout::Rect;

use crate::tui::action::available::available;
use crate::tui::action::{ACTIONS, Action, Context, Entry};
use crate::tui::aims::Aim;
use crate::tui::layout::Layout;
use crate::tui::messages::Said;
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Ends, Run, run, width};
use crate::tui::panes::output::fills;
use crate::tui::screens::Screen;
use crate::tui::theme::Role;
use crate::tui::tour;
use crate::tui::widgets::wrap::wrap;

/// Draws the footer, which closes the box above it, and the hint.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.hint;
    if area.height > 0 {
        brush.sides(area, Role::Border);
        for (y, line) in (area.y..area.bottom()).zip(&hint(model)) {
            brush.text(
                area.x + 2,
                y,
                area.width.saturating_sub(4),
                Role::Warn,
                line,
            );
        }
    }
    let area = layout.footer;
    brush.rule(area, Ends::Bottom, Role::Border);
    let (stack, more) = model.messages.stack(1 + above(model, layout));
    let runs = match stack.first() {
        Some(said) => message(model, said, more),
        None => clickable(model, area, brush),
    };
    brush.title(area, &runs);
    // Older ones lie on the output above, the oldest on top.
    for (y, said) in (0..area.y).rev().zip(stack.iter().skip(1)) {
        let row = Rect {
            y,
            height: 1,
            ..area
        };
        brush.clear(row);
        brush.sides(row, Role::Border);
        let width = area.width.saturating_sub(4);
        brush.text(area.x + 2, y, width, role(said), &said.text);
        // What they hide is not meant.
        brush.aim(row, Aim::Act(Action::Messages));
    }
}

/// How many messages there are at once besides the newest. They may hide output that nobody reads, and no row of a list: the
/// cursor may be on it.
fn above(model: &Model, layout: &Layout) -> usize {
    let adjoins = layout.output.height > 0 && layout.output.bottom() == layout.footer.y;
    if model.size.1 < 20 || model.screen != Screen::Rollouts || model.reads() || !adjoins {
        return 0;
    }
    usize::from(layout.output.height - 1).min(2)
}

fn role(said: &Said) -> Role {
    if said.bad { Role::Bad } else { Role::Good }
}

/// What was said to the operator.
fn message(model: &Model, said: &Said, more: usize) -> Vec<Run> {
    let keys = model.keymap.shown(Action::Messages);
    let more = match more {
        0 => String::new(),
        n => format!("(and {n} more: {keys})  "),
    };
    vec![run(Role::Warn, more), run(role(said), said.text.clone())]
}

/// The keys, each of which can be clicked where it will be drawn: behind the corner and a blank, as titles are.
fn clickable(model: &Model, area: Rect, brush: &mut Brush<'_>) -> Vec<Run> {
    let keys = keys(model, usize::from(area.width).saturating_sub(6));
    let mut x = area.x.saturating_add(2);
    for (action, runs) in &keys {
        let wide = u16::try_from(width(runs)).unwrap_or(u16::MAX);
        brush.aim(Rect::new(x, area.y, wide, 1), Aim::Act(*action));
        x = x.saturating_add(wide);
    }
    trimmed(keys.into_iter().flat_map(|(_, runs)| runs).collect())
}

/// Without the blanks at the end.
fn trimmed(mut runs: Vec<Run>) -> Vec<Run> {
    if let Some((_, last)) = runs.last_mut() {
        last.truncate(last.trim_end().len());
    }
    runs
}

/// The keys that do something here in one line, most important first.
pub(crate) fn told(model: &Model, room: usize) -> Vec<Run> {
    let keys = keys(model, room).into_iter();
    trimmed(keys.flat_map(|(_, runs)| runs).collect())
}

/// What the guide says, broken into lines that fit the screen.
pub(crate) fn hint(model: &Model) -> Vec<String> {
    let width = usize::from(model.size.0.saturating_sub(4));
    tour::said(model).map_or_else(Vec::new, |said| wrap(&said, width))
}

/// What comes before what, as the output has the keys: what is looked for in it, and, for who reads nothing else, how it is
/// read.
fn rank(model: &Model, entry: &Entry) -> u8 {
    let reading = matches!(entry.context, Context::Output | Context::Reading);
    match entry.action {
        _ if !model.reads() => 2,
        Action::Filter => 0,
        Action::Zoom => 1,
        Action::Follow if !model.output.follow => 1,
        _ if reading && fills(model) => 1,
        _ => 2,
    }
}

/// Whether the key of an action means something else in the output, which has the keys.
fn taken(model: &Model, action: Action) -> bool {
    let first = model.keymap.keys(action).first();
    let other = first.and_then(|key| model.keymap.action(&[Context::Reading], *key));
    model.reads() && other.is_some_and(|other| available(other, model).is_ok())
}

/// The keys that do something here, most important first, as many as fit; help and quit always.
fn keys(model: &Model, room: usize) -> Vec<(Action, Vec<Run>)> {
    let always = [Action::Help, Action::Quit];
    let deployment = model.deployment();
    let holds = deployment.is_some_and(|d| d.held.is_some() && d.paused.is_none());
    let shown = |action: Action| {
        let entry = action.entry();
        let here = match entry.context {
            Context::Main => !taken(model, action),
            Context::Replay => true,
            Context::Output | Context::Reading => model.reads(),
            _ => false,
        };
        let useful = match action {
            // What holds starts nothing: the keys that end the hold need the room.
            Action::Pause => !holds,
            Action::Follow => !model.output.follow || model.focus == Pane::Output,
            Action::Zoom => model.focus == Pane::Output,
            Action::Enter | Action::Back => action.word(model).is_some(),
            _ => true,
        };
        here && useful && available(action, model).is_ok()
    };
    let one = |action: Action| -> Option<(Action, Vec<Run>)> {
        let word = action.word(model)?;
        let runs = vec![
            run(Role::Key, model.keymap.shown(action)),
            run(Role::Text, format!(" {word}  ")),
        ];
        Some((action, runs))
    };
    let tail: Vec<(Action, Vec<Run>)> = always.into_iter().filter_map(one).collect();
    let taken: usize = tail.iter().map(|(_, runs)| width(runs)).sum();
    let mut left = room.saturating_sub(taken);
    let mut keys = Vec::new();
    let mut entries: Vec<&Entry> = ACTIONS.iter().collect();
    entries.sort_by_key(|entry| rank(model, entry));
    for entry in entries
        .into_iter()
        .filter(|entry| !always.contains(&entry.action) && shown(entry.action))
    {
        if let Some(part) = one(entry.action) {
            let cells = width(&part.1);
            if cells > left {
                continue;
            }
            left -= cells;
            keys.push(part);
        }
    }
    keys.extend(tail);
    keys
}
