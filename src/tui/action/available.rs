//! Whether an action can be done now, and if not, why: one answer for keys, footer, help and go-to.

use super::{Action, Context, Grade};
use crate::api::command::Command as Request;
use crate::api::rights::{self, need};
use crate::engine::input::{Command, What};
use crate::engine::plan::Before;
use crate::engine::{Deployment, refusal, rollback};
use crate::model::access::{Where, may};
use crate::model::address::Address;
use crate::model::deployment::Creator;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::traffic::Split;
use crate::tui::consequence::goal;
use crate::tui::documents;
use crate::tui::layers::text;
use crate::tui::lists::List;
use crate::tui::model::{Model, Mouse};
use crate::tui::output::rows::Long;
use crate::tui::panes::footer;
use crate::tui::replay::REFUSED;
use crate::tui::screens::{self, Screen};
use crate::tui::update::other;

/// Why an action can't be done now.
///
/// # Errors
/// The reason, as a sentence without a full stop.
pub(crate) fn available(action: Action, model: &Model) -> Result<(), String> {
    if model.screen != Screen::Rollouts && acts_on_a_rollout(action) {
        let key = model.keymap.shown(Action::Enter);
        return Err(format!(
            "it acts on a rollout on the screen: {key} opens one"
        ));
    }
    if model.theme.words && is_a_look(action) {
        return Err("it changes how a screen looks, and here is none".to_owned());
    }
    match action {
        Action::Deploy => deployable_now(model),
        Action::Stop => {
            changeable(model)?;
            steered(model, action)
        }
        Action::Pause
        | Action::Retry
        | Action::Skip
        | Action::StartNext
        | Action::GiveUp
        | Action::Reroute
        | Action::Approve
        | Action::SkipWait
        | Action::ShareUp
        | Action::ShareDown
        | Action::Share => {
            changeable(model)?;
            fresh(model)?;
            steered(model, action)
        }
        Action::RollBack => rolls_back_now(model),
        Action::Edit => {
            documents::editable(model)?;
            documents::selected(model).map(|_| ())
        }
        Action::Invite => invitable(model),
        Action::Documents => documents::editable(model),
        Action::New => documents::writable(model),
        Action::Unlock => unlockable(model),
        Action::NextFailed | Action::PreviousFailed => {
            if deployment(model)?.overview.failed == 0 {
                return Err("no instance failed".to_owned());
            }
            Ok(())
        }
        Action::Linked => {
            let summary = model.summary().ok_or("no deployment is selected")?;
            let known = |id| {
                model
                    .view
                    .as_ref()
                    .is_some_and(|v| v.summaries.contains_key(&id))
            };
            if !other(summary).is_some_and(known) {
                return Err("it was not rolled back, and rolls nothing back".to_owned());
            }
            Ok(())
        }
        _ if action.entry().context == Context::Replay => match &model.replay {
            Some(player) => player.available(action),
            None => Err("this is no replay".to_owned()),
        },
        Action::Follow | Action::Zoom if model.output.of.is_none() => {
            Err("no instance is selected".to_owned())
        }
        Action::AllOutput if model.replay.is_some() => {
            Err("a recording holds no output".to_owned())
        }
        Action::AllOutput => deployment(model).map(|_| ()),
        Action::Compare | Action::Mark | Action::Replay | Action::Report => {
            afterwards(action, model)
        }
        _ if matches!(action.entry().context, Context::Output | Context::Reading) => {
            reading(action, model)
        }
        Action::Dismiss if footer::hint(model).is_empty() && model.messages.shown().is_none() => {
            Err("there is nothing to put away".to_owned())
        }
        Action::Mouse if model.mouse == Mouse::Unused => {
            Err("cockpit.yaml says mouse: off".to_owned())
        }
        _ => moving(action, model),
    }
}

/// Whether something can be deployed to the selected group.
fn deployable_now(model: &Model) -> Result<(), String> {
    changeable(model)?;
    fresh(model)?;
    let group = model
        .selected
        .group
        .as_ref()
        .ok_or("no deployment group is selected")?;
    let deploy = model.deploy(group.clone(), String::new());
    permitted(model, &Request::Deploy(deploy), Where::Group(group))?;
    deployable(model, group)
}

