//! A terminal too small for panes: where things stand, in a line or a few, and the output where it has the keys.

use super::{environment, lists, output};
use crate::tui::layout::Layout;
use crate::tui::model::{Link, Model};
use crate::tui::paint::{Brush, Run, run};
use crate::tui::screens::{Screen, home};
use crate::tui::theme::Role;

/// Draws what fits.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.header;
    let mut first = match model.screen {
        Screen::Rollouts => status(model),
        Screen::Home => vec![home::verdict(model)],
        Screen::History => vec![run(Role::Focus, model.history.title())],
        Screen::Configurations => vec![run(Role::Focus, model.configurations.title())],
        Screen::Hosts => {
            let counts = model.hosts.counts(model).into_iter();
            counts
                .map(|(role, text)| (role, format!("{text} ")))
                .collect()
        }
    };
    first.splice(0..0, environment::tiny(model));
    if model.replay.is_some() {
        first.insert(0, run(Role::Selected, "REPLAY "));
    }
    if layout.output.height > 0 {
        output::draw(model, layout, brush);
    }
    let mut lines = vec![first];
    if let (Screen::Home, Some(need)) = (model.screen, model.home.needs().first()) {
        lines.push(vec![run(Role::Text, format!("{} {}", need.at, need.text))]);
    }
    lines.push(vec![run(Role::Muted, "40x10 shows more")]);
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        brush.runs(area.x, y, area.width, line);
    }
}

fn status(model: &Model) -> Vec<Run> {
    if model.link != Link::Live {
        return vec![run(Role::Bad, "disconnected")];
    }
    let Some(summary) = model.summary() else {
        return vec![run(Role::Muted, "no deployment")];
    };
    let mark = lists::standing(model, summary);
    let overview = summary.deployment_overview;
    let done = overview.succeeded + overview.failed + overview.skipped;
    let failed = if overview.failed > 0 {
        format!(" {} failed", overview.failed)
    } else {
        String::new()
    };
    vec![
        run(
            mark.role,
            format!("{} {}", mark.glyph.draw(model.theme), mark.word),
        ),
        run(
            Role::Text,
            format!(
                " {done}/{}{failed} {}",
                overview.total(),
                summary.deployment_id
            ),
        ),
    ]
}
