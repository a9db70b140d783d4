//! Applications, deployment groups and deployments, side by side.

use ratatui::layout::Rect;

use crate::api::view::View;
use crate::engine::Summary;
use crate::model::deployment::Creator;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::timestamp::Short;
use crate::tui::aims::Aim;
use crate::tui::glyph::{self, Glyph, Mark};
use crate::tui::layout::Layout;
use crate::tui::lists::{List, row};
use crate::tui::model::{Model, Pane};
use crate::tui::paint::{Brush, Run, run, width};
use crate::tui::safe;
use crate::tui::theme::Role;

/// Draws the lists that have a place.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    applications(model, layout.applications, brush);
    groups(model, layout.groups, brush);
    deployments(model, layout.deployments, brush);
}

fn applications(model: &Model, area: Rect, brush: &mut Brush<'_>) {
    let ids = &model.lists.applications;
    let place = Place {
        pane: Pane::Applications,
        list: List::Applications,
        title: "Applications",
        short: "Apps",
        area,
        top: model.scroll.applications,
        count: ids.len(),
    };
    let names = ids
        .iter()
        .map(|name| name.as_str().len())
        .max()
        .unwrap_or(0);
    list(model, &place, brush, |row| {
        let name = ids.get(row)?;
        let platform = model
            .view
            .as_ref()?
            .project
            .applications
            .get(name)?
            .compute_platform;
        let selected = model.selected.application.as_ref() == Some(name);
        let word = run(Role::Muted, platform.name());
        Some((selected, beside(area, vec![], names, name, word)))
    });
}

fn groups(model: &Model, area: Rect, brush: &mut Brush<'_>) {
    let ids = &model.lists.groups;
    let place = Place {
        pane: Pane::Groups,
        list: List::Groups,
        title: "Deployment groups",
        short: "Groups",
        area,
        top: model.scroll.groups,
        count: ids.len(),
    };
    let names = ids
        .iter()
        .map(|key| key.group.as_str().len())
        .max()
        .unwrap_or(0);
    list(model, &place, brush, |row| {
        let key = ids.get(row)?;
        let group = model.view.as_ref()?.project.group(key)?;
        let selected = model.selected.group.as_ref() == Some(key);
        let latest = model
            .ledger(key)
            .and_then(|ledger| ledger.last_attempted_deployment.as_ref());
        let status =
            latest.and_then(|last| model.view.as_ref()?.summaries.get(&last.deployment_id));
        let mark = status.map_or((Role::Muted, " "), |summary| {
            let mark = standing(model, summary);
            (mark.role, mark.glyph.draw(model.theme))
        });
        let style = group.deployment_style.deployment_type.label();
        let frozen = is_frozen(model, key);
        let runs = status.is_some_and(|summary| !summary.status.is_terminal());
        let (mark, word) = match (frozen, runs) {
            (true, false) => {
                let sign = Glyph::Paused.draw(model.theme);
                ((Role::Warn, sign), run(Role::Warn, "frozen"))
            }
            (true, true) => (mark, run(Role::Warn, "frozen")),
            (false, _) => (mark, run(Role::Muted, style)),
        };
        let sign = vec![run(mark.0, format!("{} ", mark.1))];
        Some((selected, beside(area, sign, names, &key.group, word)))
    });
}

/// Whether a group is in a freeze.
pub(crate) fn is_frozen(model: &Model, key: &GroupKey) -> bool {
    let view = model.view.as_ref();
    view.is_some_and(|view| view.freezes.iter().any(|freeze| freeze.scope.covers(key)))
}

/// A name with a word at the right, where there is room for both.
fn beside(area: Rect, mut runs: Vec<Run>, names: usize, name: &Name, word: Run) -> Vec<Run> {
    let room = usize::from(area.width).saturating_sub(4 + width(&runs));
    let (role, word) = word;
    let gap = room.checked_sub(name.as_str().len() + word.len() + 1);
    runs.push(run(Role::Text, name.as_str()));
    // In every row or in none.
    if let Some(gap) = gap.filter(|_| names + word.len() < room) {
        runs.push(run(role, format!("{:gap$} {word}", "")));
    }
    runs
}

fn deployments(model: &Model, area: Rect, brush: &mut Brush<'_>) {
    let ids = &model.lists.deployments;
    let place = Place {
        pane: Pane::Deployments,
        list: List::Deployments,
        title: "Deployments",
        short: "Deployments",
        area,
        top: model.scroll.deployments,
        count: ids.len(),
    };
    let summaries = || {
        let visible = ids.iter().skip(place.top).take(usize::from(area.height));
        visible.filter_map(|id| model.view.as_ref()?.summaries.get(id))
    };
    let label = summaries()
        .map(|summary| safe::width(&summary.revision.label))
        .max()
        .unwrap_or(0)
        .min(16);
    list(model, &place, brush, |row| {
        let id = ids.get(row)?;
        let summary = model.view.as_ref()?.summaries.get(id)?;
        let selected = model.selected.deployment.as_ref() == Some(id);
        Some((selected, deployment(model, summary, label)))
    });
}