/// Whether the selected deployment can be rolled back.
fn rolls_back_now(model: &Model) -> Result<(), String> {
    changeable(model)?;
    fresh(model)?;
    let deployment = deployment(model)?;
    let back = Request::Rollback {
        deployment: deployment.id().clone(),
        by: model.user.clone(),
        uid: None,
    };
    permitted(model, &back, Where::Group(&deployment.group_key()))?;
    reversible(model, deployment)
}

/// Whether an action only changes how a screen looks.
fn is_a_look(action: Action) -> bool {
    matches!(
        action,
        Action::Zoom
            | Action::Shape
            | Action::Wrap
            | Action::ScrollLeft
            | Action::ScrollRight
            | Action::Dismiss
            | Action::Mouse
    )
}

/// Why the output can't be read this way.
fn reading(action: Action, model: &Model) -> Result<(), String> {
    let output = &model.output;
    if !model.reads() {
        let key = model.keymap.shown(Action::Zoom);
        return Err(format!("it is for the output: {key} goes there"));
    }
    match action {
        Action::NextHit | Action::PreviousHit | Action::HitsOnly if output.how.needle.is_none() => {
            let key = model.keymap.shown(Action::Filter);
            Err(format!("nothing is looked for: {key} does"))
        }
        Action::ScrollLeft | Action::ScrollRight if output.how.long == Long::Wrapped => {
            let key = model.keymap.shown(Action::Wrap);
            Err(format!("long lines go on in the next row: {key} cuts them"))
        }
        Action::CopyLine | Action::CopyLines | Action::Save if output.len() == 0 => {
            Err("no line is shown".to_owned())
        }
        _ => Ok(()),
    }
}

/// Why nobody can be told about the selected deployment afterwards.
fn afterwards(action: Action, model: &Model) -> Result<(), String> {
    if action != Action::Report && model.replay.is_some() {
        return Err(REFUSED.to_owned());
    }
    let id = screens::subject(model).ok_or("no deployment is selected")?;
    let known = model.view.as_ref().and_then(|view| view.summaries.get(&id));
    let summary = known.ok_or_else(|| format!("{id} is not kept any more"))?;
    if action == Action::Compare && screens::history::other(model, summary).is_none() {
        let mark = model.keymap.shown(Action::Mark);
        return Err(format!(
            "there is none before it in {}, and no other is marked: {mark} marks one",
            summary.group
        ));
    }
    Ok(())
}

