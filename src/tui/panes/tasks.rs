//! The tasks of a service: how many each of its task sets has, of how many.
//!
//! ```text
//! tasks  original gallery:1 4/4 running   replacement gallery:2 2/4 running, 2 pending
//! ```

use crate::engine::Deployment;
use crate::model::task_counts::TaskCounts;
use crate::model::traffic::Side;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::theme::Role;

/// The counts on a line, without the names of task definitions where there is little room, or on two, and why a task is not well; nothing for a deployment without task
/// sets, or one that is over.
pub(super) fn lines(model: &Model, deployment: &Deployment, room: usize) -> Vec<Vec<Run>> {
    if deployment.spec.task_sets.is_none()
        || deployment.status.is_terminal()
        || model.replay.is_some()
    {
        return Vec::new();
    }
    let view = model.view.as_ref();
    let Some(seen) = view.and_then(|view| view.tasks.get(deployment.id())) else {
        return vec![vec![run(Role::Muted, "tasks  not counted yet")]];
    };
    let sides = [Side::Blue, Side::Green].map(|side| (side, seen.side(side)));
    let told = |(side, counts): (Side, &TaskCounts), whole: bool| {
        let label = if whole {
            deployment.spec.side_label(side)
        } else {
            side.label().to_owned()
        };
        [
            run(Role::Text, format!("{label} ")),
            run(role(deployment, counts), counts.to_string()),
            run(Role::Text, "   "),
        ]
    };
    let line = |sides: &[(Side, &TaskCounts)], whole| -> Vec<Run> {
        let told = sides.iter().flat_map(|side| told(*side, whole));
        let mut line: Vec<Run> = std::iter::once(run(Role::Text, "tasks  "))
            .chain(told)
            .collect();
        line.pop();
        line
    };
    let mut one = [true, false].into_iter().map(|whole| line(&sides, whole));
    let mut lines = match one.find(|one| width(one) <= room) {
        Some(one) => vec![one],
        None => sides.iter().map(|side| line(&[*side], true)).collect(),
    };
    let troubles = sides
        .iter()
        .filter_map(|(_, counts)| counts.trouble.as_ref());
    lines.extend(troubles.map(|trouble| {
        let sign = Glyph::Attention.draw(model.theme);
        let first = trouble.lines().next().unwrap_or_default();
        vec![
            run(Role::Bad, format!("{sign} ")),
            run(Role::Text, first.to_owned()),
        ]
    }));
    lines
}

/// Whether nothing about them needs to be looked at.
pub(super) fn are_steady(model: &Model, deployment: &Deployment) -> bool {
    let view = model.view.as_ref();
    let seen = view.and_then(|view| view.tasks.get(deployment.id()));
    seen.is_none_or(|seen| seen.original.is_steady() && seen.replacement.is_steady())
}

fn role(deployment: &Deployment, counts: &TaskCounts) -> Role {
    let unwell = counts.well < counts.running;
    match counts {
        counts if counts.is_steady() => Role::Text,
        counts if !counts.silent.is_empty() => Role::Warn,
        // Of what has just been started nobody expects more.
        _ if unwell && deployment.tasks.is_empty() => Role::Active,
        _ if unwell => Role::Bad,
        _ => Role::Active,
    }
}
