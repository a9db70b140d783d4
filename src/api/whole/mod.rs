//! One thing, whole: as JSON, and in words. The command line prints it, and the cockpit shows it.

pub mod application;
pub mod configuration;
pub mod deployment;
pub mod group;
pub mod host;

use serde_json::Value;

use super::host::HostView;
use super::view::View;
use crate::engine::Deployment;
use crate::engine::deployment::Target;
use crate::model::address::Address;
use crate::model::application::Application;
use crate::model::configuration::DeploymentConfiguration;
use crate::model::group::DeploymentGroup;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;

/// A thing that can be shown whole.
#[derive(Clone, Copy, Debug)]
pub enum Whole<'a> {
    /// A deployment.
    Deployment(&'a Deployment),
    /// An instance of one.
    Instance(&'a Deployment, &'a Target),
    /// A deployment group.
    Group(&'a DeploymentGroup),
    /// An application.
    Application(&'a Name, &'a Application),
    /// A deployment configuration.
    Configuration(&'a Name, &'a DeploymentConfiguration),
    /// A host.
    Host(HostView<'a>),
}

impl<'a> Whole<'a> {
    /// What is at an address; nothing where there is no such thing, or the picture does not hold it whole.
    pub fn find(view: &'a View, address: &Address) -> Option<Self> {
        Some(match address {
            Address::Application(name) => {
                let (name, application) = view.project.applications.get_key_value(name)?;
                Self::Application(name, application)
            }
            Address::Group(key) | Address::GroupHistory(key) => {
                Self::Group(view.project.group(key)?)
            }
            Address::Deployment(id) | Address::Output(id) => {
                Self::Deployment(view.deployments.get(id)?)
            }
            Address::Instance(id, name) | Address::Event(id, name, _) => {
                let deployment = view.deployments.get(id)?;
                Self::Instance(deployment, deployment.target(name)?)
            }
            Address::Configuration(name) => {
                let (name, one) = view.project.configurations.get_key_value(name)?;
                Self::Configuration(name, one)
            }
            Address::Host(name) | Address::HostHistory(name) => Self::Host(view.host(name)?),
            Address::Home
            | Address::Applications
            | Address::Hosts
            | Address::History
            | Address::Configurations => return None,
        })
    }

    /// As programs read it.
    pub fn json(self, view: &View, now: Timestamp) -> Value {
        match self {
            Self::Deployment(one) => deployment::json(view, one, now),
            Self::Instance(_, target) => deployment::instance_json(target),
            Self::Group(one) => group::json(&view.project, one, Some(view)),
            Self::Application(_, one) => application::json(one),
            Self::Configuration(_, one) => configuration::json(one),
            Self::Host(one) => host::json(one),
        }
    }

    /// As people read it.
    pub fn lines(self, view: &View, now: Timestamp, clock: fn(Timestamp) -> String) -> Vec<String> {
        match self {
            Self::Deployment(one) => deployment::lines(view, one, now),
            Self::Instance(of, target) => deployment::instance_lines(of, target),
            Self::Group(one) => group::lines(&view.project, one, Some(view)),
            Self::Application(name, one) => application::lines(&view.project, name, one),
            Self::Configuration(name, one) => configuration::lines(&view.project, name, one),
            Self::Host(one) => host::lines(one, now, clock),
        }
    }
}
