//! Leaving while a deployment runs: leave it running, stop it, or stay.

use super::confirm::DEAF;
use super::told::{Takes, Told};
use super::window;
use super::{Layer, Reply};
use crate::api::command::Command;
use crate::model::timestamp::Timestamp;
use crate::tui::action::Action;
use crate::tui::aims::Aim;
use crate::tui::consequence;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Outcome};
use crate::tui::paint::{Brush, Run, run};
use crate::tui::theme::Role;

/// The question on the screen.
#[derive(Debug)]
pub(crate) struct Leaving {
    shown: Timestamp,
}

/// Leaves if nothing runs; else asks.
pub(crate) fn ask(model: &mut Model) -> Vec<Effect> {
    if model.replay.is_some() || model.running().is_empty() {
        return leave(model, Outcome::Idle);
    }
    if !model
        .layers
        .iter()
        .any(|layer| matches!(layer, Layer::Leaving(_)))
    {
        model
            .layers
            .push(Layer::Leaving(Leaving { shown: model.now }));
    }
    Vec::new()
}

fn leave(model: &mut Model, outcome: Outcome) -> Vec<Effect> {
    model.outcome = Some(outcome);
    vec![Effect::Quit]
}

impl Leaving {
    /// When it begins to listen.
    pub(super) fn armed_at(&self) -> Timestamp {
        self.shown + DEAF
    }

    /// What it says to those who listen.
    pub(super) fn told(&self, model: &Model) -> Told {
        let (title, lines) = running(model, usize::MAX);
        let stay = model.keymap.shown(Action::Stay);
        let mut choices = choices(model, true);
        choices.push(vec![run(
            Role::Text,
            format!("{stay}, or an empty line, stays"),
        )]);
        Told {
            whole: false,
            mark: format!("{:?}", self.shown),
            title,
            lines,
            takes: Takes::Keys {
                listens: model.now >= self.armed_at(),
                choices,
            },
        }
    }

    /// Draws it.
    pub(super) fn draw(&self, model: &Model, brush: &mut Brush<'_>) {
        let armed = model.now >= self.armed_at();
        let (title, mut rows) = running(model, window::columns(model));
        rows.push(Vec::new());
        let body = rows.len();
        rows.extend(choices(model, armed));
        let stay = model.keymap.shown(Action::Stay);
        rows.push(vec![
            run(Role::Selected, " Stay "),
            run(Role::Muted, format!("  {stay}, enter or esc")),
        ]);
        let choices = rows.len() - body;
        let inside = window::open(model, brush, rows.len(), &title, Role::Warn);
        let last = window::rows(brush, inside, &rows, choices);
        brush.aim(last, Aim::Act(Action::Stay));
    }
}

/// What runs: in a title, and a few of it one by one.
fn running(model: &Model, width: usize) -> (String, Vec<Vec<Run>>) {
    let running = consequence::running(model);
    let mut rows: Vec<Vec<Run>> = Vec::new();
    for (_, text) in running.iter().take(5) {
        rows.extend(window::paragraph(Role::Text, text, width));
    }
    if running.len() > 5 {
        let more = format!("and {} more", running.len() - 5);
        rows.push(vec![run(Role::Muted, more)]);
    }
    let title = match running.len() {
        1 => "A deployment is running".to_owned(),
        n => format!("{n} deployments are running"),
    };
    (title, rows)
}

/// What can be done about it, besides staying.
fn choices(model: &Model, armed: bool) -> Vec<Vec<Run>> {
    let goes_on = "leave; it goes on in the background";
    let mut rows = vec![window::choice(model, armed, Action::LeaveRunning, goes_on)];
    if !model.is_read_only() {
        let stops = "stop: running events finish, nothing new starts; then leave";
        rows.push(window::choice(model, armed, Action::StopAndLeave, stops));
    }
    rows
}

/// Takes a key.
pub(super) fn key(
    leaving: Leaving,
    model: &mut Model,
    action: Option<Action>,
    effects: &mut Vec<Effect>,
) -> Reply {
    let armed = model.now >= leaving.armed_at();
    match action {
        Some(Action::Stay) => return Reply::Close,
        Some(Action::LeaveRunning) if armed => effects.extend(leave(model, Outcome::LeaveRunning)),
        Some(Action::StopAndLeave) if armed && !model.is_read_only() => {
            for (deployment, _) in consequence::running(model) {
                let stop = Command::stop(deployment, None, model.user.clone());
                let circumstances = model.circumstances(&stop);
                effects.push(Effect::Send(Box::new(stop), circumstances));
            }
            effects.extend(leave(model, Outcome::Stopped));
        }
        _ => {}
    }
    Reply::Stay(Layer::Leaving(leaving))
}
