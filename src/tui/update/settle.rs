//! After every message: lists, selection and scroll positions fit the picture again, and what is selected is on its way.

use crate::engine::Deployment;
use crate::model::deployment::TargetStatus;
use crate::model::name::Name;
use crate::tui::ahead::Ahead;
use crate::tui::changes::Changes;
use crate::tui::effect::Effect;
use crate::tui::layers;
use crate::tui::model::{Fetch, Lists, Model, Pane};
use crate::tui::output::Output;
use crate::tui::widgets::list::scroll;

/// Makes the model whole.
pub(crate) fn settle(model: &mut Model) -> Vec<Effect> {
    if model
        .toast
        .as_ref()
        .and_then(|toast| toast.until)
        .is_some_and(|until| until <= model.now)
    {
        model.toast = None;
    }
    let mut effects = Vec::new();
    if model.view.is_some() {
        begin(model);
        expected(model);
        select(model);
        effects.extend(fetch(model));
        instance(model);
        effects.extend(servers(model));
        look(model);
        effects.extend(follow(model));
    }
    positions(model);
    layers::refresh(model);
    effects
}

/// Nothing was selected yet: begins where something runs, else where something was deployed last.
fn begin(model: &mut Model) {
    if model.selected.application.is_some() {
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

/// Lists, and a selection wherever there is none or what was selected is gone.
fn select(model: &mut Model) {
    let Some(view) = &model.view else { return };
    let selected = &mut model.selected;
    let mut lists = Lists {
        applications: view.project.applications.keys().cloned().collect(),
        ..Lists::default()
    };
    keep(&mut selected.application, &lists.applications);
    lists.groups = view
        .project
        .groups
        .iter()
        .filter(|group| Some(&group.application_name) == selected.application.as_ref())
        .map(|group| crate::model::group::GroupKey {
            application: group.application_name.clone(),
            group: group.deployment_group_name.clone(),
        })
        .collect();
    keep(&mut selected.group, &lists.groups);
    lists.deployments = view
        .newest
        .iter()
        .filter(|id| {
            view.summaries
                .get(id)
                .is_some_and(|summary| Some(&summary.group) == selected.group.as_ref())
        })
        .cloned()
        .collect();
    let before = selected.deployment.clone();
    keep(&mut selected.deployment, &lists.deployments);
    if selected.deployment != before {
        selected.instance = None;
    }
    model.lists = lists;
}

/// Keeps a selection that is still there; else takes the first.
fn keep<T: Clone + PartialEq>(selected: &mut Option<T>, ids: &[T]) {
    if selected.as_ref().is_none_or(|id| !ids.contains(id)) {
        *selected = ids.first().cloned();
    }
}

fn fetch(model: &mut Model) -> Option<Effect> {
    let wanted = model.selected.deployment.clone()?;
    if model.view.as_ref()?.deployments.contains_key(&wanted) {
        return None;
    }
    let asked = match &model.fetch {
        Some(Fetch::Running(id) | Fetch::Failed(id, _)) => *id == wanted,
        None => false,
    };
    if asked {
        return None;
    }
    model.fetch = Some(Fetch::Running(wanted.clone()));
    Some(Effect::Fetch(wanted))
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
        model.selected.instance = interesting(deployment);
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

/// What is told about the selected deployment besides its state.
fn look(model: &mut Model) {
    let mut causes = std::mem::take(&mut model.causes);
    let mut ahead = std::mem::take(&mut model.ahead);
    let mut changes = std::mem::take(&mut model.changes);
    if let Some(deployment) = model.deployment() {
        causes.refresh(deployment);
        ahead.refresh(deployment, model.present());
        changes.refresh(model, deployment);
    } else {
        ahead = Ahead::default();
        changes = Changes::default();
    }
    model.causes = causes;
    model.ahead = ahead;
    model.changes = changes;
}

fn follow(model: &mut Model) -> Option<Effect> {
    if model.replay.is_some() {
        return None;
    }
    let wanted = model
        .deployment()
        .and_then(|deployment| Some((deployment.id().clone(), model.selected.instance.clone()?)));
    if model.output.of == wanted {
        return None;
    }
    let number = model.request();
    model.output = Output {
        of: wanted.clone(),
        number,
        ..Output::default()
    };
    Some(match wanted {
        Some((deployment, target)) => Effect::Follow {
            stream: number,
            deployment,
            target,
            after: 0,
        },
        None => Effect::Unfollow,
    })
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
    let instance = model
        .deployment()
        .and_then(|d| d.position(selected.instance.as_ref()?));
    let instances = model.deployment().map_or(0, |d| d.targets.len());
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
