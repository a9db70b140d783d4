//! The selected deployment: its stages, where it stands, and why it did not succeed.
//!
//! ```text
//! ┌ d-7F3KQ21XB ⋅ shop / production ⋅ in-place ⋅ CodeDeployDefault.OneAtATime ⋅ 1.8.0 ─────────┐
//! │ ▸ InProgress 42.1 s  install 4/12 ▰▰▰▱▱▱▱▱▱▱  ✔ 4  ▸ 2  ✖ 1  ⋅ 5   2 at a time, 10 healthy │
//! │ ✖ AfterInstall scripts/migrate.sh: exit code 1 (ScriptFailed)  web-3, web-5               │
//! ```

use super::{follows, next, schedule, stages, tasks, traffic, trouble, wait};
use crate::engine::Deployment;
use crate::model::deployment::TargetStatus;
use crate::model::timestamp::Short;
use crate::tui::attention::percent;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::model::{Fetch, Link, Model};
use crate::tui::paint::{Brush, Ends, Run, run, width as wide};
use crate::tui::screens::about;
use crate::tui::theme::Role;

/// What the pane says, line by line.
pub(crate) fn lines(model: &Model, width: usize) -> Vec<Vec<Run>> {
    let room = width.saturating_sub(4);
    let Some(deployment) = model.told() else {
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
    lines.extend(wait::lines(model, deployment, room));
    lines.extend(trouble::failures(model, deployment));
    follows::lines(model, room, lines)
}

fn absent(model: &Model) -> Vec<Run> {
    if let (None, Link::Lost { reason, .. }) = (&model.view, &model.link) {
        return vec![run(Role::Bad, reason.clone())];
    }
    let text = match (&model.view, &about(model), &model.fetch) {
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

/// Where it stands and how far it is; of what there is besides as much as there is room for, the time that is left first.
fn progress(model: &Model, deployment: &Deployment, width: usize) -> Vec<Run> {
    let room = width.saturating_sub(4);
    let mark = glyph::standing(deployment);
    let mut stands = vec![run(mark.role, mark.glyph.beside(model.theme, mark.word))];
    if let Some(span) = deployment.duration(model.present()) {
        stands.push(run(Role::Text, format!(" {}", Short(span))));
    }
    let far = run(Role::Heading, far(deployment));
    let counts = counts(model, deployment);
    let taken = wide(&stands) + wide(std::slice::from_ref(&far)) + wide(&counts);
    let mut free = room.saturating_sub(taken);
    let mut fits = |runs: Vec<Run>| {
        let needed = wide(&runs);
        let fits = needed <= free;
        free -= if fits { needed } else { 0 };
        if fits { runs } else { Vec::new() }
    };
    let left = model.left.by(model.present());
    let left = left.map(|left| run(Role::Text, format!(", {left}")));
    let left = fits(left.into_iter().collect());
    let bar = fits(bar(model, deployment, width));
    let pace = fits(pace(deployment).into_iter().collect());
    let least = fits(least(deployment, width).into_iter().collect());
    let parts = [stands, left, vec![far], bar, counts, pace, least];
    parts.into_iter().flatten().collect()
}

/// How many instances are done, of how many. What has two sides comes and goes: how much of the whole is done.
fn far(deployment: &Deployment) -> String {
    if deployment.spec.is_blue_green() {
        return format!("  {} % ", percent(deployment));
    }
    // More stages than one have a line of their own.
    let stage = match deployment.plan.stages.as_slice() {
        [only] => format!("{} ", only.label()),
        _ => String::new(),
    };
    let overview = deployment.overview;
    let done = overview.succeeded + overview.failed + overview.skipped;
    format!("  {stage}{done}/{} ", overview.total())
}

fn bar(model: &Model, deployment: &Deployment, width: usize) -> Vec<Run> {
    let overview = deployment.overview;
    let total = overview.total();
    if width < 70 || total == 0 || deployment.spec.is_blue_green() {
        return Vec::new();
    }
    let done = overview.succeeded + overview.failed + overview.skipped;
    let cells = if width >= 110 { 20 } else { 8 };
    let full = usize::try_from(u64::from(done) * cells / u64::from(total)).unwrap_or(0);
    let empty = usize::try_from(cells).unwrap_or(0) - full;
    let sign = |glyph: Glyph| glyph.draw(model.theme);
    vec![
        run(Role::Good, sign(Glyph::BarFull).repeat(full)),
        run(
            Role::Muted,
            format!("{} ", sign(Glyph::BarEmpty).repeat(empty)),
        ),
    ]
}

fn counts(model: &Model, deployment: &Deployment) -> Vec<Run> {
    let overview = deployment.overview;
    let counts = [
        (TargetStatus::Succeeded, overview.succeeded),
        (TargetStatus::InProgress, overview.in_progress),
        (TargetStatus::Failed, overview.failed),
        (TargetStatus::Skipped, overview.skipped),
        (TargetStatus::Ready, overview.ready),
        (TargetStatus::Pending, overview.pending),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    counts
        .map(|(status, count)| {
            let mark = glyph::target(status);
            let counted = mark.counted(model.theme, count);
            run(mark.role, format!(" {counted} "))
        })
        .collect()
}

fn pace(deployment: &Deployment) -> Option<Run> {
    let window = deployment.plan.window.as_ref();
    let window = window.filter(|_| deployment.spec.is_on_hosts())?;
    let pace = format!(" {} at a time", window.concurrency);
    Some(run(Role::Muted, pace))
}

fn least(deployment: &Deployment, width: usize) -> Option<Run> {
    let window = deployment.plan.window.as_ref();
    let window = window.filter(|_| deployment.spec.is_on_hosts() && width >= 100)?;
    let least = format!(", at least {} healthy", window.minimum_healthy);
    Some(run(Role::Muted, least))
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
    let about = about(model);
    let summary = model.view.as_ref().zip(about.as_ref());
    let Some(summary) = summary.and_then(|(view, id)| view.summaries.get(id)) else {
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
    let style = model.told().map(|d| d.spec.style_label());
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
