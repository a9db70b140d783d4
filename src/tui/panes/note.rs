//! What an operator must know about one instance besides its events, in a line.

use crate::api::afterwards::causes::cause;
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::model::deployment::TargetStatus;
use crate::model::timestamp::Whole;
use crate::tui::model::Model;
use crate::tui::paint::{Run, run};
use crate::tui::theme::Role;

/// The note, if there is something to note. The most urgent comes first, as a narrow column cuts the end off.
pub(crate) fn note(model: &Model, deployment: &Deployment, target: &Target) -> Option<Run> {
    let mut parts = Vec::new();
    let mut role = Role::Muted;
    if target.status == TargetStatus::Failed {
        parts.push(cause(target));
        role = Role::Bad;
    } else if let Some(silent) = silent(model, deployment, target) {
        parts.push(silent);
        role = Role::Warn;
    } else if let Some(hook) = hook(model, deployment, target) {
        parts.push(hook);
        role = Role::Active;
    } else if let Some(unwell) = unwell(model, deployment, target) {
        parts.push(unwell);
        role = Role::Bad;
    } else if let Some(message) = &target.message {
        parts.push(message.clone());
    } else if deployment.chosen.first() == deployment.position(&target.name).as_ref()
        && !deployment.chosen.is_empty()
    {
        parts.push("starts next".to_owned());
        role = Role::Active;
    }
    parts.extend(attempts(target));
    (!parts.is_empty()).then(|| run(role, parts.join(", ")))
}

/// Which hook is called just now, and how long it may still take.
fn hook(model: &Model, deployment: &Deployment, target: &Target) -> Option<String> {
    let name = target.running()?.hook.as_ref()?;
    let left = target.deadline(&deployment.spec.limits).map(|end| {
        let left = end.since(model.present());
        format!(", {} left", Whole(left))
    });
    Some(format!("hook {name}{}", left.unwrap_or_default()))
}

/// That a load balancer finds it unwell.
fn unwell(model: &Model, deployment: &Deployment, target: &Target) -> Option<String> {
    let seat = model.servers.seat(deployment, &target.name)?;
    seat.unwell.clone()
}

/// How often it was tried, once it was tried again.
fn attempts(target: &Target) -> Option<String> {
    let waits = target.status == TargetStatus::Pending && target.attempt > 0;
    let attempt = target.tries() + u32::from(waits);
    match attempt {
        0 | 1 => None,
        attempt if waits => Some(format!("waits for its {} try", ordinal(attempt))),
        attempt => Some(format!("{} try", ordinal(attempt))),
    }
}

fn ordinal(n: u32) -> String {
    let end = match (n % 100, n % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{n}{end}")
}

/// That its host is not heard of, and until when that is borne.
fn silent(model: &Model, deployment: &Deployment, target: &Target) -> Option<String> {
    let now = model.present();
    if let Some(since) = target.silent_since {
        let silent = format!("silent {}", Whole(now.since(since)));
        return Some(match target.deadline(&deployment.spec.limits) {
            Some(end) if end > now => format!("{silent}, given up in {}", Whole(end.since(now))),
            Some(_) => format!("{silent}, being given up"),
            None => silent,
        });
    }
    let observed = model.view.as_ref()?.hosts.get(&target.name)?;
    (!observed.reachable && !target.status.is_terminal())
        .then(|| "the host does not answer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 22, 101, 111].map(ordinal),
            [
                "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "22nd", "101st", "111th"
            ]
        );
    }
}
