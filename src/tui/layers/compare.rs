//! Two deployments beside each other. What differs has a sign and a colour.

use super::window;
use super::{Layer, Reply};
use crate::api::afterwards::compare::{Change, Comparison, Line, Part, compare};
use crate::model::deployment::DeploymentId;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::glyph::Glyph;
use crate::tui::model::{Fetch, Model};
use crate::tui::paint::{Brush, Run, run};
use crate::tui::screens;
use crate::tui::theme::Role;

/// A comparison of deployments that run is made again after so many milliseconds.
const AGAIN: i64 = 1000;

/// The comparison on the screen.
#[derive(Debug)]
pub(crate) struct Compare {
    /// The older one.
    pub(super) before: DeploymentId,
    /// The younger one.
    pub(super) after: DeploymentId,
    top: usize,
    /// What it was made of, and what it says.
    made: Option<((u64, u64, i64), Comparison)>,
}

/// Compares the selected deployment with the marked one, or with the one before it in its group.
pub(crate) fn open(model: &mut Model) -> Vec<Effect> {
    let found = model.view.as_ref().and_then(|view| {
        let summary = view.summaries.get(&screens::subject(model)?)?;
        let other = screens::history::other(model, summary)?;
        let other = view.summaries.get(&other)?;
        let (before, after) = if other.create_time <= summary.create_time {
            (other, summary)
        } else {
            (summary, other)
        };
        let missing = [before, after].map(|one| &one.deployment_id);
        let missing = missing
            .into_iter()
            .filter(|id| !view.deployments.contains_key(*id));
        let layer = Compare {
            before: before.deployment_id.clone(),
            after: after.deployment_id.clone(),
            top: 0,
            made: None,
        };
        Some((layer, missing.cloned().map(Effect::Fetch).collect()))
    });
    let Some((layer, effects)) = found else {
        return Vec::new();
    };
    model.layers.push(Layer::Compare(layer));
    effects
}

impl Compare {
    /// Whether a deployment is one of the two.
    pub(crate) fn is_of(&self, id: &DeploymentId) -> bool {
        [&self.before, &self.after].contains(&id)
    }

    /// Takes a key.
    pub(super) fn key(mut self, model: &Model, action: Option<Action>) -> Reply {
        match action {
            Some(Action::CloseHelp) => return Reply::Close,
            Some(Action::HelpUp) => self.top = self.top.saturating_sub(1),
            Some(Action::HelpDown) => self.top += 1,
            _ => {}
        }
        let room = room(model);
        self.top = self.top.min(self.rows(model).len().saturating_sub(room));
        Reply::Stay(Layer::Compare(self))
    }

