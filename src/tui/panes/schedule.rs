//! The shares of a shift: those that were, the one that is, and those that come, with their times.
//!
//! ```text
//! ✔ 10 % 10:08:00  ✔ 20 % 10:18:00  ▸ 30 % 10:28:00  ⋅ 40 % in 3:12  ⋅ 50 % in 13:12  ⋯  ⋅ 100 % in 1:03:12
//! ```

use crate::engine::Deployment;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::panes::stages::clock;
use crate::tui::theme::Role;

/// The room in which past shares have their times, too.
const ROOMY: usize = 70;

/// On one line of at most this width, while traffic shifts in several steps.
pub(super) fn line(model: &Model, deployment: &Deployment, room: usize) -> Option<Vec<Run>> {
    let schedule = deployment.shifting()?;
    if schedule.steps.len() < 2 || deployment.status.is_terminal() {
        return None;
    }
    let asked = deployment.shift.map_or(schedule.from, |shift| shift.asked);
    let back = schedule.last() < schedule.from;
    let is_over = |step: Split| if back { step > asked } else { step < asked };
    let next = deployment.next_shift();
    let now = deployment.frozen_since.unwrap_or(model.present());
    let by_hand = (!schedule.steps.contains(&asked)).then_some(asked);
    let mut steps: Vec<Split> = schedule.steps.to_vec();
    steps.extend(by_hand.filter(|asked| *asked != schedule.from));
    steps.sort();
    if back {
        steps.reverse();
    }
    let current = steps.iter().position(|step| *step == asked);
    let mut due = next.map(|(_, at)| at);
    let interval = deployment.spec.limits.shift_minutes(schedule.minutes);
    let parts: Vec<Run> = steps
        .iter()
        .map(|step| {
            let share = step.replacement();
            let mut times = deployment.shifts.iter().rev();
            // Where there is little room, what comes next matters more.
            let then = times.find(|(split, _)| split == step && room >= ROOMY);
            let then = then.map_or_else(String::new, |(_, at)| format!(" {}", (model.clock)(*at)));
            if is_over(*step) {
                let sign = Glyph::Succeeded.draw(model.theme);
                return run(Role::Good, format!("{sign} {share} %{then}  "));
            }
            if *step == asked {
                let sign = Glyph::Running.draw(model.theme);
                return run(Role::Active, format!("{sign} {share} %{then}  "));
            }
            let sign = Glyph::Pending.draw(model.theme);
            let at = due.map_or_else(String::new, |at| format!(" in {}", left(at, now)));
            due = due.map(|at| at + interval);
            run(Role::Muted, format!("{sign} {share} %{at}  "))
        })
        .collect();
    Some(cut(model, parts, current.unwrap_or(0), room))
}

fn left(at: Timestamp, now: Timestamp) -> String {
    clock(at.since(now))
}

/// What fits: the last step always, then the one that is and its neighbours.
fn cut(model: &Model, mut parts: Vec<Run>, current: usize, room: usize) -> Vec<Run> {
    let Some(last) = parts.pop() else {
        return parts;
    };
    let mark = run(Role::Muted, format!("{}  ", Glyph::Cut.draw(model.theme)));
    let one = std::slice::from_ref;
    let fixed = width(one(&last));
    let sign = width(one(&mark));
    let (mut from, mut to) = (0, parts.len());
    let fits = |from: usize, to: usize| {
        let marks = usize::from(from > 0) + usize::from(to < parts.len());
        width(&parts[from..to]) + fixed + marks * sign <= room
    };
    // What was gives way first, but for the step before; then what comes later.
    while !fits(from, to) && from < to {
        if from + 1 < current.min(to) {
            from += 1;
        } else if to > current + 1 {
            to -= 1;
        } else {
            from += 1;
        }
    }
    let before = (from > 0).then(|| mark.clone());
    let after = (to < parts.len()).then_some(mark);
    let shown = parts.drain(from..to).collect::<Vec<_>>();
    before
        .into_iter()
        .chain(shown)
        .chain(after)
        .chain([last])
        .collect()
}
