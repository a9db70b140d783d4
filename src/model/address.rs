//! Addresses: where somebody looks. The cockpit prints them, `cutover open` and go-to read them, and people send them.
//!
//! ```text
//! home                             what needs a person
//! applications                     every application
//! shop                             the deployment groups of an application
//! shop/production                  the deployments of a group
//! d-7F3KQ21XB                      a deployment
//! d-7F3KQ21XB/:output              what all of its instances wrote, in the order of its time
//! d-7F3KQ21XB/web-5                one of its instances
//! d-7F3KQ21XB/web-5/AfterInstall   what one event wrote there
//! hosts                            every host
//! hosts/web-5                      a host
//! history                          every deployment, the newest first
//! history/shop/production          those of a group
//! history/hosts/web-5              what a host was given
//! configurations                   every deployment configuration
//! configurations/FewAtATime        one of them
//! ```
//!
//! An application whose name means something else here is written behind `applications/`. No name has a colon, so that no
//! instance is taken for `:output`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::deployment::DeploymentId;
use super::freeze::Scope;
use super::group::GroupKey;
use super::lifecycle::LifecycleEvent;
use super::name::{Name, NameError};

/// A place in a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// What needs a person.
    Home,
    /// Every application.
    Applications,
    /// The deployment groups of an application.
    Application(Name),
    /// The deployments of a group.
    Group(GroupKey),
    /// A deployment.
    Deployment(DeploymentId),
    /// What all instances of a deployment wrote.
    Output(DeploymentId),
    /// An instance of a deployment.
    Instance(DeploymentId, Name),
    /// What one lifecycle event of an instance wrote.
    Event(DeploymentId, Name, LifecycleEvent),
    /// Every host.
    Hosts,
    /// A host.
    Host(Name),
    /// Every deployment, the newest first.
    History,
    /// Every deployment of a group.
    GroupHistory(GroupKey),
    /// What a host was given.
    HostHistory(Name),
    /// Every deployment configuration.
    Configurations,
    /// A deployment configuration.
    Configuration(Name),
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has more parts than an address of its kind, or an empty one.
    #[error(
        "{0:?} is no address: write home, applications, hosts, history, configurations, APP, APP/GROUP, or a deployment's id with /INSTANCE and /EVENT or /:output behind it"
    )]
    Shape(String),
    /// A part of it is no name.
    #[error("{0:?} in the address: {1}")]
    Name(String, NameError),
    /// The last part is no lifecycle event.
    #[error(
        "{0:?} in the address is no lifecycle event: the first column of `cutover show` lists them"
    )]
    Event(String),
}

const HOME: &str = "home";
const APPLICATIONS: &str = "applications";
const HOSTS: &str = "hosts";
const OUTPUT: &str = ":output";
const HISTORY: &str = "history";
const CONFIGURATIONS: &str = "configurations";

impl Address {
    /// What it lies in; nothing for home, in which everything lies.
    pub fn parent(&self) -> Option<Self> {
        Some(match self {
            Self::Home => return None,
            Self::Applications
            | Self::Deployment(_)
            | Self::Hosts
            | Self::History
            | Self::Configurations => Self::Home,
            Self::Application(_) => Self::Applications,
            Self::Group(group) => Self::Application(group.application.clone()),
            Self::Instance(id, _) | Self::Output(id) => Self::Deployment(id.clone()),
            Self::Event(id, name, _) => Self::Instance(id.clone(), name.clone()),
            Self::Host(_) => Self::Hosts,
            Self::Configuration(_) => Self::Configurations,
            Self::GroupHistory(_) | Self::HostHistory(_) => Self::History,
        })
    }

    /// The list that it is, or that it is a row of, where rows open no place of their own: a cursor that moves there goes nowhere.
    pub fn list(&self) -> Option<Self> {
        match self {
            Self::Hosts | Self::Host(_) => Some(Self::Hosts),
            Self::Configurations | Self::Configuration(_) => Some(Self::Configurations),
            _ => None,
        }
    }