    /// Looks at the picture again; at most every second, whatever happens.
    pub(super) fn refresh(&mut self, model: &Model) {
        let deployments = model.view.as_ref().map(|view| &view.deployments);
        let found = deployments.and_then(|all| all.get(&self.before).zip(all.get(&self.after)));
        let Some((before, after)) = found else {
            return;
        };
        let over = before.status.is_terminal() && after.status.is_terminal();
        let beat = if over {
            0
        } else {
            model.now.0.div_euclid(AGAIN)
        };
        let of = if over {
            (before.seq, after.seq, 0)
        } else {
            (0, 0, beat)
        };
        if self.made.as_ref().is_none_or(|(made, _)| *made != of) {
            self.made = Some((of, compare(before, after, model.present())));
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let rows = self.rows(model);
        let room = room(model);
        let height = rows.len().min(room) + 2;
        let title = format!("{} and {}", self.before, self.after);
        let inside = window::open(model, brush, height, &title, Role::Focus);
        let mut at = inside.y;
        let mut draw = |row: &[Run]| {
            brush.runs(inside.x, at, inside.width, row);
            at += 1;
        };
        draw(&cells(
            model,
            Role::Heading,
            "",
            [self.before.as_str(), self.after.as_str()],
        ));
        for row in rows.iter().skip(self.top).take(room) {
            draw(row);
        }
        draw(&self.legend(model, rows.len().saturating_sub(self.top + room)));
    }

    fn legend(&self, model: &Model, below: usize) -> Vec<Run> {
        let mut runs = Vec::new();
        if below > 0 || self.top > 0 {
            let (up, down) = (Glyph::Up.draw(model.theme), Glyph::Down.draw(model.theme));
            runs.push(run(
                Role::Heading,
                format!("{up}{} {down}{below}  ", self.top),
            ));
        }
        for (change, word) in [
            (Change::Different, "different"),
            (Change::Better, "better"),
            (Change::Worse, "worse"),
        ] {
            let (role, sign) = look(model, change);
            runs.push(run(role, format!("{sign} {word}  ")));
        }
        runs.push(run(Role::Key, model.keymap.shown(Action::CloseHelp)));
        runs.push(run(Role::Text, " close"));
        runs
    }

    /// Whether both deployments are there, or it is known that they can't be.
    pub(super) fn is_made(&self, model: &Model) -> bool {
        self.made.is_some() || matches!(model.fetch, Some(Fetch::Failed(..)))
    }

    /// A line for each that differs.
    pub(super) fn sentences(&self, model: &Model) -> Vec<Vec<Run>> {
        let Some((_, comparison)) = &self.made else {
            return self.rows(model);
        };
        let lines = comparison.lines.iter();
        let lines = lines.filter(|line| line.change != Change::Same);
        let lines = lines.map(|line| {
            let word = match line.change {
                Change::Better => "better",
                Change::Worse => "worse",
                Change::Same | Change::Different => "different",
            };
            let (part, what) = (line.part.title(), &line.what);
            let (before, after) = (&line.before, &line.after);
            let text = format!("{part}, {what}: {word}, before {before}, after {after}");
            vec![run(Role::Text, text)]
        });
        let lines: Vec<Vec<Run>> = lines.collect();
        if lines.is_empty() {
            return vec![vec![run(Role::Text, "nothing differs")]];
        }
        lines
    }

    fn rows(&self, model: &Model) -> Vec<Vec<Run>> {
        let Some((_, comparison)) = &self.made else {
            return match &model.fetch {
                Some(Fetch::Failed(id, reason)) if [&self.before, &self.after].contains(&id) => {
                    let text = format!("{id} can't be fetched: {reason}");
                    window::paragraph(Role::Bad, &text, window::columns(model))
                }
                _ => vec![vec![run(Role::Muted, "fetching")]],
            };
        };
        let mut rows = Vec::new();
        let mut part = None;
        for line in &comparison.lines {
            if part != Some(line.part) {
                part = Some(line.part);
                rows.push(vec![run(Role::Heading, line.part.title())]);
            }
            rows.extend(row(model, line));
        }
        rows
    }
}

/// The rows of the body that there is room for.
fn room(model: &Model) -> usize {
    usize::from(model.size.1).saturating_sub(6).max(1)
}

/// A line as rows: what failed is told in full, and counted below.
fn row(model: &Model, line: &Line) -> Vec<Vec<Run>> {
    let (role, sign) = look(model, line.change);
    let values = [line.before.as_str(), line.after.as_str()];
    let mark = run(role, format!("{sign} "));
    let with = |what: &str| {
        let mut runs = vec![run(role, format!("{sign} "))];
        runs.extend(cells(model, role, what, values));
        runs
    };
    let columns = window::columns(model).saturating_sub(2).max(1);
    let long = values
        .iter()
        .any(|value| value.chars().count() + 2 > each(columns));
    if line.part != Part::Failures && long {
        // Below their name, values have all the room.
        let half = columns / 2;
        let values = values.map(|value| format!("{:half$}", cut(model, value, half)));
        let [before, after] = values;
        let below = vec![run(role, "  "), run(Role::Text, before), run(role, after)];
        return vec![vec![mark, run(Role::Muted, line.what.as_str())], below];
    }
    if line.part != Part::Failures {
        return vec![with(&line.what)];
    }
    let mut rows = window::paragraph(Role::Text, &line.what, columns);
    for row in &mut rows {
        row.insert(0, run(role, "  "));
    }
    rows.push(with("instances"));
    rows
}

/// The width of the first of three columns.
fn first(columns: usize) -> usize {
    (columns * 2 / 5).min(32)
}

/// The width of each of the others.
fn each(columns: usize) -> usize {
    (columns - first(columns)) / 2
}

/// As much of a text as fits, with a column of air behind it.
fn cut(model: &Model, text: &str, width: usize) -> String {
    let room = width.saturating_sub(2);
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}{}", Glyph::Cut.draw(model.theme))
}

/// Three columns behind the sign; what is the same is of less importance.
fn cells(model: &Model, role: Role, what: &str, [before, after]: [&str; 2]) -> Vec<Run> {
    let columns = window::columns(model).saturating_sub(2);
    let gap = if what.is_empty() { "  " } else { "" };
    let cell = |text: &str, width: usize| format!("{:width$}", cut(model, text, width));
    let named = if role == Role::Heading {
        role
    } else {
        Role::Text
    };
    vec![
        run(Role::Muted, format!("{gap}{}", cell(what, first(columns)))),
        run(named, cell(before, each(columns))),
        run(role, cell(after, each(columns))),
    ]
}

/// Role and sign of a change.
fn look(model: &Model, change: Change) -> (Role, &'static str) {
    let (role, glyph) = match change {
        Change::Same => return (Role::Muted, " "),
        Change::Different => (Role::Warn, Glyph::Asked),
        Change::Better => (Role::Good, Glyph::Succeeded),
        Change::Worse => (Role::Bad, Glyph::Failed),
    };
    (role, glyph.draw(model.theme))
}