/// Why one can't go somewhere, or arrange a list.
fn moving(action: Action, model: &Model) -> Result<(), String> {
    match action {
        Action::Raw | Action::Details => text::whole(model).map(|_| ()),
        Action::Requests if model.replay.is_some() => {
            Err(format!("{REFUSED}: nothing is sent from it"))
        }
        Action::Hosts if model.replay.is_some() => {
            Err(format!("{REFUSED}: nothing is known of the hosts"))
        }
        Action::Home if model.replay.is_some() => Err(format!("{REFUSED}: it has no home")),
        Action::History if model.replay.is_some() => {
            Err(format!("{REFUSED}: it is all of its history"))
        }
        Action::History if screens::here(model) == Address::History => {
            Err("this is the history of the whole project".to_owned())
        }
        Action::Home if model.screen == Screen::Home => Err("this is home".to_owned()),
        Action::Hosts if model.screen == Screen::Hosts => Err("these are the hosts".to_owned()),
        Action::Sort | Action::Invert => match List::with_keys(model) {
            None => Err("the output has its own order".to_owned()),
            Some(List::Home) => Err("what is urgent comes first here".to_owned()),
            Some(_) => Ok(()),
        },
        Action::Backward if model.trail.beside(false).is_none() => {
            Err("this is where you began".to_owned())
        }
        Action::Forward if model.trail.beside(true).is_none() => {
            Err("you have not gone back".to_owned())
        }
        Action::LastPlace if model.trail.last().is_none() => {
            Err("you have been nowhere else".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether an action is about what the screen of rollouts shows.
fn acts_on_a_rollout(action: Action) -> bool {
    if action == Action::Invite {
        return false;
    }
    let about_panes = matches!(
        action,
        Action::NextFailed
            | Action::PreviousFailed
            | Action::Linked
            | Action::Follow
            | Action::Zoom
            | Action::AllOutput
            | Action::NextPane
            | Action::PreviousPane
            | Action::PaneLeft
            | Action::PaneRight
    ) || matches!(action.entry().context, Context::Output | Context::Reading);
    about_panes || (action.entry().grade >= Grade::Asks && action.entry().context == Context::Main)
}

/// What an action wants of the selected deployment.
///
/// # Errors
/// If what it is about is not selected.
pub(crate) fn control(action: Action, model: &Model) -> Result<What, String> {
    let target = || {
        let selected = model.selected.instance.clone();
        selected.ok_or_else(|| "no instance is selected".to_owned())
    };
    Ok(match action {
        Action::Stop => What::Stop {
            auto_rollback: None,
        },
        Action::Pause if deployment(model)?.paused.is_some() => What::Resume,
        Action::Pause => What::Pause,
        Action::Retry => What::Retry { target: target()? },
        Action::Skip => What::Skip { target: target()? },
        Action::StartNext => What::StartNext { target: target()? },
        Action::GiveUp => What::GiveUp,
        Action::Reroute => What::Continue {
            before: Before::Reroute,
        },
        Action::Approve => What::Approve { step: None },
        Action::SkipWait => What::Continue {
            before: Before::Termination,
        },
        Action::ShareUp => share(deployment(model)?, STEP)?,
        Action::ShareDown => share(deployment(model)?, -STEP)?,
        // Which one is asked later: any other than it has.
        Action::Share => match share(deployment(model)?, 1)? {
            What::Weight { split } if Some(split) == deployment(model)?.split() => {
                share(deployment(model)?, -1)?
            }
            other => other,
        },
        _ => return Err("it changes no deployment".to_owned()),
    })
}

/// How many points a key moves a share by.
pub(crate) const STEP: i16 = 5;

/// A share so many points above the one that was asked for last, from nothing to all.
///
/// # Errors
/// If the deployment does not shift traffic by weight.
fn share(deployment: &Deployment, points: i16) -> Result<What, String> {
    let asked = deployment.split().ok_or(
        "it does not shift traffic by weight: its configuration has no trafficRoutingConfig",
    )?;
    Ok(What::Weight {
        split: moved(asked, points),
    })
}

/// A split so many points further, from nothing to all.
pub(crate) fn moved(split: Split, points: i16) -> Split {
    let share = (i16::from(split.replacement()) + points).clamp(0, 100);
    let share = u8::try_from(share).unwrap_or(0);
    Split::new(share).unwrap_or(split)
}

/// Whether the selected deployment can be steered like this.
fn steered(model: &Model, action: Action) -> Result<(), String> {
    let deployment = deployment(model)?;
    let control = Command::new(control(action, model)?, model.user.clone());
    let refused = refusal(deployment, &control).map(|refusal| refusal.to_string());
    let request = Request::Control {
        deployment: deployment.id().clone(),
        control,
    };
    permitted(model, &request, Where::Group(&deployment.group_key()))?;
    refused.map_or(Ok(()), Err)
}

/// Whether the person's role permits a request somewhere, as far as the door has told who they are: it has the last word.
/// And no lock is in the way.
fn permitted(model: &Model, request: &Request, place: Where<'_>) -> Result<(), String> {
    let view = model.view.as_ref();
    if let Some((view, person)) = view.and_then(|view| Some((view, view.person.as_ref()?))) {
        let (right, _) = need(&rights::Request::Command(request));
        let access = view.project.access.as_ref();
        if !may(access, person, right, place) {
            let place = match place {
                Where::Group(group) => group.to_string(),
                _ => "the whole project".to_owned(),
            };
            return Err(format!(
                "{} may not do this: it needs the role {} in {place}",
                model.user,
                right.least_role().name()
            ));
        }
    }
    match model.lock(request) {
        Some(environment) => Err(locked(model, &environment)),
        None => Ok(()),
    }
}

/// That the lock of the environment is in the way of an action, and what to do.
pub(crate) fn lock_in_the_way(action: Action, model: &Model) -> Option<String> {
    let reason = available(action, model).err()?;
    let (environment, _) = model.environment()?;
    (reason == locked(model, environment)).then_some(reason)
}

/// That an environment is locked, and what to do.
pub(crate) fn locked(model: &Model, environment: &Name) -> String {
    let key = model.keymap.shown(Action::Unlock);
    format!("{environment} is locked: {key} unlocks it")
}

/// Whether the environment of what is selected can be unlocked, or locked again.
fn unlockable(model: &Model) -> Result<(), String> {
    let (name, environment) = model
        .environment()
        .ok_or("what is selected stands in no environment")?;
    if !environment.is_locked() {
        return Err(format!("{name} has no lock"));
    }
    if model.unlocked.until(name, model.now).is_some() {
        return Ok(());
    }
    changeable(model)?;
    fresh(model)
}

/// Whether the selected host can be let join.
fn invitable(model: &Model) -> Result<(), String> {
    changeable(model)?;
    fresh(model)?;
    if model.screen != Screen::Hosts {
        let key = model.keymap.shown(Action::Hosts);
        return Err(format!("no host is selected: {key} shows them"));
    }
    let host = model.hosts.selected().ok_or("no host is selected")?;
    let mut hosts = model.view.iter().flat_map(|view| &view.project.hosts);
    if !hosts.any(|known| known.name == host) {
        return Err(format!(
            "{host} is in no document: a fleet or AWS has made it"
        ));
    }
    let request = Request::InviteHost {
        host,
        replace_key: false,
        authority: None,
        by: model.user.clone(),
    };
    permitted(model, &request, Where::Project)
}

fn changeable(model: &Model) -> Result<(), String> {
    if model.replay.is_some() {
        return Err(REFUSED.to_owned());
    }
    if model.is_read_only() {
        return Err(crate::api::gate::Closed::ReadOnly.to_string());
    }
    Ok(())
}

fn fresh(model: &Model) -> Result<(), String> {
    if model.is_stale() {
        return Err("what you see is old: wait until the connection is back".to_owned());
    }
    Ok(())
}

fn deployment(model: &Model) -> Result<&Deployment, String> {
    model.deployment().ok_or_else(|| {
        let message = match model.selected.deployment {
            Some(_) => "the deployment is still being fetched",
            None => "no deployment is selected",
        };
        message.to_owned()
    })
}

/// Whether a group can be deployed to.
///
/// # Errors
/// Why not.
pub(crate) fn deployable(model: &Model, group: &GroupKey) -> Result<(), String> {
    vacant(model, group)?;
    let known = model
        .view
        .as_ref()
        .and_then(|view| view.revisions.get(&group.application));
    if known.is_none_or(Vec::is_empty) {
        return Err(format!(
            "no revision of {} is known: `cutover push` registers one",
            group.application
        ));
    }
    Ok(())
}

fn vacant(model: &Model, group: &GroupKey) -> Result<(), String> {
    match model
        .ledger(group)
        .and_then(|ledger| ledger.active.as_ref())
    {
        Some(active) => Err(format!("{active} is still running in {group}")),
        None => Ok(()),
    }
}

fn reversible(model: &Model, deployment: &Deployment) -> Result<(), String> {
    let group = deployment.group_key();
    if deployment.start_time.is_none() {
        return Err(if deployment.status.is_terminal() {
            "it had not begun, so there is nothing to roll back".to_owned()
        } else {
            "it has not begun, so there is nothing to roll back: stop it".to_owned()
        });
    }
    if deployment.status.is_terminal() {
        vacant(model, &group)?;
    } else if deployment.spec.creator == Creator::CodeDeployRollback {
        return Err("it is a rollback itself, and those are not rolled back: stop it".to_owned());
    }
    if deployment.spec.is_blue_green() {
        return if deployment.status.is_terminal() {
            goal(model, deployment).map(|_| ())
        } else {
            rollback::way_back(deployment)
        };
    }
    let ledger = model.ledger(&group).cloned().unwrap_or_default();
    rollback::revision(deployment, &ledger)
        .map(|_| ())
        .ok_or_else(|| {
            format!("no other deployment of {group} succeeded, so there is nothing to go back to")
        })
}
