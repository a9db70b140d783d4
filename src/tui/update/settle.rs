//! After every message: lists, selection and scroll positions fit the picture again, and what is selected is on its way.

use super::whole;
use crate::engine::{Deployment, Summary};
use crate::model::deployment::{DeploymentId, TargetStatus};
use crate::model::group::{DeploymentGroup, GroupKey};
use crate::model::name::Name;
use crate::tui::ahead::Ahead;
use crate::tui::calm::Calm;
use crate::tui::changes::Changes;
use crate::tui::choices::Choices;
use crate::tui::effect::Effect;
use crate::tui::layers;
use crate::tui::lists::List;
use crate::tui::lists::facts::{self, Facts, Key};
use crate::tui::model::{Lists, Model, Pane};
use crate::tui::output::{Reach, Whose};
use crate::tui::panes::output::told;
use crate::tui::panes::wait;
use crate::tui::remaining::Left;
use crate::tui::screens::{self, Screen};
use crate::tui::session::Start;
use crate::tui::widgets::list::scroll;

/// Makes the model whole.
pub(crate) fn settle(model: &mut Model) -> Vec<Effect> {
    model.messages.settle(model.now);
    for environment in model.unlocked.expire(model.now) {
        model.say(format!("{environment} is locked again"));
    }
    let mut effects = Vec::new();
    let (narrowed, sorted) = (model.arranged.take_narrowed(), model.arranged.take_sorted());
    if model.view.is_some() {
        begin(model);
        start(model);
        expected(model);
        select(model, narrowed);
    }
    effects.extend(screen(model, narrowed, sorted));
    if model.view.is_some() {
        effects.extend(whole::fetch(model));
        instance(model);
        arrange_instances(model, narrowed, sorted);
        shown_instance(model);
        remember(model);
        effects.extend(servers(model));
        effects.extend(look(model));
        whole::release(model);
        effects.extend(follow(model));
    }
    if model.focus != Pane::Output {
        model.output.narrow(None);
    }
    keep_up(model);
    positions(model);
    if model.view.is_some() {
        let here = screens::here(model);
        model.trail.record(&here);
    }
    layers::refresh(model);
    effects
}

/// Lets the screen that is seen look at the picture again.
fn screen(model: &mut Model, narrowed: Option<List>, sorted: Option<List>) -> Option<Effect> {
    let changed = |list| [narrowed, sorted].contains(&Some(list));
    match model.screen {
        Screen::Home => {
            let mut home = std::mem::take(&mut model.home);
            home.refresh(model, changed(List::Home));
            model.home = home;
        }
        Screen::Hosts => {
            let mut hosts = std::mem::take(&mut model.hosts);
            let typed = !model.arranged.of(List::Hosts).filter.is_empty();
            let narrowed = narrowed == Some(List::Hosts) && typed;
            hosts.refresh(model, changed(List::Hosts), narrowed);
            model.hosts = hosts;
        }
        Screen::History => {
            let mut history = std::mem::take(&mut model.history);
            let typed = !model.arranged.of(List::History).filter.is_empty();
            let narrowed = narrowed == Some(List::History) && typed;
            history.refresh(model, changed(List::History), narrowed);
            let asks = history.ask(model);
            model.history = history;
            return asks;
        }
        Screen::Configurations => {
            let mut configurations = std::mem::take(&mut model.configurations);
            configurations.refresh(model, narrowed == Some(List::Configurations));
            model.configurations = configurations;
        }
        Screen::Rollouts => {}
    }
    None
}

/// The cockpit has just opened: begins where something runs, else where something was deployed last.
fn begin(model: &mut Model) {
    if !model.trail.is_empty() {
        return;
    }
    let Some(view) = &model.view else { return };
    let running = view
        .running()
        .next()
        .map(|summary| summary.deployment_id.clone());
    if let Some(id) = running.or_else(|| view.newest.first().cloned()) {
        super::select_deployment(model, &id);
    }
}

