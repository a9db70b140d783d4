//! What forms ask, and what they make of it.

use super::Values;
use crate::api::command::Deploy;
use crate::model::application::ComputePlatform;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::revision::RegisteredRevision;
use crate::model::yaml::Path;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::RESERVED;
use crate::store::documents::edit::New;
use crate::store::documents::edit::typed::{Pace, Tag, healthy, rollback, selection};
use crate::tui::action::available::deployable;
use crate::tui::model::Model;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Application,
    Group,
    Deployment,
    Configuration,
    Host,
}

/// What a form makes.
pub(super) enum Made {
    /// Something for the documents.
    New(Box<New>),
    /// A deployment, which is previewed.
    Deploy(Box<Deploy>),
}

/// A field of a form.
#[derive(Debug)]
pub(super) struct Blank {
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// Whether it takes several words.
    pub many: bool,
    /// What stands in it at first.
    pub first: fn(&Model) -> String,
    /// Whether it is asked for, as the others are filled in.
    pub asked: fn(&Model, Values<'_>) -> bool,
    /// What may stand in it, or in one of its words.
    pub choices: fn(&Model, Values<'_>) -> Vec<String>,
    /// What is wrong with what was typed.
    pub check: fn(&str, &Model, Values<'_>) -> Result<(), String>,
}

/// A field that is always asked for, is empty at first and takes anything.
const PLAIN: Blank = Blank {
    name: "",
    about: "",
    many: false,
    first: |_| String::new(),
    asked: |_, _| true,
    choices: |_, _| Vec::new(),
    check: |_, _, _| Ok(()),
};

const APPLICATION: [Blank; 2] = [
    Blank {
        name: "application",
        about: "what it is called; its folder is called so too",
        check: |typed, model, _| {
            let name = name(typed)?;
            let known = project(model).is_some_and(|it| it.applications.contains_key(&name));
            taken(known, "an application", &name)
        },
        ..PLAIN
    },
    Blank {
        name: "platform",
        about: "what its deployments act on; it never changes",
        first: |_| ComputePlatform::Server.name().to_owned(),
        choices: |_, _| PLATFORMS.map(|it| it.name().to_owned()).into(),
        check: |typed, _, _| platform(typed).map(|_| ()),
        ..PLAIN
    },
];

const GROUP: [Blank; 9] = [
    Blank {
        name: "application",
        about: "whose deployments it gets",
        first: |model| {
            let selected = model.selected.application.as_ref();
            selected.map_or_else(String::new, ToString::to_string)
        },
        choices: |model, _| {
            let applications = project(model).map(|it| it.applications.keys());
            applications
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect()
        },
        check: |typed, model, _| {
            let name = name(typed)?;
            let known = project(model).is_some_and(|it| it.applications.contains_key(&name));
            if known {
                Ok(())
            } else {
                Err(format!("there is no application {name}"))
            }
        },
        ..PLAIN
    },
    Blank {
        name: "group",
        about: "what it is called; its file is called so too",
        check: |typed, model, values| {
            let key = GroupKey {
                application: name(values.get("application"))?,
                group: name(typed)?,
            };
            let known = project(model).is_some_and(|it| it.group(&key).is_some());
            taken(known, "a deployment group", &key)
        },
        ..PLAIN
    },
    Blank {
        name: "type",
        about: "where the new revision is installed",
        first: |_| IN_PLACE.to_owned(),
        asked: |model, values| of_group(model, values) == ComputePlatform::Server,
        choices: |_, _| vec![IN_PLACE.to_owned(), BLUE_GREEN.to_owned()],
        check: |typed, _, _| one_of(typed, &[IN_PLACE, BLUE_GREEN]),
        ..PLAIN
    },
    Blank {
        name: "load balancer",
        about: "what gives its instances the traffic, as cutover.yaml calls it",
        asked: |model, values| of_group(model, values) == ComputePlatform::Server,
        choices: |model, _| {
            let known = project(model).map(|it| it.connections.load_balancers.iter());
            let known = known.into_iter().flatten();
            known.map(|one| one.name.clone()).collect()
        },
        check: |typed, _, values| {
            if typed.is_empty() && values.get("type") == BLUE_GREEN {
                return Err("blue/green moves the traffic of a load balancer".to_owned());
            }
            Ok(())
        },
        ..PLAIN
    },
    Blank {
        name: "configuration",
        about: "how fast it goes; the platform's usual one, if you type none",
        choices: configurations,
        check: configuration,
        ..PLAIN
    },
    Blank {
        name: "tags",
        about: "KEY=VALUE: a host needs one value of every key",
        many: true,
        asked: |model, values| of_group(model, values) == ComputePlatform::Server,
        choices: |model, _| tags_of_hosts(model),
        check: |typed, _, _| tags(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "service",
        about: "CLUSTER/SERVICE: whose tasks are replaced",
        asked: |model, values| of_group(model, values) == ComputePlatform::Ecs,
        check: |typed, _, _| match typed.split_once('/') {
            Some((cluster, service)) if !cluster.is_empty() && !service.is_empty() => Ok(()),
            _ => Err("expected CLUSTER/SERVICE".to_owned()),
        },
        ..PLAIN
    },
    Blank {
        name: "roll back on",
        about: "when a deployment is rolled back by itself; never, if you type nothing",
        many: true,
        choices: |_, _| ["failure", "alarm", "request"].map(str::to_owned).into(),
        check: |typed, _, _| {
            let events: Vec<&str> = typed.split_whitespace().collect();
            rollback(&Path::root(), &events).map(|_| ())
        },
        ..PLAIN
    },
    Blank {
        name: "outdated",
        about: "what happens to instances that missed a deployment; UPDATE, if you type nothing",
        asked: |model, values| of_group(model, values) == ComputePlatform::Server,
        choices: |_, _| ["UPDATE", "IGNORE"].map(str::to_owned).into(),
        check: |typed, _, _| match typed {
            "" => Ok(()),
            typed => one_of(typed, &["UPDATE", "IGNORE"]),
        },
        ..PLAIN
    },
];

const DEPLOYMENT: [Blank; 4] = [
    Blank {
        name: "group",
        about: "where it is deployed",
        first: |model| {
            let selected = model.selected.group.as_ref();
            selected.map_or_else(String::new, ToString::to_string)
        },
        choices: |model, _| {
            let groups = project(model).map(|it| it.groups.iter());
            let groups = groups.into_iter().flatten();
            groups.map(|group| group.key().to_string()).collect()
        },
        check: |typed, model, _| match key(typed) {
            Some(key) if project(model).is_some_and(|it| it.group(&key).is_some()) => {
                deployable(model, &key)
            }
            _ => Err("expected a deployment group, such as shop/production".to_owned()),
        },
        ..PLAIN
    },
    Blank {
        name: "revision",
        about: "what is deployed",
        choices: |model, values| {
            let known = revisions(model, values);
            known.map(|it| it.revision.label.clone()).collect()
        },
        check: |typed, model, values| revision(typed, model, values).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "configuration",
        about: "how fast it goes; the group's own, if you type none",
        choices: configurations,
        check: configuration,
        ..PLAIN
    },
    Blank {
        name: "description",
        about: "what it is for, for those who look later",
        ..PLAIN
    },
];

const CONFIGURATION: [Blank; 5] = [
    Blank {
        name: "configuration",
        about: "what it is called; its file is called so too. It is for Server",
        check: |typed, model, _| {
            let name = name(typed)?;
            if typed.starts_with(RESERVED) {
                return Err(format!("only predefined ones start with {RESERVED}"));
            }
            let known = project(model).is_some_and(|it| it.configurations.contains_key(&name));
            taken(known, "a configuration", &name)
        },
        ..PLAIN
    },
    Blank {
        name: "minimum healthy",
        about: "how many instances must stay healthy: 75% of them, or 3",
        check: |typed, _, _| healthy(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "zone watched",
        about: "the seconds that each zone is watched, to go zone by zone",
        check: |typed, _, _| seconds(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "first zone",
        about: "the seconds that the first zone is watched, if others",
        check: |typed, _, _| seconds(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "healthy in each",
        about: "how many instances of each zone must stay healthy: 50% of them, or 1",
        check: |typed, _, _| match typed {
            "" => Ok(()),
            typed => healthy(typed).map(|_| ()),
        },
        ..PLAIN
    },
];

const HOST: [Blank; 4] = [
    Blank {
        name: "host",
        about: "what it is called here, and says itself when it joins",
        check: |typed, model, _| {
            let name = name(typed)?;
            let hosts = project(model).map(|it| it.hosts.iter());
            let known = hosts.into_iter().flatten().any(|host| host.name == name);
            taken(known, "a host", &name)
        },
        ..PLAIN
    },
    Blank {
        name: "address",
        about: "where its agent listens: https://HOST:PORT",
        first: |_| "https://".to_owned(),
        check: |typed, _, _| match typed.split_once("://") {
            Some(("https" | "http", rest)) if !rest.is_empty() => Ok(()),
            _ => Err("expected an address such as https://10.0.0.7:7420".to_owned()),
        },
        ..PLAIN
    },
    Blank {
        name: "tags",
        about: "KEY=VALUE: groups select hosts by them",
        many: true,
        choices: |model, _| tags_of_hosts(model),
        check: |typed, _, _| tags(typed).map(|_| ()),
        ..PLAIN
    },
    Blank {
        name: "zone",
        about: "its availability zone, if it has one",
        choices: |model, _| {
            let hosts = project(model).map(|it| it.hosts.iter());
            let zones = hosts.into_iter().flatten();
            sorted(zones.filter_map(|host| host.zone.clone()))
        },
        ..PLAIN
    },
];

const IN_PLACE: &str = "in-place";
const BLUE_GREEN: &str = "blue/green";
const PLATFORMS: [ComputePlatform; 3] = [
    ComputePlatform::Server,
    ComputePlatform::Lambda,
    ComputePlatform::Ecs,
];

impl Kind {
    /// Everything that can be made.
    pub(super) const ALL: [Self; 5] = [
        Self::Application,
        Self::Group,
        Self::Deployment,
        Self::Configuration,
        Self::Host,
    ];

    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Group => "deployment group",
            Self::Deployment => "deployment",
            Self::Configuration => "deployment configuration",
            Self::Host => "host",
        }
    }

    /// What it is.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Application => "what is deployed, on one compute platform",
            Self::Group => "where an application is deployed together",
            Self::Deployment => {
                "a revision to a group, with another configuration or a description"
            }
            Self::Configuration => "how many instances at a time, and how many stay healthy",
            Self::Host => "a machine with an agent, in cutover.yaml",
        }
    }

    /// What is asked.
    pub(super) fn blanks(self) -> &'static [Blank] {
        match self {
            Self::Application => &APPLICATION,
            Self::Group => &GROUP,
            Self::Deployment => &DEPLOYMENT,
            Self::Configuration => &CONFIGURATION,
            Self::Host => &HOST,
        }
    }

    /// What is to be made of what was typed.
    ///
    /// # Errors
    /// If a field is wrong.
    pub(super) fn make(self, model: &Model, values: Values<'_>) -> Result<Made, String> {
        let new = match self {
            Self::Deployment => {
                let deploy = deployment(model, values)?;
                return Ok(Made::Deploy(Box::new(deploy)));
            }
            Self::Application => New::Application {
                name: name(values.get("application"))?,
                platform: platform(values.get("platform"))?,
            },
            Self::Group => {
                let key = GroupKey {
                    application: name(values.get("application"))?,
                    group: name(values.get("group"))?,
                };
                New::Group(key, group(model, values)?)
            }
            Self::Configuration => {
                let some = |typed: &str| match typed {
                    "" => Ok(None),
                    typed => healthy(typed).map(Some),
                };
                let pace = Pace {
                    minimum_healthy: some(values.get("minimum healthy"))?,
                    per_zone: some(values.get("healthy in each"))?,
                    monitor: seconds(values.get("zone watched"))?,
                    first_zone_monitor: seconds(values.get("first zone"))?,
                };
                let name = name(values.get("configuration"))?;
                New::Configuration(name, pace.changes(&Path::root()))
            }
            Self::Host => {
                let zone = values.get("zone");
                New::Host {
                    name: name(values.get("host"))?,
                    address: values.get("address").to_owned(),
                    tags: tags(values.get("tags"))?,
                    zone: (!zone.is_empty()).then(|| zone.to_owned()),
                }
            }
        };
        Ok(Made::New(Box::new(new)))
    }
}

fn deployment(model: &Model, values: Values<'_>) -> Result<Deploy, String> {
    let group = key(values.get("group")).ok_or("no deployment group is named")?;
    let found = revision(values.get("revision"), model, values)?;
    let mut deploy = model.deploy(group, found.revision.digest.to_string());
    let named = values.get("configuration");
    if !named.is_empty() {
        deploy.configuration = Some(name(named)?);
    }
    values
        .get("description")
        .clone_into(&mut deploy.description);
    Ok(deploy)
}

/// The fields of a group besides its name. What its platform does not ask for is left out.
fn group(model: &Model, values: Values<'_>) -> Result<Vec<Change>, String> {
    let root = Path::root();
    let text = |field: &str, text: &str| Change::Set(root.key(field), Content::text(text));
    let platform = of_group(model, values);
    let mut fields = Vec::new();
    if platform == ComputePlatform::Server {
        fields.extend(style(&root, values));
    }
    let configuration = values.get("configuration");
    if !configuration.is_empty() {
        fields.push(text("deploymentConfigName", configuration));
    }
    if platform == ComputePlatform::Server {
        let tags = tags(values.get("tags"))?;
        if !tags.is_empty() {
            fields.push(selection(&root, &tags));
        }
        let outdated = values.get("outdated");
        if !outdated.is_empty() {
            fields.push(text("outdatedInstancesStrategy", outdated));
        }
    }
    if let Some((cluster, service)) = values.get("service").split_once('/')
        && platform == ComputePlatform::Ecs
    {
        let service = Content::mapping([
            ("clusterName", Content::text(cluster)),
            ("serviceName", Content::text(service)),
        ]);
        fields.push(Change::Append(root.key("ecsServices"), service));
    }
    let events: Vec<&str> = values.words("roll back on").collect();
    if !events.is_empty() {
        fields.extend(rollback(&root, &events)?);
    }
    Ok(fields)
}

/// Where a group of servers gets the new revision, and who gives it the traffic.
fn style(root: &Path, values: Values<'_>) -> Vec<Change> {
    let style = root.key("deploymentStyle");
    let mut fields = Vec::new();
    if values.get("type") == BLUE_GREEN {
        let kind = style.key("deploymentType");
        fields.push(Change::Set(kind, Content::text("BLUE_GREEN")));
    }
    let balancer = values.get("load balancer");
    if !balancer.is_empty() {
        let option = style.key("deploymentOption");
        fields.push(Change::Set(option, Content::text("WITH_TRAFFIC_CONTROL")));
        let list = root.key("loadBalancerInfo").key("targetGroupInfoList");
        let one = Content::mapping([("name", Content::text(balancer))]);
        fields.push(Change::Append(list, one));
    }
    fields
}

fn project(model: &Model) -> Option<&Project> {
    model.view.as_ref().map(|view| &view.project)
}

/// `shop/production`
fn key(typed: &str) -> Option<GroupKey> {
    let (application, group) = typed.split_once('/')?;
    Some(GroupKey {
        application: application.parse().ok()?,
        group: group.parse().ok()?,
    })
}

/// The application that was typed, by itself or with its group.
fn application(values: Values<'_>) -> Option<Name> {
    let typed = match values.get("application") {
        "" => values.get("group").split('/').next().unwrap_or_default(),
        typed => typed,
    };
    typed.parse().ok()
}

/// The revisions of the application that was typed, the newest first.
fn revisions<'a>(
    model: &'a Model,
    values: Values<'_>,
) -> impl Iterator<Item = &'a RegisteredRevision> + use<'a> {
    let known = application(values).and_then(|name| model.view.as_ref()?.revisions.get(&name));
    known.into_iter().flatten()
}

fn revision<'a>(
    typed: &str,
    model: &'a Model,
    values: Values<'_>,
) -> Result<&'a RegisteredRevision, String> {
    let mut known = revisions(model, values);
    let found = known.find(|it| it.revision.label == typed);
    found.ok_or_else(|| match typed {
        "" => "which revision is missing".to_owned(),
        typed => format!("no revision is called {typed}: `cutover push` registers one"),
    })
}

