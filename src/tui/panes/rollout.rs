//! The selected deployment: its stages, where it stands, and why it did not succeed.
//!
//! ```text
//! ┌ d-7F3KQ21XB ⋅ shop / production ⋅ in-place ⋅ CodeDeployDefault.OneAtATime ⋅ 1.8.0 ─────────┐
//! │ ▸ InProgress 42.1 s  install 4/12 ▰▰▰▱▱▱▱▱▱▱  ✔ 4  ▸ 2  ✖ 1  ⋅ 5   2 at a time, 10 healthy │
//! │ ✖ AfterInstall scripts/migrate.sh: exit code 1 (ScriptFailed)  web-3, web-5               │
//! ```

use super::{follows, next, schedule, stages, tasks, traffic, trouble};
use crate::engine::Deployment;
use crate::model::deployment::TargetStatus;
use crate::model::timestamp::Short;
use crate::tui::attention::percent;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::model::{Fetch, Link, Model};
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::theme::Role;

/// What the pane says, line by line.
pub(crate) fn lines(model: &Model, width: usize) -> Vec<Vec<Run>> {
    let room = width.saturating_sub(4);
    let Some(deployment) = model.deployment() else {
        return follows::lines(model, room, vec![absent(model)]);
    };
    let mut lines = vec![progress(model, deployment, width)];
    lines.extend(stages::line(model, deployment, room));
    lines.extend(schedule::line(model, deployment, room));
    lines.extend(next::lines(model, room));
    lines.extend(trouble::verdict(model, deployment));
    lines.extend(trouble::origin(deployment));
    lines.extend(trouble::rollback(model, deployment));
    lines.extend(trouble::unreachable(model, deployment));
    lines.extend(trouble::changed(model));
    // Where there is little room the end is cut off: tasks that are missing matter more than requests.
    let (first, last) = if tasks::are_steady(model, deployment) {
        (
            traffic::lines(model, deployment, room),
            tasks::lines(model, deployment, room),
        )
    } else {
        (
            tasks::lines(model, deployment, room),
            traffic::lines(model, deployment, room),
        )
    };
    lines.extend(first.into_iter().chain(last));
    lines.extend(trouble::failures(model, deployment));
    follows::lines(model, room, lines)
}

fn absent(model: &Model) -> Vec<Run> {
    if let (None, Link::Lost { reason, .. }) = (&model.view, &model.link) {
        return vec![run(Role::Bad, reason.clone())];
    }
    let text = match (&model.view, &model.selected.deployment, &model.fetch) {
        (None, ..) => "waiting for the orchestrator".to_owned(),
        (_, Some(wanted), Some(Fetch::Failed(id, reason))) if id == wanted => {
            return vec![run(Role::Bad, format!("{id} can't be shown: {reason}"))];
        }
        (_, Some(id), _) => format!("fetching {id}"),
        (Some(_), None, _) => match &model.selected.group {
            Some(group) => format!(
                "nothing was deployed to {group} yet: {} deploys",
                model.keymap.shown(crate::tui::action::Action::Deploy)
            ),
            None => "no deployment group: write one, such as applications/shop/production.yaml"
                .to_owned(),
        },
    };
    vec![run(Role::Muted, text)]
}

fn progress(model: &Model, deployment: &Deployment, width: usize) -> Vec<Run> {
    let sign = |glyph: Glyph| glyph.draw(model.theme);
    let mark = glyph::standing(deployment);
    let mut runs = vec![run(mark.role, mark.glyph.beside(model.theme, mark.word))];
    if let Some(span) = deployment.duration(model.present()) {
        runs.push(run(Role::Text, format!(" {}", Short(span))));
    }
    if let Some(left) = model.left.by(model.present()) {
        runs.push(run(Role::Muted, format!(", {left}")));
    }
    let overview = deployment.overview;
    // What has two sides comes and goes: its stages tell how far it has come.
    let sides = deployment.spec.is_blue_green();
    let total = if sides { 0 } else { overview.total() };
    let done = overview.succeeded + overview.failed + overview.skipped;
    // More stages than one have a line of their own.
    let stage = match deployment.plan.stages.as_slice() {
        [only] => format!("{} ", only.label()),
        _ => String::new(),
    };
    runs.push(run(
        Role::Heading,
        if sides {
            format!("  {} % ", percent(deployment))
        } else {
            format!("  {stage}{done}/{total} ")
        },
    ));
    if width >= 70 && total > 0 {
        let cells = if width >= 110 { 20 } else { 8 };
        let full = usize::try_from(u64::from(done) * cells / u64::from(total)).unwrap_or(0);
        let empty = usize::try_from(cells).unwrap_or(0) - full;
        runs.push(run(Role::Good, sign(Glyph::BarFull).repeat(full)));
        runs.push(run(
            Role::Muted,
            format!("{} ", sign(Glyph::BarEmpty).repeat(empty)),
        ));
    }
    let counts = [
        (TargetStatus::Succeeded, overview.succeeded),
        (TargetStatus::InProgress, overview.in_progress),
        (TargetStatus::Failed, overview.failed),
        (TargetStatus::Skipped, overview.skipped),
        (TargetStatus::Ready, overview.ready),
        (TargetStatus::Pending, overview.pending),
    ];
    for (status, count) in counts {
        if count > 0 {
            let mark = glyph::target(status);
            let counted = mark.counted(model.theme, count);
            runs.push(run(mark.role, format!(" {counted} ")));
        }
    }
    if let Some(window) = &deployment.plan.window
        && deployment.spec.is_on_hosts()
    {
        let pace = format!(" {} at a time", window.concurrency);
        runs.push(run(Role::Muted, pace));
        if width >= 100 {
            runs.push(run(
                Role::Muted,
                format!(", at least {} healthy", window.minimum_healthy),
            ));
        }
    }
    runs
}

/// Draws the pane: the top of the box that goes on below.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.rollout;
    if area.height == 0 {
        return;
    }
    brush.rule(area, Ends::Top, Role::Border);
    brush.title(area, &title(model));
    let inside = ratatui::layout::Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    brush.sides(inside, Role::Border);
    let lines = lines(model, usize::from(area.width));
    for (y, line) in (inside.y..inside.bottom()).zip(&lines) {
        brush.runs(area.x + 2, y, area.width.saturating_sub(4), line);
    }
}

/// Which deployment it is.
pub(crate) fn title(model: &Model) -> Vec<Run> {
    let Some(summary) = model.summary() else {
        return model
            .selected
            .group
            .iter()
            .map(|group| {
                run(
                    Role::Heading,
                    format!("{} / {}", group.application, group.group),
                )
            })
            .collect();
    };
    let dot = format!(" {} ", Glyph::Separator.draw(model.theme));
    let style = model.deployment().map(|d| d.spec.style_label());
    let mut runs = vec![
        run(Role::Heading, summary.deployment_id.as_str()),
        run(
            Role::Text,
            format!(
                "{dot}{} / {}{dot}",
                summary.group.application, summary.group.group
            ),
        ),
        run(Role::Heading, summary.revision.label.clone()),
    ];
    if let Some(style) = style {
        runs.push(run(Role::Text, format!("{dot}{style}")));
    }
    runs.push(run(
        Role::Text,
        format!("{dot}{}{dot}{}", summary.deployment_config_name, summary.by),
    ));
    runs
}
