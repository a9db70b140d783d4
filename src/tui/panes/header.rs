//! The first row: what this is, whether the hosts answer, how old the picture is, and the time.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{crumbs, environment};
use crate::api::view::View;
use crate::model::address::Address;
use crate::model::alarm::AlarmStatus;
use crate::model::timestamp::{Short, Timestamp};
use crate::text::{clock_time, date_time, safe};
use crate::tui::action::Action;
use crate::tui::aims::Aim;
use crate::tui::glyph::{self, Glyph};
use crate::tui::layout::Layout;
use crate::tui::model::{Link, Model, Mouse};
use crate::tui::paint::{Brush, Run, run, width};
use crate::tui::theme::{Role, Theme};

/// Draws the header.
pub(crate) fn draw(model: &Model, layout: &Layout, brush: &mut Brush<'_>) {
    let area = layout.header;
    let right = state(model);
    let taken = u16::try_from(width(&right)).unwrap_or(u16::MAX);
    let room = area.width.saturating_sub(taken.saturating_add(2));
    let left = left(model, usize::from(room));
    let mut x = area.x;
    for (run, leads) in &left {
        let wide = u16::try_from(width(std::slice::from_ref(run))).unwrap_or(u16::MAX);
        // The last one has the gap behind it.
        let place = Rect::new(x, area.y, wide, 1);
        if let Some(address) = leads.clone().filter(|_| place.right() <= room) {
            brush.aim(place, Aim::Go(address));
        }
        x = x.saturating_add(wide);
    }
    let left: Vec<Run> = left.into_iter().map(|(run, _)| run).collect();
    brush.runs(area.x, area.y, room, &left);
    brush.right(area.right(), area.y, &right);
}

/// What must be known wherever one is, a sentence each.
pub(crate) fn told(model: &Model) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(player) = &model.replay {
        let (position, all) = player.place();
        let goes = if player.playing {
            "it goes on"
        } else {
            "it stands still"
        };
        let (time, speed) = ((model.clock)(model.now), player.speed());
        lines.push(format!(
            "A replay, at entry {position} of {all}, {time}, {speed}: {goes}."
        ));
    } else if model.is_read_only() {
        lines.push("Read-only: nothing can be changed.".to_owned());
    }
    let warnings = warnings(model).into_iter();
    lines.extend(warnings.map(|(_, text)| text.trim().to_owned()));
    lines
}

/// What this is, where one is in it, and what must be known on the way: of each as much as there is room for.
fn left(model: &Model, room: usize) -> Vec<(Run, Option<Address>)> {
    let nowhere = |runs: Vec<Run>| runs.into_iter().map(|run| (run, None));
    let name = name(model);
    let taken = width(&name);
    let mut runs: Vec<_> = nowhere(name).collect();
    let warnings = warnings(model);
    let free = room.saturating_sub(taken);
    // What must be known is worth more than what the screen shows anyway.
    if !warnings.is_empty() && free < width(&warnings) {
        runs.extend(nowhere(warnings));
        return runs;
    }
    let crumbs = crumbs::crumbs(model, free.saturating_sub(width(&warnings)));
    runs.extend(crumbs);
    runs.extend(nowhere(warnings));
    runs
}

fn name(model: &Model) -> Vec<Run> {
    // The name of the program goes first where there is little room.
    let least = if model.environment().is_some() {
        environment::NARROW
    } else {
        60
    };
    let program = if model.size.0 < least {
        " "
    } else {
        " cutover  "
    };
    let mut runs = vec![run(Role::Focus, program)];
    if let Some(view) = &model.view {
        runs.push(run(Role::Heading, format!("{}  ", view.project.name)));
        if let Some(player) = &model.replay {
            let (position, all) = player.place();
            runs.push(run(Role::Selected, " REPLAY "));
            runs.push(run(Role::Heading, format!(" {position}/{all} ")));
            let sign = if player.playing {
                Glyph::Running
            } else {
                Glyph::Paused
            };
            runs.push(run(
                Role::Active,
                format!("{} {}  ", sign.draw(model.theme), player.speed()),
            ));
        } else if model.is_read_only() {
            runs.push(run(Role::Warn, "read-only  "));
        }
        runs.extend(environment::band(model));
    }
    runs
}