fn configurations(model: &Model, values: Values<'_>) -> Vec<String> {
    let platform = of_group(model, values);
    let all = project(model).map(|it| it.configurations.values());
    all.into_iter()
        .flatten()
        .filter(|it| it.compute_platform == platform)
        .map(|it| it.deployment_config_name.to_string())
        .collect()
}

fn configuration(typed: &str, model: &Model, values: Values<'_>) -> Result<(), String> {
    if typed.is_empty() || configurations(model, values).iter().any(|it| it == typed) {
        return Ok(());
    }
    let platform = of_group(model, values).name();
    Err(format!("there is no configuration {typed} for {platform}"))
}

/// The platform of the application that was typed; Server, before it is known.
fn of_group(model: &Model, values: Values<'_>) -> ComputePlatform {
    let named = application(values);
    let application = named.and_then(|name| project(model)?.applications.get(&name));
    application.map_or(ComputePlatform::Server, |it| it.compute_platform)
}

fn name(typed: &str) -> Result<Name, String> {
    typed
        .parse()
        .map_err(|error: crate::model::name::NameError| error.to_string())
}

fn taken(known: bool, kind: &str, name: impl std::fmt::Display) -> Result<(), String> {
    if known {
        return Err(format!("there is {kind} {name} already"));
    }
    Ok(())
}

