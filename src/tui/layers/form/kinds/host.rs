//! A new host.

use super::words::{name, project, sorted, tags, tags_of_hosts, taken};
use super::{Blank, PLAIN};
use crate::store::documents::edit::New;
use crate::tui::layers::form::Values;

/// What is asked.
pub(super) const BLANKS: [Blank; 4] = [
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

/// The host that was described.
///
/// # Errors
/// If a field is wrong.
pub(super) fn make(values: Values<'_>) -> Result<New, String> {
    let zone = values.get("zone");
    Ok(New::Host {
        name: name(values.get("host"))?,
        address: values.get("address").to_owned(),
        tags: tags(values.get("tags"))?,
        zone: (!zone.is_empty()).then(|| zone.to_owned()),
    })
}
