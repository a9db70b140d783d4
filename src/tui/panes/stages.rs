//! The stages of a plan that has more than one, with how far each has come.
//!
//! ```text
//! ✔ install a 4/4  ▸ monitor a 9:12  ⋅ install b 0/4
//! ```

use std::time::Duration;

use crate::engine::Deployment;
use crate::engine::plan::Stage;
use crate::model::approval::Step;
use crate::model::deployment::DeploymentStatus;
use crate::tui::glyph::Glyph;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run, width};
use crate::tui::theme::Role;

/// The stages on one line of at most this width, the one that runs always among them; nothing for a plan of one stage.
pub(super) fn line(model: &Model, deployment: &Deployment, room: usize) -> Option<Vec<Run>> {
    let stages = &deployment.plan.stages;
    if stages.len() < 2 {
        return None;
    }
    let parts: Vec<Run> = (0..stages.len())
        .map(|place| stage(model, deployment, place))
        .collect();
    let current = deployment.stage.min(stages.len() - 1);
    let cut = run(Role::Muted, format!("{} ", Glyph::Cut.draw(model.theme)));
    let fits = |first: usize| {
        let before = if first > 0 { 2 } else { 0 };
        before + width(&parts[first..=current]) <= room
    };
    let first = (0..current).find(|first| fits(*first)).unwrap_or(current);
    let before = (first > 0).then_some(cut);
    Some(
        before
            .into_iter()
            .chain(parts.into_iter().skip(first))
            .collect(),
    )
}

fn stage(model: &Model, deployment: &Deployment, place: usize) -> Run {
    let over = deployment.status.is_terminal();
    let tally = deployment.stages[place];
    let (glyph, role) = match place.cmp(&deployment.stage) {
        std::cmp::Ordering::Less if tally.failed > 0 => (Glyph::Failed, Role::Warn),
        std::cmp::Ordering::Less => (Glyph::Succeeded, Role::Good),
        std::cmp::Ordering::Equal if deployment.status == DeploymentStatus::Succeeded => {
            (Glyph::Succeeded, Role::Good)
        }
        std::cmp::Ordering::Equal if over => (Glyph::Failed, Role::Bad),
        std::cmp::Ordering::Equal if deployment.start_time.is_some() => {
            (Glyph::Running, Role::Active)
        }
        _ if over => (Glyph::Skipped, Role::Muted),
        _ => (Glyph::Pending, Role::Muted),
    };
    let stage = &deployment.plan.stages[place];
    let far = match stage {
        Stage::Wait { minutes, .. } if place > deployment.stage => {
            format!(" {}", clock(Duration::from_secs(60 * u64::from(*minutes))))
        }
        Stage::Wait { .. } => match deployment.wait_ends() {
            Some((_, end)) if place == deployment.stage && !over => {
                let now = deployment.frozen_since.unwrap_or(model.present());
                format!(" {}", clock(end.since(now)))
            }
            _ => String::new(),
        },
        Stage::Shift { .. } if place < deployment.stage || over => String::new(),
        Stage::Shift { from, steps, .. } => {
            let asked = deployment.shift.map_or(*from, |shift| shift.asked);
            let last = steps.last().map_or(0, |last| last.replacement());
            let next = deployment.next_shift().map(|(_, at)| {
                let now = deployment.frozen_since.unwrap_or(model.present());
                format!(" {}", clock(at.since(now)))
            });
            format!(
                " {}/{last} %{}",
                asked.replacement(),
                next.unwrap_or_default()
            )
        }
        Stage::Hook { .. }
        | Stage::CreateTaskSet { .. }
        | Stage::TestTraffic { .. }
        | Stage::DeleteTaskSet { .. } => String::new(),
        Stage::Install { .. }
        | Stage::Enter { .. }
        | Stage::Validate { .. }
        | Stage::Leave { .. } => {
            format!(
                " {}/{}",
                tally.total - tally.waiting - tally.in_flight,
                tally.total
            )
        }
        Stage::Approval => approvals(deployment),
        Stage::Provision { count, .. } => format!(" {count}"),
        Stage::Terminate { targets } => format!(" {}", targets.len()),
        Stage::Monitor { seconds, .. } if place > deployment.stage => {
            format!(" {}", clock(Duration::from_secs(*seconds)))
        }
        Stage::Monitor { .. } => match deployment.monitor_ends() {
            Some(end) if place == deployment.stage && !over => {
                format!(" {}", clock(end.since(model.present())))
            }
            _ => String::new(),
        },
    };
    let text = format!(
        "{} {}{far}  ",
        glyph.draw(model.theme),
        deployment.stage_label(stage)
    );
    run(role, text)
}

/// How many have approved, of how many: ` 1/2`.
fn approvals(deployment: &Deployment) -> String {
    let wanted = deployment.spec.approvals.get(&Step::Reroute);
    let wanted = wanted.copied().unwrap_or_default();
    format!(" {}/{wanted}", wanted - deployment.missing(Step::Reroute))
}

/// A time that runs down: `9:12`, `1:00:00`.
pub(super) fn clock(left: Duration) -> String {
    let seconds = left.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_down_to_nothing() {
        let clock = |ms| clock(Duration::from_millis(ms));
        assert_eq!(clock(552_000), "9:12");
        assert_eq!(clock(3_600_000), "1:00:00");
        assert_eq!(clock(9_900), "0:09");
        assert_eq!(clock(0), "0:00");
    }
}