/// Goes to the deployment that this person asked for, as soon as it is known.
fn expected(model: &mut Model) {
    let known = model.expected.take_if(|id| {
        model
            .view
            .as_ref()
            .is_some_and(|view| view.summaries.contains_key(id))
    });
    if let Some(id) = known {
        super::select_deployment(model, &id);
    }
}

/// Goes to where the cockpit was asked to open.
fn start(model: &mut Model) {
    let Some(start) = model.start.take() else {
        return;
    };
    let (Start::Asked(address) | Start::Remembered(address)) = &start;
    model.screen = Screen::Home;
    let nowhere = screens::visit(model, address).err();
    if let (Some(nowhere), Start::Asked(_)) = (nowhere, &start) {
        model.complain(nowhere.to_string());
    }
}

/// Lists, and a selection wherever there is none or what was selected is gone.
fn select(model: &mut Model, narrowed: Option<List>) {
    let Some(view) = &model.view else { return };
    let (selected, arranged, cursors) = (&mut model.selected, &model.arranged, &model.cursors);
    let column =
        |list: List, column: usize| list.columns().get(column).copied().unwrap_or_default();
    let old = std::mem::take(&mut model.lists);
    let mut lists = Lists {
        instances: old.instances,
        arranged: old.arranged,
        ..Lists::default()
    };
    let applications: Vec<Name> = view.project.applications.keys().cloned().collect();
    lists.all[0] = applications.len();
    lists.applications = arranged.of(List::Applications).arrange(
        applications,
        kept(selected.application.as_ref(), narrowed, List::Applications),
        |name| facts::application(view, name),
        |name, _| facts::application_key(view, name),
    );
    keep(&mut selected.application, &lists.applications, None);
    let groups = view.project.groups.iter();
    let groups =
        groups.filter(|group| Some(&group.application_name) == selected.application.as_ref());
    let groups: Vec<GroupKey> = groups.map(DeploymentGroup::key).collect();
    lists.all[1] = groups.len();
    lists.groups = arranged.of(List::Groups).arrange(
        groups,
        kept(selected.group.as_ref(), narrowed, List::Groups),
        |key| facts::group(view, key),
        |key, by| facts::group_key(view, key, column(List::Groups, by)),
    );
    let application = selected.application.as_ref();
    let before = application.and_then(|application| cursors.group(application));
    keep(&mut selected.group, &lists.groups, before);
    let summary = |id: &DeploymentId| view.summaries.get(id);
    let of_group = |id: &&DeploymentId| {
        summary(id).is_some_and(|s: &Summary| Some(&s.group) == selected.group.as_ref())
    };
    let deployments: Vec<DeploymentId> = view.newest.iter().filter(of_group).cloned().collect();
    lists.all[2] = deployments.len();
    let present = model.now;
    lists.deployments = arranged.of(List::Deployments).arrange(
        deployments,
        kept(selected.deployment.as_ref(), narrowed, List::Deployments),
        |id| summary(id).map_or_else(Facts::default, |s| facts::deployment(view, s)),
        |id, by| {
            let by = column(List::Deployments, by);
            summary(id).map_or(Key::Number(0), |s| {
                facts::deployment_key(view, s, present, by)
            })
        },
    );
    let before = selected.deployment.clone();
    let group = selected.group.as_ref();
    let last = group.and_then(|group| cursors.deployment(view, group));
    keep(&mut selected.deployment, &lists.deployments, last);
    if selected.deployment != before {
        selected.instance = None;
    }
    model.lists = lists;
}

/// What stays in a list although it fits its filter no more: what is selected, unless something else was typed.
fn kept<Id>(selected: Option<&Id>, narrowed: Option<List>, list: List) -> Option<&Id> {
    selected.filter(|_| narrowed != Some(list))
}

