//! Who looks elsewhere: what the terminal's title and its tab say of the rollout, and when somebody is called.
//!
//! Somebody is called when a deployment begins to wait for a person, or ends, and the terminal has not said that it is looked
//! at.

use std::collections::BTreeMap;

use super::effect::Effect;
use super::glyph;
use super::model::{Link, Model};
use crate::engine::Deployment;
use crate::engine::summary::Summary;
use crate::model::deployment::{DeploymentId, DeploymentStatus};

/// Whether somebody looks, and what was known when they were last called.
#[derive(Debug, Default)]
pub(crate) struct Attention {
    /// Whether the terminal is looked at; not every terminal says it.
    pub focused: Option<bool>,
    /// The deployments that run, and what they wait for; `None` until the first picture, which calls nobody.
    known: Option<BTreeMap<DeploymentId, Option<&'static str>>>,
}

/// What the terminal shows outside of its screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sign {
    /// Its title.
    pub title: String,
    /// Its progress.
    pub progress: Progress,
}

/// A progress in a tab or in the task bar, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing runs.
    #[default]
    None,
    /// Something runs.
    Running(u8),
    /// It waits for somebody.
    Waiting(u8),
    /// It fails.
    Failing(u8),
}

/// Calls whoever looks elsewhere for what has changed since this was last asked.
pub(crate) fn heed(model: &mut Model) -> Option<Effect> {
    // What a recording tells is over.
    if model.replay.is_some() || model.link != Link::Live {
        return None;
    }
    let view = model.view.as_ref()?;
    let now: BTreeMap<_, _> = view
        .running()
        .map(|summary| {
            let whole = view.deployments.get(&summary.deployment_id);
            (summary.deployment_id.clone(), wait(summary, whole))
        })
        .collect();
    let before = model.attention.known.replace(now)?;
    let now = model.attention.known.as_ref()?;
    if model.attention.focused == Some(true) {
        return None;
    }
    let waiting = now.iter().filter_map(|(id, wait)| {
        let new = before.get(id) != Some(wait);
        Some((view.summaries.get(id)?, wait.filter(|_| new)?))
    });
    let ended = before.keys().filter(|id| !now.contains_key(*id));
    let ended = ended.filter_map(|id| {
        let summary = view.summaries.get(id)?;
        Some((summary, glyph::deployment(summary.status).word))
    });
    // Who is waited for comes before what is over.
    let news: Vec<String> = waiting
        .chain(ended)
        .map(|(summary, word)| {
            let Summary {
                group, revision, ..
            } = summary;
            let id = &summary.deployment_id;
            format!("{group} {}: {word} ({id})", revision.label)
        })
        .collect();
    let (first, more) = news.split_first()?;
    Some(Effect::Call(match more.len() {
        0 => first.clone(),
        n => format!("{first}, and {n} more"),
    }))
}

/// What a deployment waits for that only a person gives.
fn wait(summary: &Summary, whole: Option<&Deployment>) -> Option<&'static str> {
    match whole {
        Some(of) if of.held.is_some() => Some("held: somebody decides how it goes on"),
        Some(of) if of.awaits_approval().is_some() => Some("waits for an approval"),
        _ if summary.status == DeploymentStatus::Ready => Some("waits to be rerouted"),
        _ => None,
    }
}

/// What the terminal is to show outside of its screen.
pub(crate) fn sign(model: &Model) -> Sign {
    let Some(view) = &model.view else {
        return Sign {
            title: "cutover".to_owned(),
            progress: Progress::None,
        };
    };
    let whole = |summary: &Summary| view.deployments.get(&summary.deployment_id);
    // Whoever waits for a person comes first, then what is looked at.
    let shown = view
        .running()
        .find(|summary| wait(summary, whole(summary)).is_some())
        .or_else(|| {
            let selected = model.summary();
            selected.filter(|summary| !summary.status.is_terminal())
        })
        .or_else(|| view.running().next());
    let Some(summary) = shown else {
        return Sign {
            title: format!("{} - cutover", view.project.name),
            progress: Progress::None,
        };
    };
    let deployment = whole(summary);
    let percent = deployment.map_or(0, percent);
    let mark = deployment.map_or_else(|| glyph::deployment(summary.status), glyph::standing);
    let progress = match deployment {
        Some(of) if of.halted.is_some() || of.held.is_some() => Progress::Failing(percent),
        _ if wait(summary, deployment).is_some() => Progress::Waiting(percent),
        _ => Progress::Running(percent),
    };
    Sign {
        title: format!("{} {} {percent} % - cutover", summary.group, mark.word),
        progress,
    }
}

/// How much of a deployment is over, in percent: its stages, and the targets of the present one.
pub(crate) fn percent(of: &Deployment) -> u8 {
    let stages = of.stages.len().max(1);
    let present = of.stages.get(of.stage).map_or((0, 1), |tally| {
        let over = tally.total - tally.waiting.min(tally.total);
        (over.saturating_sub(tally.in_flight), tally.total.max(1))
    });
    let (over, all) = present;
    let over = usize::try_from(over).unwrap_or(usize::MAX);
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    let percent = (of.stage.min(stages) * 100 + over.saturating_mul(100) / all) / stages;
    u8::try_from(percent.min(100)).unwrap_or(100)
}
