//! The selected deployment: its stages, where it stands, and why it did not succeed.
//!
//! ```text
//! ┌ d-7F3KQ21XB ⋅ shop / production ⋅ in-place ⋅ CodeDeployDefault.OneAtATime ⋅ 1.8.0 ─────────┐
//! │ ▸ InProgress 42.1 s  install 4/12 ▰▰▰▱▱▱▱▱▱▱  ✔ 4  ▸ 2  ✖ 1  ⋅ 5   2 at a time, 10 healthy │
//! │ ✖ AfterInstall scripts/migrate.sh: exit code 1 (ScriptFailed)  web-3, web-5               │
//! ```

use crate::engine::Deployment;
use crate::engine::plan::Stage;
use crate::model::deployment::TargetStatus;
use crate::model::timestamp::Short;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::model::{Fetch, Link, Model};
use crate::tui::paint::{Brush, Ends, Run, run};
use crate::tui::theme::Role;

/// Causes of failure that are told one by one.
const CAUSES: usize = 3;

/// What the pane says, line by line.
pub(crate) fn lines(model: &Model, width: usize) -> Vec<Vec<Run>> {
    let Some(deployment) = model.deployment() else {
        return vec![absent(model)];
    };
    let mut lines = vec![progress(model, deployment, width)];
    lines.extend(verdict(model, deployment));
    lines.extend(rollback(model, deployment));
    lines.extend(unreachable(model, deployment));
    lines.extend(failures(model, deployment));
    lines
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
    let mark = glyph::deployment(deployment.status);
    let mut runs = vec![run(
        mark.role,
        format!("{} {}", sign(mark.glyph), mark.word),
    )];
    if let Some(span) = deployment.duration(model.present()) {
        runs.push(run(Role::Text, format!(" {}", Short(span))));
    }
    let overview = deployment.overview;
    let total = overview.total();
    let done = overview.succeeded + overview.failed + overview.skipped;
    let stage = deployment
        .plan
        .stages
        .first()
        .map_or("install", Stage::label);
    runs.push(run(Role::Heading, format!("  {stage} {done}/{total} ")));
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
        (TargetStatus::Pending, overview.pending),
    ];
    for (status, count) in counts {
        if count > 0 {
            let mark = glyph::target(status);
            runs.push(run(mark.role, format!(" {} {count} ", sign(mark.glyph))));
        }
    }
    if let Some(Stage::Install { window, .. }) = deployment.plan.stages.first() {
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

/// Why no more starts, or why it did not succeed.
fn verdict(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
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
    let running = deployment.progress.in_flight;
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

fn rollback(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
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
fn unreachable(model: &Model, deployment: &Deployment) -> Option<Vec<Run>> {
    let view = model.view.as_ref()?;
    let silent: Vec<&str> = deployment
        .in_flight
        .iter()
        .filter_map(|&position| deployment.targets.get(position))
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
fn failures(model: &Model, deployment: &Deployment) -> Vec<Vec<Run>> {
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

fn title(model: &Model) -> Vec<Run> {
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
    let style = model
        .deployment()
        .map(|d| d.spec.group.deployment_style.deployment_type.label());
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
