//! Where the traffic of the selected deployment goes: how each load balancer splits it, and what each side is given.
//!
//! ```text
//! web: replacement ▰▰◊▱▱▱▱▱  asked ◊ 30 %  in effect ▰ 30 %  measured ◦ 29 %
//! original     2/2 in   568 req/s ⣠⣤⣤⣶  0 err/s ⣀⣀⣀⣀  12 in flight
//! replacement  2/2 in   244 req/s ⣀⣠⣤⣤  0 err/s ⣀⣀⣀⣀   4 in flight
//! ```

use super::gauge;
use crate::api::gate::TOO_OLD;
use crate::api::gauge::Gauge;
use crate::engine::Deployment;
use crate::model::timestamp::Whole;
use crate::model::traffic::Side;
use crate::model::traffic::status::Counted;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::theme::Role;
use crate::tui::widgets::sparkline::{samples, sparkline};
use crate::tui::words::rate;

/// Over how many samples a rate is told: few, so that it soon shows a change.
const RATE: usize = 3;
/// The most cells of a sparkline.
const WIDEST: usize = 48;
/// The fewest that say something.
const LEAST: usize = 4;
/// So many cells are left free between texts and sparklines.
const GAPS: usize = 2;

/// The traffic, line by line; nothing for a deployment without load balancers, or one that is over.
pub(super) fn lines(model: &Model, deployment: &Deployment, room: usize) -> Vec<Vec<Run>> {
    if !deployment.spec.has_routes()
        || deployment.status.is_terminal()
        || deployment.start_time.is_none()
    {
        return Vec::new();
    }
    if model.replay.is_some() {
        return vec![recorded(deployment)];
    }
    let Some(gauge) = model.gauge(deployment) else {
        let text = "the load balancers have not been looked at yet";
        return vec![vec![run(Role::Muted, text)]];
    };
    let mut lines = Vec::new();
    lines.extend(age(model, gauge));
    for balancer in &gauge.status.balancers {
        if balancer.replacement.servers > 0 {
            let replacement = deployment.spec.side_label(Side::Green);
            lines.push(gauge::line(model.theme, balancer, &replacement, room));
        }
        if let Some(trouble) = &balancer.trouble {
            lines.push(vec![
                run(
                    Role::Bad,
                    format!("{} {}: ", Glyph::Attention.draw(model.theme), balancer.name),
                ),
                run(Role::Text, trouble.clone()),
            ]);
        }
    }
    lines.extend(sides(model, deployment, gauge, room));
    lines
}

/// A recording knows what was asked, and no request.
fn recorded(deployment: &Deployment) -> Vec<Run> {
    let asked = match deployment.split() {
        Some(split) => format!(
            "original {} %, replacement {} % asked; ",
            split.share(Side::Blue),
            split.replacement()
        ),
        None => String::new(),
    };
    let rest = "a recording has no requests";
    vec![run(Role::Text, asked), run(Role::Muted, rest)]
}

/// Old data looks old.
fn age(model: &Model, gauge: &Gauge) -> Option<Vec<Run>> {
    let age = model.present().since(gauge.status.at);
    (age > TOO_OLD).then(|| {
        let text = format!(
            "{} the load balancers were looked at {} ago",
            Glyph::Attention.draw(model.theme),
            Whole(age)
        );
        vec![run(Role::Warn, text)]
    })
}

/// One side at all load balancers together.
struct Row {
    side: Side,
    label: String,
    service: (Role, String),
    requests: String,
    errors: (Role, String),
    in_flight: String,
}

