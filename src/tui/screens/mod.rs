//! The screens, and the ways between them. Every place has an address; what a screen has for a cursor, a filter, an order
//! and a scroll position it keeps for when somebody comes back.
//!
//! ```text
//! home ──┬── rollouts: applications ▸ groups ▸ deployments ▸ instances ▸ output ▸ one event's output
//!        ├── hosts                                                    ▸ output of all instances
//!        ├── configurations
//!        └── history of the project, of a group, of a host
//! ```
//!
//! Enter goes in and Esc goes out: through the panes of a screen as far as the one by which it was entered, and then to the
//! screen below. A new screen is a file here, an address in `model/address.rs`, and a line in each match below.

pub(crate) mod configurations;
pub(crate) mod history;
pub(crate) mod home;
pub(crate) mod hosts;
pub(crate) mod places;

use super::layout::beside;
use super::lists::List;
use super::model::{Model, Pane};
use super::output::{Reach, Room};
use super::paint::Brush;
use super::panes;
use super::trail::Below;
use super::update::select_deployment;
use crate::api::place::Nowhere;
use crate::model::address::Address;
use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;

/// What fills the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// What needs a person, what runs, what ended.
    Home,
    /// Applications, groups and deployments, and everything about one deployment.
    Rollouts,
    /// Every host.
    Hosts,
    /// What was deployed when.
    History,
    /// Every deployment configuration.
    Configurations,
}

impl Screen {
    /// The screen that an address is on.
    fn of(address: &Address) -> Self {
        match address {
            Address::Home => Self::Home,
            Address::Hosts | Address::Host(_) => Self::Hosts,
            Address::History | Address::GroupHistory(_) | Address::HostHistory(_) => Self::History,
            Address::Configurations | Address::Configuration(_) => Self::Configurations,
            _ => Self::Rollouts,
        }
    }

    /// When it looks at the picture again although nothing happens.
    pub(crate) fn due(self, model: &Model) -> Option<Timestamp> {
        match self {
            Self::Home => model.home.due(model),
            Self::Rollouts | Self::Configurations => None,
            Self::Hosts => model.hosts.due(),
            Self::History => model.history.due(),
        }
    }

    /// Whether something on it changes every second by itself.
    pub(crate) fn moves(self, model: &Model) -> bool {
        match self {
            Self::Home => model.home.moves(),
            Self::Rollouts | Self::History | Self::Configurations => false,
            Self::Hosts => model.hosts.moves(model),
        }
    }
}

/// The address of what is seen.
pub(crate) fn here(model: &Model) -> Address {
    let selected = &model.selected;
    match model.screen {
        Screen::Home => Address::Home,
        Screen::Hosts => model.hosts.selected().map_or(Address::Hosts, Address::Host),
        Screen::History => model.history.address(),
        Screen::Configurations => {
            let selected = model.configurations.selected();
            selected.map_or(Address::Configurations, Address::Configuration)
        }
        Screen::Rollouts => {
            let deployment = selected.deployment.clone();
            let place = match (model.focus, deployment, selected.instance.clone()) {
                (Pane::Applications, ..) => None,
                (Pane::Output, Some(id), _) if model.output.how.reach == Reach::All => {
                    Some(Address::Output(id))
                }
                (Pane::Groups, ..) => selected.application.clone().map(Address::Application),
                (Pane::Output, Some(id), Some(name)) => Some(match model.output.only {
                    Some(event) => Address::Event(id, name, event),
                    None => Address::Instance(id, name),
                }),
                (Pane::Instances | Pane::Output, Some(id), _) => Some(Address::Deployment(id)),
                (Pane::Deployments | Pane::Instances | Pane::Output, ..) => {
                    selected.group.clone().map(Address::Group)
                }
            };
            place.unwrap_or(Address::Applications)
        }
    }
}

