//! What each key would do in a blue/green wait, in numbers: the sentences of its confirmation, before it is pressed.

use std::time::Duration;

use super::traffic;
use crate::engine::Deployment;
use crate::engine::input::{self, What};
use crate::engine::plan::Before;
use crate::model::timestamp::Whole;
use crate::model::traffic::Split;
use crate::tui::action::Action;
use crate::tui::model::Model;

/// What each key does, the one that is waited for first. `left` is what is left of the wait.
pub(crate) fn choices(
    model: &Model,
    deployment: &Deployment,
    before: Before,
    left: Duration,
) -> Vec<(Action, String)> {
    let mut keys = Vec::new();
    let said = |mut lines: Vec<String>, more: Option<String>| {
        lines.extend(more.map(|more| format!("{}.", begun(&more))));
        lines.join(" ")
    };
    let end = |what: What| {
        let command = input::Command::new(what, model.user.clone());
        let ahead = crate::engine::foresee(deployment, &command, model.now, None).ok()?;
        Some(ahead.end.to_string())
    };
    match before {
        Before::Reroute => {
            let moves = traffic::moves(model, deployment, Split::REPLACEMENT);
            // Where somebody has to approve it, pressing the key only asks for it.
            let mut lines: Vec<String> = asks(model, deployment).into_iter().collect();
            lines.extend(traffic::after_wait(deployment, before));
            lines.extend(traffic::drained(model, deployment));
            keys.push((Action::Reroute, said(lines, moves)));
            let stop = What::Stop {
                auto_rollback: Some(false),
            };
            if let Some(end) = end(stop) {
                let text = format!("It ends, {end}: the original keeps all of the traffic.");
                keys.push((Action::Stop, text));
            }
        }
        Before::Termination => {
            if let Ok(lines) = traffic::way_back(deployment) {
                let moves = traffic::moves(model, deployment, Split::ORIGINAL);
                let first = format!(
                    "Cheap for another {}; after that the revision before is deployed anew.",
                    Whole(left)
                );
                let lines = std::iter::once(first).chain(lines).collect();
                keys.push((Action::RollBack, said(lines, moves)));
            }
            let lines = traffic::after_wait(deployment, before);
            keys.push((Action::SkipWait, said(lines, None)));
        }
    }
    if deployment.paused.is_none() {
        keys.extend(traffic::held(deployment, false).map(|text| (Action::Pause, text)));
    }
    keys
}

/// What rerouting does at once, where an approval is missing.
fn asks(model: &Model, deployment: &Deployment) -> Option<String> {
    let before = Before::Reroute;
    let command = input::Command::new(What::Continue { before }, model.user.clone());
    let ahead = crate::engine::foresee(deployment, &command, model.now, None).ok()?;
    (ahead.unapproved > 0).then(|| format!("{}.", begun(&ahead.at_once())))
}

/// As a sentence begins.
fn begun(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
