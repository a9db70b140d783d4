//! Whether an address leads anywhere: one answer for `cutover open` and for the cockpit.

use super::view::View;
use crate::model::address::Address;
use crate::model::deployment::DeploymentId;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::yaml::nearest;

/// Nothing is at an address. Its text says what there is instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Nowhere(String);

impl Nowhere {
    /// With what there is instead.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl View {
    /// Finds what is at an address. Instances of a deployment that is not held whole are taken to be there.
    ///
    /// # Errors
    /// If nothing is there.
    pub fn find(&self, address: &Address) -> Result<(), Nowhere> {
        match address {
            Address::Home
            | Address::Applications
            | Address::Hosts
            | Address::History
            | Address::Configurations => Ok(()),
            Address::Configuration(name) => {
                let known = &self.project.configurations;
                found(known.contains_key(name), || {
                    let help = help(
                        name.as_str(),
                        known.keys(),
                        "`cutover open configurations` shows them",
                    );
                    format!("there is no configuration {name}: {help}")
                })
            }
            Address::Application(name) => self.find_application(name),
            // A group that is gone may have a history.
            Address::GroupHistory(group)
                if self.summaries.values().any(|of| of.group == *group) =>
            {
                Ok(())
            }
            Address::Group(group) | Address::GroupHistory(group) => self.find_group(group),
            Address::Deployment(id) | Address::Output(id) => self.find_deployment(id),
            Address::Instance(id, name) | Address::Event(id, name, _) => {
                self.find_deployment(id)?;
                self.find_instance(id, name)
            }
            Address::Host(name) | Address::HostHistory(name) => {
                let known = self.project.hosts.iter().map(|host| &host.name);
                found(self.project.host(name).is_some(), || {
                    let help = help(name.as_str(), known, "`cutover hosts` shows them");
                    format!("there is no host {name}: {help}")
                })
            }
        }
    }

    fn find_application(&self, name: &Name) -> Result<(), Nowhere> {
        let known = &self.project.applications;
        found(known.contains_key(name), || {
            let help = help(
                name.as_str(),
                known.keys(),
                "`cutover list applications` shows them",
            );
            format!("there is no application {name}: {help}")
        })
    }

    fn find_group(&self, group: &GroupKey) -> Result<(), Nowhere> {
        found(self.project.group(group).is_some(), || {
            let known = self
                .project
                .groups
                .iter()
                .map(|group| group.key().to_string());
            let help = help(
                &group.to_string(),
                known,
                "`cutover list groups` shows them",
            );
            format!("there is no deployment group {group}: {help}")
        })
    }

    fn find_deployment(&self, id: &DeploymentId) -> Result<(), Nowhere> {
        found(self.summaries.contains_key(id), || {
            let known = self.newest.iter().map(DeploymentId::as_str);
            let help = help(id.as_str(), known, "`cutover list deployments` shows them");
            format!("there is no deployment {id}: {help}")
        })
    }

    fn find_instance(&self, id: &DeploymentId, name: &Name) -> Result<(), Nowhere> {
        let Some(deployment) = self.deployments.get(id) else {
            return Ok(());
        };
        found(deployment.target(name).is_some(), || {
            let known = deployment.targets.iter().map(|target| &target.name);
            let other = format!("`cutover show {id}` shows them");
            format!(
                "{name} takes no part in {id}: {}",
                help(name.as_str(), known, &other)
            )
        })
    }
}

fn found(is: bool, why: impl FnOnce() -> String) -> Result<(), Nowhere> {
    if is { Ok(()) } else { Err(Nowhere(why())) }
}

fn help<T: AsRef<str>>(wrong: &str, known: impl Iterator<Item = T>, otherwise: &str) -> String {
    nearest(wrong, known).unwrap_or_else(|| otherwise.to_owned())
}