/// The deployment that is selected on the screen that is seen.
pub(crate) fn subject(model: &Model) -> Option<DeploymentId> {
    match model.screen {
        Screen::Home => match model.home.selected()? {
            Address::Deployment(id) | Address::Instance(id, _) | Address::Event(id, ..) => Some(id),
            _ => None,
        },
        Screen::Hosts | Screen::Configurations => None,
        Screen::History => model.history.selected().cloned(),
        Screen::Rollouts => model.selected.deployment.clone(),
    }
}

/// The deployment that the screen tells about: the selected one of the rollouts, or, where there is room beside a list for
/// that, what the row with the cursor is about.
pub(crate) fn about(model: &Model) -> Option<DeploymentId> {
    if tells_beside(model) {
        subject(model)
    } else {
        model.selected.deployment.clone()
    }
}

/// Whether the deployment that the row with the cursor is about is told beside its list.
pub(crate) fn tells_beside(model: &Model) -> bool {
    matches!(model.screen, Screen::Home | Screen::History) && beside(model).is_some()
}

/// What is above an address, home first: what Esc goes out of, one after the other.
pub(crate) fn way(model: &Model, address: &Address) -> Vec<Address> {
    let mut way = vec![address.clone()];
    let mut place = address.clone();
    while let Some(parent) = outer(model, &place) {
        way.push(parent.clone());
        place = parent;
    }
    way.reverse();
    way
}

/// What an address lies in: a deployment lies in its group.
fn outer(model: &Model, address: &Address) -> Option<Address> {
    if let Address::Deployment(id) = address {
        let summary = model.view.as_ref().and_then(|view| view.summaries.get(id));
        if let Some(summary) = summary {
            return Some(Address::Group(summary.group.clone()));
        }
    }
    address.parent()
}

/// Shows what is at an address, on the screen that it belongs to.
///
/// # Errors
/// If nothing is there; then nothing changes.
fn show(model: &mut Model, address: &Address) -> Result<(), Nowhere> {
    if let Some(view) = &model.view {
        view.find(address)?;
    }
    if model.replay.is_some() && Screen::of(address) != Screen::Rollouts {
        return Err(Nowhere::new("a replay shows a rollout, and nothing else"));
    }
    model.screen = Screen::of(address);
    let selected = &mut model.selected;
    match address {
        Address::Home | Address::Hosts | Address::Configurations => {}
        Address::Configuration(name) => model.configurations.put(name.clone()),
        Address::History | Address::GroupHistory(_) | Address::HostHistory(_) => {
            model.history.show(address);
        }
        Address::Host(name) => model.hosts.select(name.clone()),
        Address::Applications => model.focus = Pane::Applications,
        Address::Application(name) => {
            if selected.application.as_ref() != Some(name) {
                *selected = super::model::Selected {
                    application: Some(name.clone()),
                    ..super::model::Selected::default()
                };
            }
            model.focus = Pane::Groups;
        }
        Address::Group(group) => {
            if selected.group.as_ref() != Some(group) {
                *selected = super::model::Selected {
                    application: Some(group.application.clone()),
                    group: Some(group.clone()),
                    ..super::model::Selected::default()
                };
            }
            model.focus = Pane::Deployments;
        }
        Address::Deployment(id) => {
            select_deployment(model, id);
            model.focus = Pane::Instances;
        }
        Address::Output(id) => {
            select_deployment(model, id);
            model.focus = Pane::Output;
            model.output.how.reach = Reach::All;
            model.output.narrow(None);
        }
        Address::Instance(id, name) | Address::Event(id, name, _) => {
            select_deployment(model, id);
            model.selected.instance = Some(name.clone());
            model.focus = Pane::Output;
            model.output.how.reach = Reach::One;
            model.output.narrow(match address {
                Address::Event(_, _, event) => Some(*event),
                _ => None,
            });
        }
    }
    reveal(model);
    Ok(())
}

