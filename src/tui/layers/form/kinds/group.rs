//! A new deployment group: what its platform does not ask for is not asked, and left out.

use super::words::{
    configuration, configurations, name, of_group, one_of, project, tags, tags_of_hosts, taken,
};
use super::{Blank, PLAIN};
use crate::model::application::ComputePlatform;
use crate::model::group::GroupKey;
use crate::model::yaml::Path;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::edit::New;
use crate::store::documents::edit::typed::{rollback, selection};
use crate::tui::layers::form::Values;
use crate::tui::model::Model;

const IN_PLACE: &str = "in-place";
const BLUE_GREEN: &str = "blue/green";

/// What is asked.
pub(super) const BLANKS: [Blank; 9] = [
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

/// The group that was described.
///
/// # Errors
/// If a field is wrong.
pub(super) fn make(model: &Model, values: Values<'_>) -> Result<New, String> {
    let key = GroupKey {
        application: name(values.get("application"))?,
        group: name(values.get("group"))?,
    };
    Ok(New::Group(key, fields(model, values)?))
}

/// The fields of a group besides its name.
fn fields(model: &Model, values: Values<'_>) -> Result<Vec<Change>, String> {
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