/// A deployment, its revision in so many columns.
pub(crate) fn deployment(model: &Model, summary: &Summary, label: usize) -> Vec<Run> {
    let mark = standing(model, summary);
    let sign = |glyph: Glyph| glyph.draw(model.theme);
    let link = if summary.rolled_back_by.is_some() || summary.rolls_back.is_some() {
        sign(Glyph::Rollback)
    } else {
        " "
    };
    let started = summary.start_time.unwrap_or(summary.create_time);
    let span = summary
        .complete_time
        .unwrap_or(model.present())
        .since(started);
    vec![
        run(Role::Text, format!("{} ", summary.deployment_id)),
        run(
            mark.role,
            mark.glyph
                .beside(model.theme, &format!("{:10}{link} ", mark.word)),
        ),
        run(Role::Text, format!("{:label$} ", summary.revision.label)),
        run(
            Role::Muted,
            format!("{:>6}  {} ", Short(span).to_string(), who(summary)),
        ),
        run(Role::Muted, (model.clock)(summary.create_time)),
    ]
}

/// How a deployment stands; those that run are held whole, and say more than their summary.
pub(crate) fn standing(model: &Model, summary: &Summary) -> Mark {
    let whole = |view: &'_ View| {
        let found = view.deployments.get(&summary.deployment_id);
        found.map(glyph::standing)
    };
    let known = model.view.as_ref().and_then(whole);
    known.unwrap_or_else(|| glyph::deployment(summary.status))
}

pub(crate) fn who(summary: &Summary) -> String {
    let who = match summary.creator {
        _ if summary.rolls_back.is_some() => "rollback",
        Creator::CodeDeployRollback => "rollback",
        Creator::Autoscaling => "launch",
        Creator::AutoscalingTermination => "end",
        Creator::CodeDeployAutoUpdate => "update",
        Creator::CodeDeploy => "auto",
        Creator::User => summary.by.as_str(),
    };
    format!("{who:8}")
}

/// Where a list is drawn, and from which row on.
struct Place {
    pane: Pane,
    list: List,
    title: &'static str,
    /// The title where there is little room.
    short: &'static str,
    area: Rect,
    top: usize,
    count: usize,
}

fn list(
    model: &Model,
    place: &Place,
    brush: &mut Brush<'_>,
    drawn: impl Fn(usize) -> Option<(bool, Vec<Run>)>,
) {
    let area = place.area;
    if area.height < 2 {
        return;
    }
    brush.aim(area, Aim::Pane(place.pane));
    let focus = model.has_keys(place.pane);
    let role = if focus { Role::Focus } else { Role::Border };
    let heading = if focus { Role::Focus } else { Role::Heading };
    let arranged = super::arranged(model, place.list);
    let more = arranged
        .as_ref()
        .map_or(0, |(_, text)| safe::width(text) + 1);
    let short = if usize::from(area.width) < place.title.len() + 4 + more {
        place.short
    } else {
        place.title
    };
    let mut title = vec![run(heading, short)];
    let height = usize::from(area.height - 2);
    if place.count > height && height > 0 {
        title.push(run(Role::Muted, format!(" {}", place.count)));
    }
    title.extend(arranged.map(|(role, text)| (role, format!(" {text}"))));
    let inside = brush.frame(area, role, &title);
    if place.count == 0 {
        let text = match (&model.view, place.pane) {
            (None, _) => "loading",
            _ if !model.arranged.of(place.list).filter.is_empty() => "none fits",
            (_, Pane::Deployments) => "none yet",
            _ => "none",
        };
        brush.text(
            inside.x + 2,
            inside.y,
            inside.width.saturating_sub(2),
            Role::Muted,
            text,
        );
        return;
    }
    for (y, index) in (inside.y..inside.bottom()).zip(place.top..place.count) {
        let Some((selected, runs)) = drawn(index) else {
            continue;
        };
        if selected {
            let cursor = brush.glyph(Glyph::Cursor);
            brush.text(inside.x, y, 1, Role::Focus, cursor);
        }
        brush.runs(inside.x + 2, y, inside.width.saturating_sub(2), &runs);
        let whole = Rect::new(inside.x, y, inside.width, 1);
        if let Some(row) = row::at(model, place.list, index) {
            brush.aim(whole, Aim::Row(row));
        }
        if selected {
            let tint = if focus { Role::Selected } else { Role::Chosen };
            brush.tint(whole, tint);
        }
    }
}

/// The name as a column of this width.
pub(crate) fn column(name: &Name, width: usize) -> String {
    format!("{:width$}", name.as_str())
}