/// Widens the lists that would hide what is selected now.
pub(crate) fn reveal(model: &mut Model) {
    let lists = match model.screen {
        Screen::Home => &[][..],
        Screen::Hosts => &[List::Hosts],
        Screen::History => &[List::History],
        Screen::Configurations => &[List::Configurations],
        Screen::Rollouts => &[
            List::Applications,
            List::Groups,
            List::Deployments,
            List::Instances,
        ],
    };
    for list in lists {
        if !super::lists::shows_selected(model, *list) {
            model
                .arranged
                .narrow(*list, "", super::lists::filter::Mode::default());
        }
    }
}

/// Goes to an address from wherever somebody is, with that below.
///
/// # Errors
/// If nothing is there; then nothing changes.
pub(crate) fn visit(model: &mut Model, address: &Address) -> Result<(), Nowhere> {
    let from = Below {
        at: here(model),
        base: model.trail.base,
    };
    let before = model.screen;
    show(model, address)?;
    if model.screen == before {
        model.trail.base = model.trail.base.min(model.focus);
        return Ok(());
    }
    let below = &mut model.trail.below;
    match below.iter().position(|below| below.at == *address) {
        Some(known) => below.truncate(known),
        None => below.push(from),
    }
    model.trail.base = model.focus;
    settle(model);
    Ok(())
}

/// Goes out: to the pane before, or to the screen below.
pub(crate) fn leave(model: &mut Model) {
    if model.screen == Screen::Rollouts
        && model.output.only.is_some()
        && model.focus == Pane::Output
    {
        model.output.narrow(None);
        return;
    }
    if panes::output::fills(model) {
        model.output.how.room = Room::Pane;
        return;
    }
    if model.screen == Screen::Rollouts && model.focus > model.trail.base {
        model.focus = model.focus.before();
        return;
    }
    if model.replay.is_some() {
        model.focus = model.focus.before();
        return;
    }
    let here = here(model);
    while let Some(below) = model.trail.below.pop() {
        // Back and forward may have led here.
        if below.at != here && show(model, &below.at).is_ok() {
            model.trail.base = below.base;
            settle(model);
            return;
        }
    }
    model.screen = Screen::Home;
    settle(model);
}

/// Goes to where somebody was before, or was before that.
pub(crate) fn walk(model: &mut Model, forward: bool) {
    while let Some(place) = model.trail.step(forward) {
        match show(model, &place) {
            Ok(()) => return settle(model),
            Err(_) => model.trail.forget(&place, forward),
        }
    }
}

/// Home has nothing below it, and every screen opens from it.
fn settle(model: &mut Model) {
    if model.screen == Screen::Home {
        model.trail.below.clear();
        model.trail.base = Pane::Applications;
    }
}

/// Why there is nothing to go into.
pub(crate) fn nothing_inside(model: &Model) -> String {
    match model.screen {
        Screen::Hosts if model.hosts.selected().is_some() => {
            "nothing is known to have been deployed to this host".to_owned()
        }
        Screen::Configurations if model.configurations.selected().is_some() => {
            "no group uses this configuration".to_owned()
        }
        Screen::History if model.history.selected().is_some() => {
            "the deployment is not kept any more".to_owned()
        }
        _ => "nothing is selected".to_owned(),
    }
}

/// Draws the screen that is seen.
pub(crate) fn draw(model: &Model, brush: &mut Brush<'_>) {
    let layout = model.layout();
    match model.screen {
        _ if layout.tiny => panes::tiny::draw(model, &layout, brush),
        Screen::Home => home::draw(model, &layout, brush),
        Screen::Hosts => hosts::draw(model, brush),
        Screen::History => history::draw(model, brush),
        Screen::Configurations => configurations::draw(model, brush),
        Screen::Rollouts => {
            panes::lists::draw(model, &layout, brush);
            panes::rollout::draw(model, &layout, brush);
            panes::alarms::draw(model, &layout, brush);
            panes::instances::draw(model, &layout, brush);
            panes::output::draw(model, &layout, brush);
        }
    }
    if !layout.tiny {
        panes::scrub::draw(model, &layout, brush);
        panes::header::draw(model, &layout, brush);
        panes::footer::draw(model, &layout, brush);
    }
}