fn arrange_instances(model: &mut Model, narrowed: Option<List>, sorted: Option<List>) {
    let arrangement = model.arranged.of(List::Instances);
    let Some(deployment) = model.deployment() else {
        return;
    };
    if arrangement.is_plain() {
        (model.lists.instances, model.lists.arranged) = (None, None);
        return;
    }
    let asked = [narrowed, sorted].contains(&Some(List::Instances));
    let id = deployment.id();
    let made = model.lists.arranged.as_ref().filter(|(of, ..)| of == id);
    let fits = made.is_some_and(|(_, calm)| calm.stands(deployment.seq, model.now));
    let selected = model.selected.instance.as_ref();
    let position = selected.and_then(|name| deployment.position(name));
    if fits && !asked {
        return;
    }
    let (by, now) = (
        List::Instances.columns().get(arrangement.column),
        model.present(),
    );
    let shown = arrangement.arrange(
        (0..deployment.targets.len()).collect(),
        position
            .as_ref()
            // What was found in another deployment has to fit here.
            .filter(|_| made.is_some() && narrowed != Some(List::Instances)),
        |position| facts::instance(deployment, *position),
        |position, _| {
            let target = deployment.targets.get(*position);
            let by = by.copied().unwrap_or_default();
            target.map_or(Key::Number(0), |target| {
                facts::instance_key(target, now, by)
            })
        },
    );
    let mut calm = Calm::default();
    calm.made(deployment.seq, model.now);
    model.lists.arranged = Some((id.clone(), calm));
    model.lists.instances = Some(shown);
}

/// An instance that is not on the screen is not selected: no key may act on it.
fn shown_instance(model: &mut Model) {
    let (Some(deployment), shown) = (model.deployment(), model.instances()) else {
        return;
    };
    let selected = model.selected.instance.as_ref();
    if selected.is_none_or(|name| shown.row(deployment, name).is_none()) {
        model.selected.instance = shown.get(0).map(|target| target.name.clone());
    }
}

/// Keeps a selection that is still there; else takes what was selected here before, or the first.
fn keep<T: Clone + PartialEq>(selected: &mut Option<T>, ids: &[T], before: Option<&T>) {
    if selected.as_ref().is_none_or(|id| !ids.contains(id)) {
        let before = before.filter(|id| ids.contains(id));
        *selected = before.or(ids.first()).cloned();
    }
}

/// Remembers what is selected, for when somebody comes back.
fn remember(model: &mut Model) {
    let mut cursors = std::mem::take(&mut model.cursors);
    if let Some(view) = &model.view {
        cursors.remember(&model.selected, view, model.deployment());
    }
    model.cursors = cursors;
}

fn instance(model: &mut Model) {
    let Some(deployment) = model.deployment() else {
        return;
    };
    let gone = model
        .selected
        .instance
        .as_ref()
        .is_none_or(|name| deployment.target(name).is_none());
    if gone {
        let (id, missed) = (deployment.id().clone(), model.selected.instance.clone());
        let before = model.cursors.instance(deployment).cloned();
        model.selected.instance = before.or_else(|| interesting(deployment));
        if let Some(name) = missed {
            model.complain(format!("{name} takes no part in {id}"));
        }
        model.scroll.instances = 0;
    }
}

/// The instance to look at first: one that failed, else one at work, else the first.
fn interesting(deployment: &Deployment) -> Option<Name> {
    let failed = || {
        deployment
            .targets
            .iter()
            .find(|t| t.status == TargetStatus::Failed)
    };
    let at_work = || {
        deployment
            .in_flight
            .first()
            .and_then(|&position| deployment.targets.get(position))
    };
    let target = (deployment.overview.failed > 0).then(failed).flatten();
    target
        .or_else(at_work)
        .or(deployment.targets.first())
        .map(|target| target.name.clone())
}

/// Asks for the servers of the selected deployment when its load balancers were looked at again.
fn servers(model: &mut Model) -> Option<Effect> {
    let deployment = model.deployment()?;
    let id = deployment.id().clone();
    let look = model.gauge(deployment)?.status.at;
    let asks = model.servers.ask(&id, look, model.now);
    asks.then_some(Effect::Servers(id))
}

