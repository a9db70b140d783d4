//! AppSpecs of the three platforms: read or refused with findings that have their place, always in the same way.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use cutover::appspec::{self, Finding, Review, catalogue, ecs, lambda, server};
use cutover::model::application::ComputePlatform;
use cutover::model::lifecycle::LifecycleEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{files, is_in, kind};
use crate::engine::Target;

pub static TARGET: Target = Target {
    name: "appspec",
    seeds: || {
        let kinds = ["accepted", "rejected", "lambda", "ecs", "mixed"];
        let endings = [".yml", ".yaml", ".json"];
        let all = kinds.map(|kind| {
            endings
                .map(|ending| files(&format!("tests/appspec/{kind}"), ending))
                .concat()
        });
        all.concat()
    },
    examine,
};

fn examine(bytes: &[u8]) -> Result<String, String> {
    let text = match appspec::decode(bytes) {
        Ok(text) => text,
        Err(finding) => return Ok(format!("{} {}", finding.id, kind(&finding.message))),
    };
    let said = [
        judged(&text, server::review, server_is_safe)?,
        judged(&text, lambda::review, |read| {
            let version = read.function.target_version;
            if version == 0 || read.function.current_version == Some(version) {
                return Err(format!("{:?} is nothing to shift", read.function));
            }
            same_again(read)?;
            hooks_are_right(&read.hooks, ComputePlatform::Lambda)
        })?,
        judged(&text, ecs::review, |read| {
            if read.service.load_balancer_info.container_port == 0 {
                return Err("there is no port 0".to_owned());
            }
            same_again(read)?;
            hooks_are_right(&read.hooks, ComputePlatform::Ecs)
        })?,
    ];
    // Servers have always ignored what they do not know, so that theirs may have resources besides.
    let [_, function, service] = said.each_ref().map(|said| said.starts_with("read"));
    if function && service {
        return Err("it is an AppSpec for Lambda and for ECS".to_owned());
    }
    if (function || service) && appspec::platform(&text).is_none() {
        return Err("it is read, but does not say its platform".to_owned());
    }
    if let (Some(_), Some(_)) = (appspec::platform(&text), appspec::undecided(&text)) {
        return Err("it says its platform and does not".to_owned());
    }
    Ok(said.join("; "))
}

/// What one platform makes of a text.
fn judged<A: PartialEq>(
    text: &str,
    review: fn(&str) -> Review<A>,
    is_right: fn(&A) -> Result<(), String>,
) -> Result<String, String> {
    let read = review(text);
    if review(text) != read {
        return Err("the same text was read in two ways".to_owned());
    }
    for finding in read.errors.iter().chain(&read.warnings) {
        if catalogue::find(finding.id).is_none() {
            return Err(format!("{} is not in the catalogue", finding.id));
        }
        let place = finding.position;
        place.map_or(Ok(()), |place| is_in(text, place.line, place.column))?;
    }
    let ids = |findings: &[Finding]| {
        let mut ids: Vec<_> = findings.iter().map(|one| one.id).collect();
        ids.dedup();
        ids.join(" ")
    };
    match (&read.appspec, read.errors.first()) {
        (None, None) => Err("refused for no reason".to_owned()),
        (_, Some(first)) => Ok(format!(
            "refused {} {}",
            ids(&read.errors),
            kind(&first.message)
        )),
        (Some(appspec), None) => {
            is_right(appspec)?;
            Ok(format!("read {}", ids(&read.warnings)))
        }
    }
}

/// Nothing of it leaves the revision, or leads to where nobody said.
fn server_is_safe(appspec: &server::AppSpec) -> Result<(), String> {
    let leaves = |path: &Path| path.components().any(|part| part == Component::ParentDir);
    let files = appspec.files.iter().map(|file| &file.destination);
    let objects = appspec.permissions.iter().map(|one| &one.object);
    for path in files.chain(objects) {
        if !path.is_absolute() || leaves(path) {
            return Err(format!("{} is not an absolute path", path.display()));
        }
    }
    for hook in appspec.hooks.values().flatten() {
        if hook.path.is_absolute() || leaves(&hook.path) {
            return Err(format!("{} leaves the revision", hook.path.display()));
        }
    }
    Ok(())
}

/// What is kept in a journal comes back as it was.
fn same_again<A: Serialize + DeserializeOwned + PartialEq>(read: &A) -> Result<(), String> {
    let written = serde_json::to_string(read).map_err(|error| error.to_string())?;
    let again: A = serde_json::from_str(&written).map_err(|error| error.to_string())?;
    if again == *read {
        Ok(())
    } else {
        Err(format!("{written} was read otherwise"))
    }
}

fn hooks_are_right(
    hooks: &BTreeMap<LifecycleEvent, String>,
    platform: ComputePlatform,
) -> Result<(), String> {
    for (event, name) in hooks {
        let has = LifecycleEvent::of(platform).contains(event) && event.carries_hooks();
        if !has || name.is_empty() || name.contains(['/', ' ', '\n']) {
            return Err(format!("{event} calls {name:?}"));
        }
    }
    Ok(())
}