    /// The last part of its text: what it is called where it is clear what it lies in.
    pub fn label(&self) -> String {
        match self {
            Self::Application(name)
            | Self::Instance(_, name)
            | Self::Host(name)
            | Self::HostHistory(name)
            | Self::Configuration(name) => name.to_string(),
            Self::Group(group) => group.group.to_string(),
            Self::Event(_, _, event) => event.name().to_owned(),
            Self::Output(_) => OUTPUT.to_owned(),
            Self::GroupHistory(group) => group.to_string(),
            Self::Home
            | Self::Applications
            | Self::Deployment(_)
            | Self::Hosts
            | Self::History
            | Self::Configurations => self.to_string(),
        }
    }
}

impl From<&Scope> for Address {
    fn from(scope: &Scope) -> Self {
        match (&scope.application, &scope.group) {
            (Some(application), Some(group)) => Self::Group(GroupKey {
                application: application.clone(),
                group: group.clone(),
            }),
            (Some(application), None) => Self::Application(application.clone()),
            (None, _) => Self::Applications,
        }
    }
}

/// Whether an application of this name has to be told from what else the text means.
fn is_taken(name: &Name) -> bool {
    let text = name.as_str();
    let taken = [HOME, APPLICATIONS, HOSTS, HISTORY, CONFIGURATIONS];
    taken.contains(&text) || text.parse::<DeploymentId>().is_ok()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let application = |name: &Name| {
            if is_taken(name) {
                format!("{APPLICATIONS}/{name}")
            } else {
                name.to_string()
            }
        };
        let group =
            |group: &GroupKey| format!("{}/{}", application(&group.application), group.group);
        let text = match self {
            Self::Home => HOME.to_owned(),
            Self::Applications => APPLICATIONS.to_owned(),
            Self::Application(name) => application(name),
            Self::Group(key) => group(key),
            Self::Deployment(id) => id.to_string(),
            Self::Output(id) => format!("{id}/{OUTPUT}"),
            Self::Instance(id, name) => format!("{id}/{name}"),
            Self::Event(id, name, event) => format!("{id}/{name}/{event}"),
            Self::Hosts => HOSTS.to_owned(),
            Self::Host(name) => format!("{HOSTS}/{name}"),
            Self::History => HISTORY.to_owned(),
            Self::GroupHistory(key) => format!("{HISTORY}/{}", group(key)),
            Self::HostHistory(name) => format!("{HISTORY}/{HOSTS}/{name}"),
            Self::Configurations => CONFIGURATIONS.to_owned(),
            Self::Configuration(name) => format!("{CONFIGURATIONS}/{name}"),
        };
        f.pad(&text)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let name = |part: &str| -> Result<Name, AddressError> {
            let name = part.parse();
            name.map_err(|error| AddressError::Name(part.to_owned(), error))
        };
        let event = |part: &str| {
            let known = LifecycleEvent::try_from(Cow::Borrowed(part)).ok();
            let known = known.filter(|event| !matches!(event, LifecycleEvent::Custom(_)));
            known.ok_or_else(|| AddressError::Event(part.to_owned()))
        };
        let group = |application: &str, group: &str| {
            Ok(GroupKey {
                application: name(application)?,
                group: name(group)?,
            })
        };
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(AddressError::Shape(text.to_owned()));
        }
        let id: Option<DeploymentId> = parts.first().and_then(|first| first.parse().ok());
        match (id, parts.as_slice()) {
            (Some(id), [_]) => Ok(Self::Deployment(id)),
            (Some(id), [_, OUTPUT]) => Ok(Self::Output(id)),
            (Some(id), [_, instance]) => Ok(Self::Instance(id, name(instance)?)),
            (Some(id), [_, instance, last]) => Ok(Self::Event(id, name(instance)?, event(last)?)),
            (None, [HOME]) => Ok(Self::Home),
            (None, [APPLICATIONS]) => Ok(Self::Applications),
            (None, [HOSTS]) => Ok(Self::Hosts),
            (None, [HOSTS, host]) => Ok(Self::Host(name(host)?)),
            (None, [APPLICATIONS, application]) => Ok(Self::Application(name(application)?)),
            (None, [APPLICATIONS, application, of]) => Ok(Self::Group(group(application, of)?)),
            (None, [CONFIGURATIONS]) => Ok(Self::Configurations),
            (None, [CONFIGURATIONS, one]) => Ok(Self::Configuration(name(one)?)),
            (None, [HISTORY]) => Ok(Self::History),
            (None, [HISTORY, HOSTS, host]) => Ok(Self::HostHistory(name(host)?)),
            (None, [HISTORY, application, of] | [HISTORY, APPLICATIONS, application, of]) => {
                Ok(Self::GroupHistory(group(application, of)?))
            }
            (None, [first, ..]) if [HOME, HISTORY].contains(first) => {
                Err(AddressError::Shape(text.to_owned()))
            }
            (None, [application]) => Ok(Self::Application(name(application)?)),
            (None, [application, of]) => Ok(Self::Group(group(application, of)?)),
            _ => Err(AddressError::Shape(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_is_read_and_written() {
        let all = [
            "home",
            "applications",
            "shop",
            "shop/production",
            "d-7F3KQ21XB",
            "d-7F3KQ21XB/:output",
            "d-7F3KQ21XB/output",
            "d-7F3KQ21XB/web-5",
            "d-7F3KQ21XB/web-5/AfterInstall",
            "hosts",
            "hosts/web-5",
            "applications/hosts",
            "configurations",
            "configurations/CodeDeployDefault.OneAtATime",
            "applications/configurations",
            "applications/configurations/production",
            "history",
            "history/shop/production",
            "history/hosts/web-5",
            "history/applications/hosts/web-5",
            "applications/history/production",
            "applications/d-7F3KQ21XB/production",
        ];
        for text in all {
            assert_eq!(address(text).to_string(), text);
        }
        assert_eq!(address("applications/shop").to_string(), "shop");
        assert_eq!(address("applications/shop/test").to_string(), "shop/test");
    }

    #[test]
    fn what_is_none_says_why() {
        let wrong = |text: &str| text.parse::<Address>().unwrap_err().to_string();
        for text in [
            "",
            "/",
            "shop/",
            "/shop",
            "a/b/c",
            "home/shop",
            "history/shop",
            "history/a/b/c",
            "hosts/a/b",
            "d-7F3KQ21XB/a/Install/b",
        ] {
            assert!(wrong(text).contains("is no address: write home"), "{text}");
        }
        assert!(wrong("my shop").contains("not ' '"));
        assert!(wrong("d-7F3KQ21XB/a/Instal").contains("no lifecycle event"));
        assert!(wrong("\u{1b}[2J").contains("\\u{1b}"));
    }

    #[test]
    fn everything_lies_in_home() {
        let mut place = address("applications/d-7F3KQ21XB/x");
        let mut way = vec![place.label()];
        while let Some(parent) = place.parent() {
            place = parent;
            way.push(place.label());
        }
        assert_eq!(way, ["x", "d-7F3KQ21XB", "applications", "home"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(application in "[a-z]{1,3}|home|hosts|history|applications|d-7F3KQ21XB", group in "[a-z]{1,3}|home|hosts") {
            let application: Name = application.parse().unwrap();
            let group: Name = group.parse().unwrap();
            for address in [
                Address::Application(application.clone()),
                Address::Host(group.clone()),
                Address::HostHistory(group.clone()),
                Address::GroupHistory(GroupKey { application: application.clone(), group: group.clone() }),
                Address::Group(GroupKey { application, group }),
            ] {
                prop_assert_eq!(address.to_string().parse::<Address>().unwrap(), address);
            }
        }
    }
}