fn warnings(model: &Model) -> Vec<Run> {
    let mut runs = Vec::new();
    if let Some(view) = &model.view {
        if let Some(freeze) = view.freezes.iter().max_by_key(|freeze| freeze.until) {
            let more = match view.freezes.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let text = format!(
                "{} {} frozen until {} by {}: {}{more}  ",
                Glyph::Paused.draw(model.theme),
                freeze.scope,
                moment(freeze.until, model.now),
                safe(&freeze.by),
                safe(&freeze.why)
            );
            runs.push(run(Role::Warn, text));
        }
        if let Some(first) = view.problems.first() {
            let more = match view.problems.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            runs.push(run(
                Role::Bad,
                format!(
                    "{} documents{more}: {first}",
                    Glyph::Failed.draw(model.theme)
                ),
            ));
        }
    }
    runs
}

/// A time that may be another day's.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let soon = at.since(now) < Duration::from_hours(12);
    if soon { clock_time(at) } else { date_time(at) }
}

fn state(model: &Model) -> Vec<Run> {
    let mut runs = Vec::new();
    if model.mouse == Mouse::Lent {
        let key = model.keymap.shown(Action::Mouse);
        runs.push(run(
            Role::Warn,
            format!("mouse selects text, {key} takes it   "),
        ));
    }
    match &model.link {
        Link::Connecting => runs.push(run(Role::Warn, "connecting   ")),
        Link::Lost { since, .. } => {
            let seconds = model.now.since(*since).as_secs();
            runs.push(run(
                Role::Bad,
                format!("disconnected {seconds} s, trying again   "),
            ));
        }
        Link::Live if model.is_stale() => {
            runs.push(run(
                Role::Bad,
                format!("no news for {}   ", Short(model.age())),
            ));
        }
        Link::Live => {}
    }
    // A recording knows nothing of hosts that answer.
    if let Some(view) = model.view.as_ref().filter(|_| model.replay.is_none()) {
        runs.extend(alarms(view, model.theme));
        let total = view.project.hosts.len();
        let answering = view.hosts.values().filter(|host| host.reachable).count();
        // The observation of a host that has just left the documents may still be there.
        let reachable = answering.min(total);
        let (role, glyph) = if reachable == total {
            (Role::Good, Glyph::Succeeded)
        } else {
            (Role::Bad, Glyph::Failed)
        };
        runs.push(run(Role::Text, "hosts "));
        runs.push(run(
            role,
            format!("{reachable}/{total} {}   ", glyph.draw(model.theme)),
        ));
    }
    runs.push(run(Role::Text, format!("{} ", time(model))));
    runs
}

/// How many of the alarms that are watched are well; nothing while none are.
fn alarms(view: &View, theme: Theme) -> Vec<Run> {
    let total = view.alarms.len();
    if total == 0 {
        return Vec::new();
    }
    let bad = |status: &&AlarmStatus| glyph::alarm(Some(*status), false).role == Role::Bad;
    let well = total - view.alarms.values().filter(bad).count();
    let (role, glyph) = if well == total {
        (Role::Good, Glyph::Succeeded)
    } else {
        (Role::Bad, Glyph::Failed)
    };
    vec![
        run(Role::Text, "alarms "),
        run(role, format!("{well}/{total} {}   ", glyph.draw(theme))),
    ]
}

/// The time of day; with seconds only while something else moves every second too, so that an idle screen rests.
fn time(model: &Model) -> String {
    let clock = (model.clock)(model.now);
    if model.replay.is_some() || crate::tui::update::moves(model) {
        clock
    } else {
        clock.chars().take(5).collect()
    }
}
