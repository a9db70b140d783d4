//! What is kept of past deployments: five archives a group, never without the installed one, and the bundles of those.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::layout::{DeploymentDir, Layout, Pointer};
use super::unpack::remove_tree;
use crate::clock;
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::revision::{Digest, Revision};
use crate::model::timestamp::Timestamp;
use crate::store::bundles::Bundles;

/// How many archives of a group are kept, the current one included.
const REVISIONS: usize = 5;

/// A bundle that no archive needs is kept this long, because it may have been sent for an order that is yet to come.
const SPARE: Duration = Duration::from_hours(24);

/// What a deployment's folder says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Whose deployment it was.
    pub application_name: Name,
    /// The group's name; its id is the folder's.
    pub deployment_group_name: Name,
    /// What was deployed.
    pub revision: Revision,
    /// When it started on this host.
    pub started: Timestamp,
}

/// Removes the oldest archives of a group, so that there is room for the current deployment's.
///
/// # Errors
///
/// When the folders cannot be read or removed.
pub fn prune(layout: &Layout, group: &str, current: &DeploymentId) -> io::Result<()> {
    let installed = layout.pointer(group, Pointer::LastInstalled)?;
    let mut others: Vec<_> = deployments(layout, group)?
        .into_iter()
        .filter(|dir| *dir != layout.deployment(group, current))
        .collect();
    let surplus = (others.len() + 1).saturating_sub(REVISIONS);
    others.retain(|dir| Some(dir) != installed.as_ref());
    others.sort_by_key(|dir| record(dir).map_or(Timestamp(0), |record| record.started));
    for dir in others.iter().take(surplus) {
        remove_tree(dir.path())?;
    }
    Ok(())
}

/// Removes old bundles that neither an archive nor an order needs.
///
/// # Errors
///
/// When the folders cannot be read or a bundle cannot be removed.
pub fn prune_bundles(
    layout: &Layout,
    bundles: &Bundles,
    mut needed: HashSet<Digest>,
) -> io::Result<()> {
    for group in layout.groups()? {
        for dir in deployments(layout, &group)? {
            needed.extend(record(&dir).map(|record| record.revision.digest));
        }
    }
    for digest in bundles.list().map_err(io::Error::other)? {
        if !needed.contains(&digest) && is_old(bundles, &digest) {
            bundles.remove(&digest).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

fn is_old(bundles: &Bundles, digest: &Digest) -> bool {
    let arrived = || {
        let modified = fs::metadata(bundles.path(digest)).ok()?.modified().ok()?;
        let millis = modified.duration_since(UNIX_EPOCH).ok()?.as_millis();
        Some(Timestamp(i64::try_from(millis).ok()?))
    };
    arrived().is_some_and(|arrived| clock::now() - arrived > SPARE)
}

fn deployments(layout: &Layout, group: &str) -> io::Result<Vec<DeploymentDir>> {
    let entries = match fs::read_dir(layout.group(group)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let id = name
            .to_str()
            .and_then(|name| name.parse::<DeploymentId>().ok());
        found.extend(id.map(|id| layout.deployment(group, &id)));
    }
    Ok(found)
}

/// What a deployment's folder says about itself, if it can be read.
pub fn record(dir: &DeploymentDir) -> Option<Record> {
    serde_json::from_slice(&fs::read(dir.record()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_stay_and_the_installed_one_always() {
        let scratch = tempfile::tempdir().unwrap();
        let layout = Layout::open(scratch.path()).unwrap();
        let revision = Revision {
            digest: Digest::from_bytes(&[1; 32]),
            label: "1".to_owned(),
            size: 1,
        };
        let id = |n: i64| format!("d-00000000{n}").parse::<DeploymentId>().unwrap();
        for n in 1..=6 {
            let dir = layout.make_deployment("g", &id(n)).unwrap();
            // Started in the opposite order of their names.
            let record = Record {
                application_name: "shop".parse().unwrap(),
                deployment_group_name: "web".parse().unwrap(),
                revision: revision.clone(),
                started: Timestamp(10 - n),
            };
            fs::write(dir.record(), serde_json::to_vec(&record).unwrap()).unwrap();
        }
        layout
            .set_pointer("g", Pointer::LastInstalled, &id(6))
            .unwrap();
        prune(&layout, "g", &id(7)).unwrap();
        let left: Vec<_> = (1..=6)
            .filter(|n| layout.deployment("g", &id(*n)).path().exists())
            .collect();
        assert_eq!(left, [1, 2, 3, 6], "with the current one that is five");
    }
}
