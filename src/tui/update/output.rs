//! What can be done with the output.

use crate::tui::action::Action;
use crate::tui::copy;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Pane};
use crate::tui::output::rows::Long;
use crate::tui::output::{Reach, Room, written};
use crate::tui::panes::output::{shape, told};
use crate::tui::screens;

/// Does an action that is about the output.
pub(super) fn perform(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Follow => {
            let shape = shape(model);
            model.output.toggle_follow(shape);
        }
        Action::Zoom => zoom(model),
        Action::AllOutput => all(model),
        Action::NextHit => find(model, true),
        Action::PreviousHit => find(model, false),
        Action::HitsOnly => model.output.toggle_lines(),
        Action::Wrap => {
            let how = &mut model.output.how;
            how.long = match how.long {
                Long::Cut => Long::Wrapped,
                Long::Wrapped => Long::Cut,
            };
            model.output.column = 0;
        }
        Action::Times => model.output.how.times = model.output.how.times.next(),
        Action::Since => {
            let how = &mut model.output.how;
            how.since = how.since.next(how.reach);
            let words = how.since.words(how.reach);
            model.output.set_follow(true);
            // Who listens sees no title that says it.
            if model.theme.words {
                model.say(words.unwrap_or_else(|| "from the beginning on".to_owned()));
            }
        }
        Action::ScrollLeft => sideways(model, false),
        Action::ScrollRight => sideways(model, true),
        Action::CopyLine => return vec![copy_line(model)],
        Action::CopyLines => return vec![copy_lines(model)],
        Action::Save => return vec![save(model)],
        _ => {}
    }
    Vec::new()
}

/// Gives the output the screen, or takes it back.
fn zoom(model: &mut Model) {
    let room = &mut model.output.how.room;
    *room = if model.focus == Pane::Output && *room == Room::Screen {
        Room::Pane
    } else {
        Room::Screen
    };
    model.focus = Pane::Output;
}

/// Shows the output of all instances, or of the selected one.
fn all(model: &mut Model) {
    let reach = &mut model.output.how.reach;
    *reach = if model.focus == Pane::Output && *reach == Reach::All {
        Reach::One
    } else {
        Reach::All
    };
    model.focus = Pane::Output;
    model.output.narrow(None);
}

fn find(model: &mut Model, forward: bool) {
    let shape = shape(model);
    if !model.output.find(forward, shape)
        && let Some(needle) = &model.output.how.needle
    {
        let text = needle.text().to_owned();
        model.complain(format!("no line that is shown has {text}"));
    }
}

/// Moves sideways by half a screen.
fn sideways(model: &mut Model, right: bool) {
    let half = (shape(model).width / 2).max(1);
    let output = &mut model.output;
    output.column = if right {
        let last = output.longest.saturating_sub(half);
        (output.column + half).min(last.max(output.column))
    } else {
        output.column.saturating_sub(half)
    };
}

/// Goes into what the output is about: the instance that wrote the line where it is that of all, else what one event wrote.
pub(super) fn enter(model: &mut Model) {
    let output = &model.output;
    if output.how.reach == Reach::One {
        let entry = model.target().and_then(|target| told(model, target));
        let event = entry.map(|entry| entry.event);
        return model.output.narrow(event);
    }
    let line = output.ring.held.hit.and_then(|hit| output.ring.get(hit));
    let name = line.and_then(|line| output.name(line)).cloned();
    if name.is_some() {
        model.selected.instance = name;
        screens::reveal(model);
    }
    model.output.how.reach = Reach::One;
}

/// Asks the terminal to copy the line that was gone to, else the lines in view.
fn copy_line(model: &mut Model) -> Effect {
    let output = &model.output;
    let line = output.ring.held.hit.and_then(|hit| output.ring.get(hit));
    if let Some(line) = line {
        let text = written::text(model, std::iter::once(line));
        return copy(model, &text, 1);
    }
    let mut seen = output.window(shape(model));
    seen.dedup_by_key(|seen| seen.number);
    let text = written::text(model, seen.iter().map(|seen| seen.line));
    let lines = seen.len();
    copy(model, &text, lines)
}

/// Asks the terminal to copy all lines that are shown.
fn copy_lines(model: &mut Model) -> Effect {
    let ring = &model.output.ring;
    let shown = ring.shown();
    let mut bytes = 0;
    // Of more than a terminal takes, the newest are wanted.
    let newest = shown.iter().rev().filter_map(|n| ring.get(*n));
    let fitting = newest.take_while(|line| {
        bytes += line.text.len();
        bytes <= copy::MOST
    });
    let skipped = shown.len() - fitting.count();
    let lines = shown.iter().skip(skipped).filter_map(|n| ring.get(*n));
    let (text, lines) = (written::text(model, lines), shown.len());
    copy(model, &text, lines)
}

/// Asks the terminal to copy these lines, or the last of them that it takes.
fn copy(model: &mut Model, text: &str, lines: usize) -> Effect {
    let text = copy::last_lines(text.trim_end_matches('\n')).to_owned();
    let said = match (text.lines().count(), lines) {
        (_, 1) => "a line".to_owned(),
        (copied, all) if copied < all => {
            format!("the last {copied} of {all} lines, as many as terminals take")
        }
        (_, all) => format!("{all} lines"),
    };
    model.say(copy::said(model, &said));
    Effect::Copy(text)
}

/// Writes all lines that are shown to a file.
fn save(model: &Model) -> Effect {
    let output = &model.output;
    let ring = &output.ring;
    let mut name = String::from("output");
    if let Some(of) = &output.of {
        name = of.deployment.to_string();
        if let Some(instance) = &of.instance {
            name = format!("{name}-{instance}");
        }
        if let Some(event) = output.only {
            name = format!("{name}-{event}");
        }
    }
    let lines = ring.shown().iter().filter_map(|n| ring.get(*n));
    Effect::Save {
        name,
        ending: "log",
        text: written::text(model, lines),
    }
}
