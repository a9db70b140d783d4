//! What an operator must know about the selected deployment besides its progress, a line each.

use crate::engine::Deployment;
use crate::model::deployment::Creator;
use crate::model::name::Name;
use crate::tui::action::Action;
use crate::tui::glyph::{self, Glyph};
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::screens::Screen;
use crate::tui::theme::Role;
use crate::tui::words::listed;

/// Causes of failure that are told one by one.
const CAUSES: usize = 3;

/// Hosts that do not answer which are named.
const SILENT: usize = 4;

/// Changes at hosts that are told one by one.
const CHANGES: usize = 3;

/// Why it did not succeed.
pub(super) fn verdict(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    let error = deployment.error.as_ref()?;
    let mark = glyph::deployment(deployment.status);
    Some(vec![
        run(
            mark.role,
            format!("{} {} ", mark.glyph.draw(model.theme), error.code.name()),
        ),
        run(Role::Text, error.message.clone()),
    ])
}

/// Where a deployment comes from that nobody asked for.
pub(super) fn origin(deployment: &Deployment) -> Option<Vec<Run>> {
    let spec = &deployment.spec;
    let text = match (spec.creator, &spec.updates) {
        (Creator::Autoscaling, _) => {
            let names: Vec<&str> = spec.targets.iter().map(|t| t.name.as_str()).collect();
            format!("launch deployment: {} joined the group", names.join(", "))
        }
        (Creator::AutoscalingTermination, _) => {
            let names: Vec<&str> = spec.targets.iter().map(|t| t.name.as_str()).collect();
            format!(
                "termination deployment: {} leaves the group",
                names.join(", ")
            )
        }
        (Creator::CodeDeployAutoUpdate, Some(update)) => format!(
            "brings instances up to date that were outdated after {}",
            update.root
        ),
        _ => return None,
    };
    Some(vec![run(Role::Muted, text)])
}

pub(super) fn rollback(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    let sign = Glyph::Rollback.draw(model.theme);
    let goes = || {
        // Beside another list it doesn't.
        let key = model.keymap.shown(Action::Linked);
        let goes = run(Role::Muted, format!("  {key} goes there"));
        (model.screen == Screen::Rollouts).then_some(goes)
    };
    if let Some(rollback) = &deployment.rollback {
        return Some(match &rollback.deployment {
            Some(id) => std::iter::once(run(Role::Warn, format!("{sign} rolled back by {id}")))
                .chain(goes())
                .collect(),
            None => vec![run(
                Role::Bad,
                format!("{sign} not rolled back: {}", rollback.message),
            )],
        });
    }
    let id = deployment.spec.rolls_back.as_ref()?;
    let back = run(Role::Warn, format!("{sign} rolls back {id}"));
    Some(std::iter::once(back).chain(goes()).collect())
}

/// Hosts that should be at work and do not answer.
pub(super) fn unreachable(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    let view = model.view.as_ref()?;
    let silent: Vec<&Name> = deployment
        .running()
        .filter(|target| {
            view.hosts
                .get(&target.name)
                .is_some_and(|host| !host.reachable)
        })
        .map(|target| &target.name)
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
                    listed(silent, SILENT)
                ),
            ),
        ]
    })
}

/// What has changed at the hosts of either side.
pub(super) fn changed(model: &Model) -> Vec<Vec<Run>> {
    let found = &model.changes.found;
    let sign = Glyph::Attention.draw(model.theme);
    let mut lines: Vec<Vec<Run>> = found
        .iter()
        .take(CHANGES)
        .map(|change| {
            vec![
                run(Role::Warn, format!("{sign} changed: ")),
                run(Role::Text, change.clone()),
            ]
        })
        .collect();
    if let Some(more) = found.len().checked_sub(CHANGES).filter(|more| *more > 0) {
        lines.push(vec![run(Role::Warn, format!("{sign} and {more} more"))]);
    }
    lines
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