fn sides(model: &Model, deployment: &Deployment, gauge: &Gauge, room: usize) -> Vec<Vec<Run>> {
    let both = deployed(gauge, Side::Green) > 0;
    let wanted = [Side::Blue, Side::Green];
    let rows: Vec<Row> = wanted
        .into_iter()
        .filter(|side| deployed(gauge, *side) > 0)
        .map(|side| {
            let label = deployment.spec.side_label(side);
            row(gauge, side, if both { label } else { "servers".to_owned() })
        })
        .collect();
    let widest = |text: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| text(row).chars().count());
        widths.max().unwrap_or(0)
    };
    let label = widest(|row| &row.label);
    let service = widest(|row| &row.service.1);
    let requests = widest(|row| &row.requests);
    let errors = widest(|row| &row.errors.1);
    let in_flight = widest(|row| &row.in_flight);
    let fixed = label + service + requests + errors + in_flight + 4 * GAPS;
    let free = if gauge.counts() {
        room.saturating_sub(fixed + 2)
    } else {
        0
    };
    // The errors need less: what matters is whether there are any.
    let cells = [free * 3 / 5, free * 2 / 5].map(|cells| cells.min(WIDEST));
    let cells = if cells[1] < LEAST { [0, 0] } else { cells };
    let history = |side, of: fn(Counted) -> f64| -> Vec<f64> {
        let samples = gauge.history.iter();
        samples.map(|sample| of(sample.side(side))).collect()
    };
    let most = |of: fn(Counted) -> f64, cells| {
        let shown = samples(model.theme, cells);
        let all = [Side::Blue, Side::Green].map(|side| history(side, of));
        let shown = all.iter().flat_map(|all| all.iter().rev().take(shown));
        shown.copied().fold(0.0, f64::max)
    };
    let (requests_most, errors_most) = (
        most(Counted::rate, cells[0]),
        most(Counted::error_rate, cells[1]),
    );
    let spark = |role, side, of: fn(Counted) -> f64, most, cells: usize| {
        let text = match cells {
            0 => String::new(),
            cells => format!(
                " {}",
                sparkline(model.theme, &history(side, of), most, cells)
            ),
        };
        run(role, text)
    };
    let lines = rows.iter().map(|row| {
        let mut runs = vec![
            run(Role::Text, format!("{:label$}  ", row.label)),
            run(row.service.0, format!("{:service$}  ", row.service.1)),
            run(Role::Text, format!("{:>requests$}", row.requests)),
            spark(
                Role::Active,
                row.side,
                Counted::rate,
                requests_most,
                cells[0],
            ),
            run(row.errors.0, format!("  {:>errors$}", row.errors.1)),
            spark(
                row.errors.0,
                row.side,
                Counted::error_rate,
                errors_most,
                cells[1],
            ),
            run(Role::Text, format!("  {:>in_flight$}", row.in_flight)),
        ];
        while width(&runs) > room && runs.len() > 4 {
            runs.pop();
        }
        runs
    });
    lines.collect()
}

fn deployed(gauge: &Gauge, side: Side) -> u32 {
    let balancers = gauge.status.production();
    balancers.map(|it| it.side(side).servers).max().unwrap_or(0)
}

fn row(gauge: &Gauge, side: Side, label: String) -> Row {
    let at = || gauge.status.production().map(|it| it.side(side));
    // Where there are several load balancers, what is true of each.
    let least = |of: fn(&crate::model::traffic::status::SideStatus) -> u32| at().map(of).min();
    let in_service = least(|at| at.in_service).unwrap_or(0);
    let unwell = at().map(|at| at.in_service.saturating_sub(at.well)).max();
    let draining = at().map(|at| at.draining).max();
    let mut service = format!("{in_service}/{} in", deployed(gauge, side));
    let mut role = Role::Text;
    if let Some(unwell) = unwell.filter(|n| *n > 0) {
        service = format!("{service}, {unwell} unwell");
        role = Role::Bad;
    }
    if let Some(draining) = draining.filter(|n| *n > 0) {
        service = format!("{service}, {draining} draining");
    }
    let in_flight = at().filter_map(|at| at.in_flight).reduce(|a, b| a + b);
    let recent = gauge.recent(side, RATE);
    Row {
        side,
        label,
        service: (role, service),
        requests: match recent {
            Some(counted) => format!("{} req/s", rate(counted.rate())),
            None => "no counts".to_owned(),
        },
        errors: match recent {
            Some(counted) if counted.errors > 0 => {
                (Role::Bad, format!("{} err/s", rate(counted.error_rate())))
            }
            Some(_) => (Role::Muted, "0 err/s".to_owned()),
            None => (Role::Muted, String::new()),
        },
        in_flight: in_flight.map_or_else(String::new, |n| format!("{n} in flight")),
    }
}