fn platform(typed: &str) -> Result<ComputePlatform, String> {
    let found = PLATFORMS
        .into_iter()
        .find(|it| it.name().eq_ignore_ascii_case(typed));
    found.ok_or_else(|| "expected Server, Lambda or ECS".to_owned())
}

fn one_of(typed: &str, all: &[&str]) -> Result<(), String> {
    if all.contains(&typed) {
        return Ok(());
    }
    Err(format!("expected {}", all.join(" or ")))
}

fn seconds(typed: &str) -> Result<Option<u64>, String> {
    if typed.is_empty() {
        return Ok(None);
    }
    let wrong = |_| "expected a number of seconds, such as 300".to_owned();
    typed.parse().map(Some).map_err(wrong)
}

fn tags(typed: &str) -> Result<Vec<Tag>, String> {
    typed
        .split_whitespace()
        .map(|tag| {
            let wrong = |_| format!("expected KEY=VALUE, such as role=web, not {tag}");
            tag.parse().map_err(wrong)
        })
        .collect()
}

fn tags_of_hosts(model: &Model) -> Vec<String> {
    let hosts = project(model).map(|it| it.hosts.iter());
    let tags = hosts.into_iter().flatten().flat_map(|host| &host.tags);
    sorted(tags.map(|(key, value)| format!("{key}={value}")))
}

fn sorted(all: impl Iterator<Item = String>) -> Vec<String> {
    let unique: std::collections::BTreeSet<String> = all.collect();
    unique.into_iter().collect()
}
