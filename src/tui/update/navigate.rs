//! Moving about: what is selected, and which pane has the keys.

use crate::engine::Summary;
use crate::model::deployment::{Creator, DeploymentId, TargetStatus};
use crate::tui::model::{Model, Pane};
use crate::tui::panes::instances::{self, Shape};
use crate::tui::panes::output;
use crate::tui::screens::configurations::Configurations;
use crate::tui::screens::history::History;
use crate::tui::screens::hosts::Hosts;
use crate::tui::screens::{self, Screen};
use crate::tui::widgets::list::step;

/// Selects a deployment with its group and application.
pub(crate) fn select_deployment(model: &mut Model, id: &DeploymentId) {
    let found = model.view.as_ref().and_then(|view| view.summaries.get(id));
    let Some(group) = found.map(|summary| summary.group.clone()) else {
        return;
    };
    if model.selected.deployment.as_ref() != Some(id) {
        model.selected.instance = None;
    }
    model.selected.application = Some(group.application.clone());
    model.selected.group = Some(group);
    model.selected.deployment = Some(id.clone());
    screens::reveal(model);
}

/// Moves by so many rows in the pane that has the keys.
pub(crate) fn move_by(model: &mut Model, by: isize) {
    match model.screen {
        Screen::Home => return model.home.step(by),
        Screen::Hosts => return model.hosts.step(by),
        Screen::History => return model.history.step(by),
        Screen::Configurations => return model.configurations.step(by),
        Screen::Rollouts => {}
    }
    move_in(model, model.focus, by);
}

/// Moves by so many rows in a pane.
pub(super) fn move_in(model: &mut Model, pane: Pane, by: isize) {
    let selected = &mut model.selected;
    match pane {
        Pane::Applications => {
            if pick(&mut selected.application, &model.lists.applications, by) {
                selected.group = None;
                selected.deployment = None;
                selected.instance = None;
            }
        }
        Pane::Groups => {
            if pick(&mut selected.group, &model.lists.groups, by) {
                selected.deployment = None;
                selected.instance = None;
            }
        }
        Pane::Deployments => {
            if pick(&mut selected.deployment, &model.lists.deployments, by) {
                selected.instance = None;
            }
        }
        Pane::Instances => {
            let Some(deployment) = model.deployment() else {
                return;
            };
            let shown = model.instances();
            let selected = model.selected.instance.as_ref();
            let row = selected.and_then(|name| shown.row(deployment, name));
            let by = match by {
                isize::MIN | isize::MAX => by,
                by => by.saturating_mul(instances::steps(model, shown.len()).1),
            };
            let next = step(row, by, shown.len())
                .and_then(|row| shown.get(row))
                .map(|target| target.name.clone());
            model.selected.instance = next;
        }
        Pane::Output => {
            let shape = output::shape(model);
            model.output.scroll(by, shape);
        }
    }
}

/// Selects the row so many steps away; `true` if it is another.
fn pick<T: Clone + PartialEq>(selected: &mut Option<T>, ids: &[T], by: isize) -> bool {
    let row = selected
        .as_ref()
        .and_then(|id| ids.iter().position(|other| other == id));
    let next = step(row, by, ids.len())
        .and_then(|row| ids.get(row))
        .cloned();
    let changed = next != *selected;
    *selected = next;
    changed
}

/// Moves to the first or last row.
pub(super) fn move_to_end(model: &mut Model, last: bool) {
    let far = if last { isize::MAX } else { isize::MIN };
    if model.screen != Screen::Rollouts {
        return move_by(model, far);
    }
    match (model.focus, last) {
        (Pane::Output, true) => model.output.set_follow(true),
        (Pane::Output, false) => model.output.show_start(),
        _ => move_by(model, far),
    }
}

/// The rows of a page.
pub(crate) fn page(model: &Model) -> isize {
    let rows = match model.screen {
        Screen::Home => model.home.page(model),
        Screen::Hosts => Hosts::page(model),
        Screen::History => History::page(model),
        Screen::Configurations => Configurations::page(model),
        Screen::Rollouts => model.layout().rows(model.focus),
    };
    isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(isize::MAX)
}

/// Goes so many panes on; round and round for Tab, up to the last for arrows.
pub(super) fn pane(model: &mut Model, by: isize, round: bool) {
    let at = Pane::ALL
        .iter()
        .position(|pane| *pane == model.focus)
        .unwrap_or(0);
    let count = Pane::ALL.len();
    let next = if round {
        at.wrapping_add_signed(by).wrapping_add(count) % count
    } else {
        at.saturating_add_signed(by).min(count - 1)
    };
    model.focus = Pane::ALL[next];
}

/// Goes to the pane beside; on a map of instances, to the sign beside.
pub(super) fn beside(model: &mut Model, by: isize) {
    if model.screen != Screen::Rollouts
        || model.focus != Pane::Instances
        || model.shape != Shape::Heat
    {
        return pane(model, by, false);
    }
    let shown = model.instances();
    let cell = instances::steps(model, shown.len()).0;
    let row = model.deployment().and_then(|deployment| {
        let selected = model.selected.instance.as_ref()?;
        shown.row(deployment, selected)
    });
    let next = step(row, by.saturating_mul(cell), shown.len()).and_then(|row| shown.get(row));
    model.selected.instance = next.map(|target| target.name.clone());
}

/// Selects the next or previous failed instance, round and round.
pub(super) fn failed(model: &mut Model, forwards: bool) {
    let Some(deployment) = model.deployment() else {
        return;
    };
    let at = model
        .selected
        .instance
        .as_ref()
        .and_then(|name| deployment.position(name));
    let bad = |&position: &usize| deployment.targets[position].status == TargetStatus::Failed;
    let count = deployment.targets.len();
    let found = if forwards {
        let from = at.map_or(0, |at| at + 1);
        (from..count).chain(0..from.min(count)).find(bad)
    } else {
        let from = at.unwrap_or(0);
        (0..from).rev().chain((from..count).rev()).find(bad)
    };
    if let Some(position) = found {
        model.selected.instance = Some(deployment.targets[position].name.clone());
        model.focus = Pane::Instances;
        screens::reveal(model);
    }
}

/// The rollback of a deployment, what it rolls back, or what its instances were outdated after.
pub(crate) fn other(summary: &Summary) -> Option<DeploymentId> {
    let rollback = summary
        .rolled_back_by
        .as_ref()
        .or(summary.rolls_back.as_ref());
    rollback.cloned().or_else(|| match summary.creator {
        Creator::CodeDeployAutoUpdate => summary.by.parse().ok(),
        _ => None,
    })
}

/// Goes to the deployment that the selected one belongs to.
pub(super) fn linked(model: &mut Model) {
    let other = model.summary().and_then(other);
    if let Some(id) = other {
        select_deployment(model, &id);
    }
}
