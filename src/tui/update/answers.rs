//! What the orchestrator says.

use crate::api::command::Answer;
use crate::api::feed::FeedItem;
use crate::api::view::{Gap, View};
use crate::engine::plan::{Before, Stage};
use crate::engine::{Deployment, Event};
use crate::model::approval::Step;
use crate::model::deployment::DeploymentId;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::layers::{self, Layer};
use crate::tui::message::OutputNews;
use crate::tui::model::{Fetch, Link, Model};
use crate::tui::sent::{self, Unanswered};
use crate::tui::writing::Reviewed;

/// Folds an item of the feed into the picture.
pub(crate) fn feed(model: &mut Model, item: FeedItem) -> Vec<Effect> {
    model.heard = Some(model.now);
    if !matches!(item, FeedItem::Alive) {
        model.news += 1;
    }
    let mut effects = Vec::new();
    match item {
        FeedItem::Snapshot(snapshot) => {
            let again = model.link != Link::Live;
            model.link = Link::Live;
            match &mut model.view {
                // A snapshot always fits.
                Some(view) => drop(view.apply(FeedItem::Snapshot(snapshot))),
                None => model.view = Some(View::from(*snapshot)),
            }
            if again {
                model.fetch = None;
                model.output.reopen();
                effects.push(Effect::Unfollow);
            }
            effects.extend(layers::preview_again(model, None));
        }
        item => {
            let group = match &item {
                FeedItem::Ledger { group, .. } => Some(group.clone()),
                _ => None,
            };
            let documents = matches!(item, FeedItem::Project { .. });
            notice(model, &item);
            if let Some(view) = &mut model.view
                && let Err(Gap(id)) = view.apply(item)
            {
                model.fetch = Some(Fetch::Running(id.clone()));
                effects.push(Effect::Fetch(id));
            }
            if documents || group.is_some() {
                effects.extend(layers::preview_again(model, group.as_ref()));
            }
        }
    }
    effects
}

/// Tells of what the person should know although another deployment may be on screen.
fn notice(model: &mut Model, item: &FeedItem) {
    let FeedItem::Record { deployment, record } = item else {
        return;
    };
    let known = model
        .view
        .as_ref()
        .and_then(|view| view.deployments.get(deployment));
    if known.is_some_and(|known| record.seq <= known.seq) {
        return;
    }
    let group = known
        .map(|known| known.group_key().to_string())
        .unwrap_or_default();
    match &record.event {
        Event::Created { spec, .. } => {
            if let Some(original) = &spec.rolls_back
                && model.expected_rollback.as_ref() == Some(original)
            {
                model.expected_rollback = None;
                model.expected = Some(deployment.clone());
            }
            if spec.approvals.contains_key(&Step::Start) && spec.by != model.user {
                let (by, group) = (&spec.by, spec.group_key());
                model.complain(format!(
                    "{deployment} in {group}, created by {by}, waits for approval"
                ));
            }
        }
        Event::Approved { step, by, .. } if *by != model.user => {
            model.say(format!(
                "{by} has approved the {step} of {deployment} in {group}"
            ));
        }
        Event::Held { .. } => model.complain(format!("{deployment} in {group} holds")),
        Event::Alarmed { .. } => {
            model.complain(format!("an alarm stops {deployment} in {group}"));
        }
        Event::Frozen { freeze } if freeze.by != model.user => {
            model.say(format!("{} has frozen {deployment} in {group}", freeze.by));
        }
        Event::Paused { by, .. } if *by != model.user => {
            model.say(format!("{by} has paused {deployment} in {group}"));
        }
        Event::Resumed { by, .. } if *by != model.user => {
            model.say(format!("{by} lets {deployment} in {group} go on"));
        }
        Event::StageStarted { stage } => {
            // Where it is on the screen, the screen says it.
            let elsewhere = model.selected.deployment.as_ref() != Some(deployment);
            let stages = known.map(|known| &known.plan.stages).filter(|_| elsewhere);
            let text = match stages.and_then(|stages| stages.get(*stage)) {
                Some(Stage::Approval) => {
                    format!("{deployment} in {group} waits for the approval of its reroute")
                }
                Some(Stage::Wait {
                    before: Before::Reroute,
                    minutes,
                }) => format!(
                    "{deployment} in {group} waits {minutes} min for somebody to reroute it"
                ),
                _ => return,
            };
            model.complain(text);
        }
        Event::Shifted {
            split,
            by: Some(by),
            ..
        } if *by != model.user => model.say(format!(
            "{by} gives the replacement of {deployment} in {group} {} % of the traffic",
            split.replacement()
        )),
        Event::Continued { by, .. } if *by != model.user => {
            model.say(format!(
                "{by} has ended the wait of {deployment} in {group}"
            ));
        }
        Event::Ended { status, .. } => {
            let text = format!("{deployment} in {group}: {status}");
            match status {
                crate::model::deployment::DeploymentStatus::Failed => model.complain(text),
                _ => model.say(text),
            }
        }
        Event::RolledBack {
            deployment: Some(rollback),
            ..
        } => {
            let key = model.keymap.shown(Action::Linked);
            model.say(format!(
                "{rollback} rolls back {deployment}: {key} goes there"
            ));
        }
        _ => {}
    }
}

