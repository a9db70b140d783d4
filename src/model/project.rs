//! A project: everything an operator keeps in git, read and checked as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::access::Access;
use super::application::Application;
use super::approval::{Demanded, demanded};
use super::automatic::AutomaticDeployment;
use super::configuration::{DeploymentConfiguration, ONE_AT_A_TIME};
use super::connections::Connections;
use super::endpoint::Endpoint;
use super::environment::Environment;
use super::group::{DeploymentGroup, GroupKey, Selection};
use super::host::Host;
use super::limits::Limits;
use super::name::Name;
use super::secret::SecretSources;

/// The document `cutover.yaml` at the project's root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectDocument {
    /// The project's name, shown in the cockpit's header.
    pub name: Name,
    /// The machines with an agent.
    #[serde(default)]
    pub hosts: Vec<Host>,
    /// What the names of load balancers, alarms, trigger targets and fleets stand for.
    #[serde(default, skip_serializing_if = "Connections::is_empty")]
    pub connections: Connections,
    /// Where the secrets are kept that connections refer to.
    #[serde(default, skip_serializing_if = "SecretSources::is_empty")]
    pub secrets: SecretSources,
    /// Who may do what; without it only the owner of the orchestrating process, and root, come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// What groups can stand in, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Name, Environment>,
    /// Which groups are given by themselves what appears somewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub automatic_deployments: Vec<AutomaticDeployment>,
    /// How the program behaves for this project.
    #[serde(default)]
    pub settings: Settings,
}

/// Settings of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Where journal, history and output are kept, relative to the project; the user's state directory when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_directory: Option<String>,
    /// Refuse every change from cockpit and command line.
    #[serde(default)]
    pub read_only: bool,
    /// How long things may take, and how many there may be.
    #[serde(default)]
    pub limits: Limits,
    /// How alarms are watched.
    #[serde(default)]
    pub alarms: AlarmSettings,
    /// Where hooks call back; nowhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<HookSettings>,
}

/// Where hooks call back (`settings.hooks`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookSettings {
    /// Where the orchestrator listens for them: an address of the loopback, and a port.
    pub listen: Endpoint,
    /// Where hooks reach it if not there: the address of the reverse proxy before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl HookSettings {
    /// Where hooks are told to report.
    pub fn report_to(&self) -> String {
        let own = || format!("http://{}", self.listen);
        self.url.clone().unwrap_or_else(own)
    }
}

/// How alarms are watched (`settings.alarms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AlarmSettings {
    /// Seconds from one poll of an alarm to the next, at least 1; an alarm may have an interval of its own.
    pub interval_seconds: u32,
}

impl Default for AlarmSettings {
    fn default() -> Self {
        Self {
            interval_seconds: 15,
        }
    }
}

/// A whole project, with every reference resolved: groups name existing applications and configurations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// The project's name.
    pub name: Name,
    /// Settings of `cutover.yaml`.
    pub settings: Settings,
    /// Hosts in the order of the document.
    pub hosts: Vec<Host>,
    /// What the names of load balancers, alarms, trigger targets and fleets stand for.
    #[serde(default, skip_serializing_if = "Connections::is_empty")]
    pub connections: Connections,
    /// Where the secrets are kept that connections refer to.
    #[serde(default, skip_serializing_if = "SecretSources::is_empty")]
    pub secrets: SecretSources,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// What groups can stand in, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<Name, Environment>,
    /// Which groups are given by themselves what appears somewhere. It has the name that it has in the document.
    #[serde(
        default,
        rename = "automaticDeployments",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub automatic_deployments: Vec<AutomaticDeployment>,
    /// Applications by name.
    pub applications: BTreeMap<Name, Application>,
    /// Groups, sorted by application and name.
    pub groups: Vec<DeploymentGroup>,
    /// Predefined and custom configurations by name.
    pub configurations: BTreeMap<Name, DeploymentConfiguration>,
}

impl Project {
    /// The predefined configuration that any number of hosts can be deployed under.
    pub fn one_at_a_time(&self) -> Option<&DeploymentConfiguration> {
        let mut all = self.configurations.values();
        all.find(|one| one.deployment_config_name.as_str() == ONE_AT_A_TIME)
    }

    /// The group at this address.
    pub fn group(&self, key: &GroupKey) -> Option<&DeploymentGroup> {
        self.groups.iter().find(|group| {
            group.application_name == key.application && group.deployment_group_name == key.group
        })
    }

    /// The hosts that are selected, in the order of the document.
    pub fn selected(&self, selection: Selection) -> impl Iterator<Item = &Host> {
        let hosts = self.hosts.iter();
        hosts.filter(move |host| selection.selects(host))
    }

    /// The hosts that a group's document selects, in the order of the document.
    pub fn members(&self, group: &DeploymentGroup) -> impl Iterator<Item = &Host> {
        self.selected(group.selection())
    }

    /// How many approvals each step of a deployment to this group waits for.
    pub fn approvals(&self, key: &GroupKey) -> Demanded {
        let access = self.access.as_ref();
        access.map_or_else(Demanded::new, |access| demanded(&access.approvals, key))
    }

    /// The environment that a group stands in.
    pub fn environment(&self, key: &GroupKey) -> Option<(&Name, &Environment)> {
        let name = self.group(key)?.environment.as_ref()?;
        self.environments.get_key_value(name)
    }

    /// What a group follows.
    pub fn automatic_deployment(&self, key: &GroupKey) -> Option<&AutomaticDeployment> {
        let mut all = self.automatic_deployments.iter();
        all.find(|one| one.key() == *key)
    }

    /// The host of this name.
    pub fn host(&self, name: &Name) -> Option<&Host> {
        self.hosts.iter().find(|host| &host.name == name)
    }
}
