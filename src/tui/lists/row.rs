//! A row of a list, as an id: what somebody points at is what was there when it was shown.

use super::{List, counts};
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::tui::model::Model;
use crate::tui::screens::home;

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Home(home::Id),
    Application(Name),
    Group(GroupKey),
    Deployment(DeploymentId),
    Instance(Name),
    Host(Name),
    /// A deployment in the history.
    Past(DeploymentId),
    Configuration(Name),
}

impl Row {
    /// The list that it belongs to.
    pub(crate) fn list(&self) -> List {
        match self {
            Self::Home(_) => List::Home,
            Self::Application(_) => List::Applications,
            Self::Group(_) => List::Groups,
            Self::Deployment(_) => List::Deployments,
            Self::Instance(_) => List::Instances,
            Self::Host(_) => List::Hosts,
            Self::Past(_) => List::History,
            Self::Configuration(_) => List::Configurations,
        }
    }
}

/// The row at a place of a list.
pub(crate) fn at(model: &Model, list: List, place: usize) -> Option<Row> {
    let lists = &model.lists;
    match list {
        List::Home => model.home.at(place).map(Row::Home),
        List::Applications => lists.applications.get(place).cloned().map(Row::Application),
        List::Groups => lists.groups.get(place).cloned().map(Row::Group),
        List::Deployments => lists.deployments.get(place).cloned().map(Row::Deployment),
        List::Instances => {
            let target = model.instances().get(place);
            target.map(|target| Row::Instance(target.name.clone()))
        }
        List::Hosts => model.hosts.at(place).map(Row::Host),
        List::History => model.history.at(place).map(Row::Past),
        List::Configurations => model.configurations.at(place).map(Row::Configuration),
    }
}

/// The row with the cursor.
pub(crate) fn selected(model: &Model, list: List) -> Option<Row> {
    let selected = &model.selected;
    match list {
        List::Home => model.home.cursor().map(Row::Home),
        List::Applications => selected.application.clone().map(Row::Application),
        List::Groups => selected.group.clone().map(Row::Group),
        List::Deployments => selected.deployment.clone().map(Row::Deployment),
        List::Instances => selected.instance.clone().map(Row::Instance),
        List::Hosts => model.hosts.selected().map(Row::Host),
        List::History => model.history.selected().cloned().map(Row::Past),
        List::Configurations => model.configurations.selected().map(Row::Configuration),
    }
}

/// The place of a row in its list, if it is there.
pub(crate) fn place(model: &Model, row: &Row) -> Option<usize> {
    if let Row::Instance(name) = row {
        return model.instances().row(model.deployment()?, name);
    }
    let list = row.list();
    let (shown, _) = counts(model, list);
    (0..shown).find(|place| at(model, list, *place).as_ref() == Some(row))
}

/// Puts the cursor on a row and the keys into its pane; answers whether it is still there.
pub(crate) fn select(model: &mut Model, row: &Row) -> bool {
    if place(model, row).is_none() {
        return false;
    }
    put(model, row);
    if let Some(pane) = row.list().pane() {
        model.focus = pane;
        model.trail.base = model.trail.base.min(pane);
    }
    true
}

/// Puts the cursor on a row. What is selected within another goes with that.
fn put(model: &mut Model, row: &Row) {
    if selected(model, row.list()).as_ref() == Some(row) {
        return;
    }
    let selected = &mut model.selected;
    match row.clone() {
        Row::Home(id) => model.home.put(id),
        Row::Host(name) => model.hosts.put(name),
        Row::Past(id) => model.history.put(id),
        Row::Configuration(name) => model.configurations.put(name),
        Row::Instance(name) => selected.instance = Some(name),
        Row::Deployment(id) => {
            selected.deployment = Some(id);
            selected.instance = None;
        }
        Row::Group(group) => {
            selected.group = Some(group);
            (selected.deployment, selected.instance) = (None, None);
        }
        Row::Application(name) => {
            *selected = crate::tui::model::Selected {
                application: Some(name),
                ..crate::tui::model::Selected::default()
            };
        }
    }
}