/// Takes a deployment that was fetched.
pub(crate) fn fetched(
    model: &mut Model,
    id: DeploymentId,
    result: Result<Box<Deployment>, String>,
) {
    let wanted = model.fetch.as_ref() == Some(&Fetch::Running(id.clone()));
    if wanted {
        model.fetch = None;
    }
    let compared = |layer: &Layer| matches!(layer, Layer::Compare(layer) if layer.is_of(&id));
    match result {
        Ok(deployment) => {
            if let Some(view) = &mut model.view {
                view.hold(*deployment);
            }
        }
        Err(reason) if wanted || model.layers.iter().any(compared) => {
            model.fetch = Some(Fetch::Failed(id, reason));
        }
        // That an earlier one does not say how long instances take is no fault of what is seen.
        Err(_) => {}
    }
}

/// Takes output of what is followed; news of an older stream are dropped.
pub(crate) fn output(model: &mut Model, number: u64, news: OutputNews) {
    match news {
        OutputNews::Lines(lines) => model.output.extend(number, lines),
        OutputNews::Ended(reason) => model.output.end(number, reason),
    }
}

/// Says where lines were saved, or why not.
pub(crate) fn saved(model: &mut Model, result: Result<String, String>) {
    match result {
        Ok(place) => model.say(format!("saved as {place}")),
        Err(reason) => model.complain(reason),
    }
}

/// Shows a document that is back from the editor.
pub(crate) fn edited(model: &mut Model, result: Result<Box<Reviewed>, String>) {
    match result {
        Ok(reviewed) => layers::review::open(model, *reviewed),
        Err(reason) => model.complain(reason),
    }
}

/// Says what was written. The form that made it has done its work.
pub(crate) fn written(model: &mut Model, result: Result<String, String>) {
    match result {
        Ok(written) => {
            let host = |layer: &Layer| matches!(layer, Layer::Form(form) if form.makes_a_host());
            let joins = model.layers.iter().any(host);
            model
                .layers
                .retain(|layer| !matches!(layer, Layer::Form(_)));
            model.say(if joins {
                let key = model.keymap.shown(Action::Invite);
                format!("{written}: {key} lets the host join")
            } else {
                written
            });
        }
        Err(reason) => model.complain(reason),
    }
}

/// Takes the answer to a command.
pub(crate) fn answered(model: &mut Model, number: u64, result: Result<Answer, Unanswered>) {
    model.sent.end(number, model.now, &result);
    match result {
        Ok(answer @ Answer::Invited { .. }) => layers::invitation::open(model, &answer),
        Ok(Answer::Terminated {
            trouble: Some(trouble),
            ..
        }) => model.complain(trouble),
        Ok(Answer::Unlocked { environment, until }) => {
            let key = model.keymap.shown(Action::Unlock);
            // One command's is over with it.
            let until = until.unwrap_or(model.now);
            let clock = (model.clock)(until);
            model.say(format!(
                "{environment} is unlocked until {clock}; {key} locks it before that"
            ));
            model.unlocked.unlock(environment, until);
        }
        Ok(answer) => {
            model.say(sent::gist(&answer));
            if let Answer::Created { deployment } = answer {
                model.expected = Some(deployment);
            }
        }
        Err(reason) => model.complain(reason.to_string()),
    }
}
