//! What an operator must know about the selected deployment besides its progress, a line each.

use crate::engine::Deployment;
use crate::model::timestamp::Short;
use crate::tui::glyph::{self, Glyph};
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;

/// Causes of failure that are told one by one.
const CAUSES: usize = 3;

/// Why no more starts, or why it did not succeed.
pub(super) fn verdict(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    if let Some(error) = &deployment.error {
        let mark = glyph::deployment(deployment.status);
        return Some(vec![
            run(
                mark.role,
                format!("{} {} ", mark.glyph.draw(model.theme), error.code.name()),
            ),
            run(Role::Text, error.message.clone()),
        ]);
    }
    let running = deployment.fleet.in_flight;
    if let Some(stop) = &deployment.stop {
        let since = Short(model.present().since(stop.at));
        return Some(vec![
            run(
                Role::Warn,
                format!("{} stopping ", Glyph::Stopped.draw(model.theme)),
            ),
            run(
                Role::Text,
                format!(
                    "for {since}, asked for by {}: {} and nothing new starts",
                    stop.by,
                    finishing(running)
                ),
            ),
        ]);
    }
    let halted = deployment.halted.as_ref()?;
    Some(vec![
        run(
            Role::Bad,
            format!("{} failing ", Glyph::Failed.draw(model.theme)),
        ),
        run(
            Role::Text,
            format!(
                "{}: {} and nothing new starts",
                halted.message,
                finishing(running)
            ),
        ),
    ])
}

fn finishing(running: u32) -> String {
    match running {
        1 => "1 instance finishes".to_owned(),
        n => format!("{n} instances finish"),
    }
}

pub(super) fn rollback(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    let sign = Glyph::Rollback.draw(model.theme);
    let key = model.keymap.shown(crate::tui::action::Action::Linked);
    if let Some(rollback) = &deployment.rollback {
        return Some(match &rollback.deployment {
            Some(id) => vec![
                run(Role::Warn, format!("{sign} rolled back by {id}")),
                run(Role::Muted, format!("  {key} goes there")),
            ],
            None => vec![run(
                Role::Bad,
                format!("{sign} not rolled back: {}", rollback.message),
            )],
        });
    }
    let id = deployment.spec.rolls_back.as_ref()?;
    Some(vec![
        run(Role::Warn, format!("{sign} rolls back {id}")),
        run(Role::Muted, format!("  {key} goes there")),
    ])
}

/// Hosts that should be at work and do not answer.
pub(super) fn unreachable(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    let view = model.view.as_ref()?;
    let silent: Vec<&str> = deployment
        .running()
        .filter(|target| {
            view.hosts
                .get(&target.name)
                .is_some_and(|host| !host.reachable)
        })
        .map(|target| target.name.as_str())
        .collect();
    (!silent.is_empty()).then(|| {
        vec![
            run(
                Role::Warn,
                format!("{} no answer ", Glyph::Unknown.draw(model.theme)),
            ),
            run(
                Role::Text,
                format!(
                    "from {}: what runs there goes on, and is told when it is back",
                    silent.join(", ")
                ),
            ),
        ]
    })
}

/// Failed instances by cause, the most common first.
pub(super) fn failures(model: &Model, deployment: &Deployment) -> Vec<Vec<Run>> {
    if deployment.overview.failed == 0 {
        return Vec::new();
    }
    let causes = &model.causes.found;
    let sign = Glyph::Failed.draw(model.theme);
    let mut lines: Vec<Vec<Run>> = causes
        .iter()
        .take(CAUSES)
        .map(|cause| {
            let shown: Vec<&str> = cause.names.iter().map(AsRef::as_ref).collect();
            let more = cause.count - shown.len();
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            vec![
                run(Role::Bad, format!("{sign} {}{rest}  ", shown.join(", "))),
                run(Role::Text, cause.text.clone()),
            ]
        })
        .collect();
    if let Some(more) = causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        lines.push(vec![run(Role::Muted, format!("  and {more} other causes"))]);
    }
    lines
}
