//! A guide for who is here for the first time: for where the selected deployment stands, what is seen and the next keys.

use crate::engine::Deployment;
use crate::engine::plan::Before;
use crate::model::deployment::DeploymentStatus;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::screens::Screen;

/// Where a deployment stands, as far as a guide tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Something runs.
    Runs,
    /// It waits for somebody to move the traffic.
    Waits,
    /// The traffic has moved, and the original is kept for a way back.
    Keeps,
    /// It has succeeded.
    Succeeded,
    /// It has brought the revision before back.
    RolledBack,
    /// It has failed, or was stopped.
    Failed,
}

/// What is said at a group whose selected deployment stands somewhere.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The group, as `APPLICATION/GROUP`.
    pub group: &'static str,
    /// Where its deployment stands.
    pub moment: Moment,
    /// What is said. The name of an action in braces becomes its key.
    pub text: &'static str,
}

impl Step {
    /// The names in braces that are no action's.
    pub fn unknown(&self) -> Vec<&'static str> {
        let names = pieces(self.text).filter_map(|(_, name)| name);
        names.filter(|name| Action::named(name).is_none()).collect()
    }
}

impl Moment {
    fn of(deployment: &Deployment) -> Self {
        match deployment.status {
            DeploymentStatus::Ready => Self::Waits,
            DeploymentStatus::Succeeded if deployment.spec.is_way_back() => Self::RolledBack,
            DeploymentStatus::Succeeded => Self::Succeeded,
            DeploymentStatus::Failed | DeploymentStatus::Stopped => Self::Failed,
            _ => match deployment.wait_ends() {
                Some((Before::Termination, _)) => Self::Keeps,
                Some((Before::Reroute, _)) => Self::Waits,
                None => Self::Runs,
            },
        }
    }
}

/// What the guide says here, if there is one.
pub(crate) fn said(model: &Model) -> Option<String> {
    let deployment = model.deployment()?;
    if model.screen != Screen::Rollouts || model.replay.is_some() {
        return None;
    }
    let (group, moment) = (deployment.group_key().to_string(), Moment::of(deployment));
    let mut steps = model.tour.iter();
    let step = steps.find(|step| step.group == group && step.moment == moment)?;
    let pieces = pieces(step.text).flat_map(|(before, name)| {
        let action = name.and_then(Action::named);
        let key = action.map(|action| model.keymap.shown(action));
        [before.to_owned(), key.unwrap_or_default()]
    });
    Some(pieces.collect())
}

/// The text in pieces, each with the name in braces that follows it.
fn pieces(text: &'static str) -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    text.split_inclusive('}').map(|piece| {
        let parts = piece
            .strip_suffix('}')
            .and_then(|piece| piece.split_once('{'));
        parts.map_or((piece, None), |(before, name)| (before, Some(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_actions() {
        let step = |text| Step {
            group: "shop/production",
            moment: Moment::Runs,
            text,
        };
        assert_eq!(step("{stop} stops, {halt} too").unknown(), ["halt"]);
        assert!(step("nothing to press").unknown().is_empty());
        let all: Vec<_> = pieces("press {stop} now").collect();
        assert_eq!(all, [("press ", Some("stop")), (" now", None)]);
    }
}
