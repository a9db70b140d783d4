//! On which side an instance is, and how it stands at the load balancers.

use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::engine::traffic::{Place, place};
use crate::model::traffic::Side;
use crate::model::traffic::status::Presence;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;

/// Its side, in a column of this width; nothing where there is no column.
pub(super) fn side(target: &Target, width: usize) -> Option<Run> {
    let label = match target.side {
        _ if width == 0 => return None,
        None => "",
        Some(side) if width > side.label().len() => side.label(),
        Some(Side::Blue) => "orig",
        Some(Side::Green) => "repl",
    };
    Some(run(Role::Text, format!("{label:width$}")))
}

/// How it stands, in a column of this width. Before the load balancers have answered, and in a recording, where it ought to
/// be.
pub(crate) fn traffic(
    model: &Model,
    deployment: &Deployment,
    target: &Target,
    width: usize,
) -> Run {
    if !deployment.spec.is_on_hosts() {
        return share(model, deployment, width);
    }
    let (role, glyph, word) = match model.servers.seat(deployment, &target.name) {
        Some(seat) if seat.unwell.is_some() => (Role::Bad, Some(Glyph::Attention), "unwell"),
        Some(seat) => match seat.presence {
            Some(Presence::In) => (Role::Good, Some(Glyph::Succeeded), "in"),
            Some(Presence::Draining) => (Role::Active, Some(Glyph::Down), "draining"),
            Some(Presence::Out) => (Role::Muted, Some(Glyph::Pending), "out"),
            Some(Presence::Absent) => (Role::Warn, Some(Glyph::Unknown), "absent"),
            None => (Role::Active, Some(Glyph::Running), "partly in"),
        },
        None => match place(target) {
            Some(Place::In) => (Role::Muted, None, "in"),
            Some(Place::Out) => (Role::Muted, None, "out"),
            None => (Role::Muted, None, ""),
        },
    };
    let word = format!("{word:rest$}", rest = width - 2);
    let text = match glyph {
        Some(glyph) => glyph.beside(model.theme, &word),
        None => format!("  {word}"),
    };
    run(role, text)
}

/// What is no host has the replacement's share, in effect where somebody has looked, and else as it was asked.
fn share(model: &Model, deployment: &Deployment, width: usize) -> Run {
    let gauge = model.gauge(deployment).into_iter();
    let mut seen = gauge.flat_map(|gauge| gauge.status.production());
    let in_effect = seen.find_map(|balancer| balancer.in_effect);
    let text = in_effect.or(deployment.split()).map(|split| {
        let share = split.replacement();
        format!("{share:>3} %")
    });
    run(Role::Text, format!("{:width$}", text.unwrap_or_default()))
}