/// What is told about a deployment besides its state.
fn look(model: &mut Model) -> Option<Effect> {
    let mut causes = std::mem::take(&mut model.causes);
    let mut pace = std::mem::take(&mut model.pace);
    let mut ahead = std::mem::take(&mut model.ahead);
    let mut changes = std::mem::take(&mut model.changes);
    let mut left = std::mem::take(&mut model.left);
    let mut wanted = None;
    if let Some(deployment) = model.told() {
        causes.refresh(deployment);
        pace.refresh(deployment, model.now);
        ahead.refresh(deployment, model.present());
        changes.refresh(model, deployment);
        wanted = left.refresh(model, deployment);
    } else {
        ahead = Ahead::default();
        changes = Changes::default();
        left = Left::default();
    }
    model.causes = causes;
    model.pace = pace;
    model.ahead = ahead;
    model.changes = changes;
    model.left = left;
    // These are about what was found here.
    let mut choices = std::mem::take(&mut model.choices);
    match model.told().filter(|_| wait::is_drawn(model)) {
        Some(deployment) => choices.refresh(model, deployment),
        None => choices = Choices::default(),
    }
    model.choices = choices;
    wanted.map(Effect::Fetch)
}

/// Asks for the output of what is selected.
fn follow(model: &mut Model) -> Vec<Effect> {
    if model.replay.is_some() {
        return Vec::new();
    }
    let reach = model.output.how.reach;
    let wanted = model.deployment().and_then(|deployment| {
        let instance = match reach {
            Reach::One => Some(model.selected.instance.clone()?),
            Reach::All => None,
        };
        let deployment = deployment.id().clone();
        Some(Whose {
            deployment,
            instance,
        })
    });
    let mut effects = Vec::new();
    if model.output.of != wanted {
        model.output.turn_to(wanted);
        effects.push(Effect::Unfollow);
    }
    let mut output = std::mem::take(&mut model.output);
    if let Some(deployment) = model.deployment() {
        let id = deployment.id().clone();
        for (target, after) in output.unopened(deployment) {
            model.requests += 1;
            let stream = model.requests;
            output.opened(&target, stream);
            effects.push(Effect::Follow {
                stream,
                deployment: id.clone(),
                target,
                after,
            });
        }
    }
    model.output = output;
    effects
}

/// Output is read from a time on that goes on with the deployment.
fn keep_up(model: &mut Model) {
    let over = model
        .deployment()
        .and_then(|deployment| deployment.complete_time);
    let now = over.unwrap_or(model.present());
    let event = model.target().and_then(|target| told(model, target));
    let event = event.map(|entry| entry.event);
    model.output.keep_up(now, event);
}

fn positions(model: &mut Model) {
    let layout = model.layout();
    let rows = |pane| layout.rows(pane);
    let at = |found: Option<usize>, top, length, pane| scroll(top, found, length, rows(pane));
    let (lists, selected) = (&model.lists, &model.selected);
    let old = model.scroll;
    let place = |wanted: &Option<_>, ids: &[_]| {
        wanted
            .as_ref()
            .and_then(|id| ids.iter().position(|other| other == id))
    };
    let application = place(&selected.application, &lists.applications);
    let group = selected
        .group
        .as_ref()
        .and_then(|id| lists.groups.iter().position(|other| other == id));
    let deployment = selected
        .deployment
        .as_ref()
        .and_then(|id| lists.deployments.iter().position(|other| other == id));
    let shown = model.instances();
    let instance = model
        .deployment()
        .and_then(|d| shown.row(d, selected.instance.as_ref()?));
    let instances = shown.len();
    model.scroll.applications = at(
        application,
        old.applications,
        lists.applications.len(),
        Pane::Applications,
    );
    model.scroll.groups = at(group, old.groups, lists.groups.len(), Pane::Groups);
    model.scroll.deployments = at(
        deployment,
        old.deployments,
        lists.deployments.len(),
        Pane::Deployments,
    );
    model.scroll.instances = at(instance, old.instances, instances, Pane::Instances);
}
