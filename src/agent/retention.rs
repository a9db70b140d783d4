//! What is kept of past deployments: a few archives a group, never without those that the next stop or a rollback needs,
//! and the bundles of all of them.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::layout::{DeploymentDir, Layout, Pointer};
use super::protocol::Order;
use super::unpack::remove_tree;
use crate::clock;
use crate::model::deployment::DeploymentId;
use crate::model::revision::{Digest, Revision};
use crate::model::timestamp::Timestamp;
use crate::store::bundles::Bundles;
use crate::store::files::write_atomically;

/// A bundle that no archive needs is kept this long, because it may have been sent for an order that is yet to come.
const SPARE: Duration = Duration::from_hours(24);

/// What a deployment's folder says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Whose deployment it was.
    pub application_name: String,
    /// The group's name; its id is the folder's.
    pub deployment_group_name: String,
    /// What was deployed.
    pub revision: Revision,
    /// When it started on this host.
    pub started: Timestamp,
    /// The `AppSpec`'s name in the unpacked revision, as soon as that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appspec_filename: Option<String>,
    /// Grows with each deployment of the group on this host.
    #[serde(default)]
    pub sequence: u64,
}

/// What must stay of a group.
#[derive(Clone, Debug)]
pub struct Keep {
    /// So many archives, the current one included.
    pub revisions: NonZeroUsize,
    /// The deployments that have not ended on this host.
    pub needed: HashSet<DeploymentId>,
}

/// Lets a deployment's folder say what it is for, and makes room for its archive.
///
/// # Errors
///
/// When the folders cannot be read, written or removed.
pub fn begin(order: &Order, layout: &Layout, keep: &Keep) -> io::Result<()> {
    let group = &order.deployment_group_id;
    let dir = layout.make_deployment(group, &order.deployment_id)?;
    let newest = deployments(layout, group)?
        .iter()
        .filter(|other| **other != dir)
        .filter_map(|other| Some(record(other)?.sequence))
        .max();
    let record = Record {
        application_name: order.application_name.clone(),
        deployment_group_name: order.deployment_group_name.clone(),
        revision: order.revision.clone(),
        started: clock::now(),
        appspec_filename: None,
        sequence: newest.map_or(1, |newest| newest + 1),
    };
    write(&dir, &record)?;
    prune(layout, group, &order.deployment_id, keep)
}

/// Remembers the name of the `AppSpec` in a deployment's archive: later deployments run this revision's scripts, but may
/// ask for another name.
///
/// # Errors
///
/// When the folder's record cannot be read or written.
pub fn remember_appspec(dir: &DeploymentDir, name: String) -> io::Result<()> {
    let mut record = record(dir).ok_or_else(|| {
        let message = format!("{} cannot be read", dir.record().display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })?;
    record.appspec_filename = Some(name);
    write(dir, &record)
}

fn write(dir: &DeploymentDir, record: &Record) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    write_atomically(&dir.record(), &json)
}

/// Removes the oldest archives of a group, so that there is room for the current deployment's.
fn prune(layout: &Layout, group: &str, current: &DeploymentId, keep: &Keep) -> io::Result<()> {
    let pointers = [
        layout.pointer(group, Pointer::LastInstalled)?,
        layout.pointer(group, Pointer::MostRecent)?,
    ];
    let needed = keep.needed.iter().map(|id| layout.deployment(group, id));
    let needed: Vec<_> = pointers.into_iter().flatten().chain(needed).collect();
    let mut others: Vec<_> = deployments(layout, group)?
        .into_iter()
        .filter(|dir| *dir != layout.deployment(group, current))
        .collect();
    let surplus = (others.len() + 1).saturating_sub(keep.revisions.get());
    others.retain(|dir| !needed.contains(dir));
    // The clock may have jumped; it only decides between folders of a version that did not count.
    others.sort_by_cached_key(|dir| record(dir).map(|record| (record.sequence, record.started)));
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
    let arrived = fs::metadata(bundles.path(digest)).and_then(|metadata| metadata.modified());
    arrived.is_ok_and(|arrived| clock::age(arrived) > Some(SPARE))
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

    const GROUP: &str = "g";

    fn id(n: u64) -> DeploymentId {
        format!("d-00000000{n}").parse().unwrap()
    }

    /// A host on which these deployments began one after the other, by a clock that goes backwards.
    fn host(root: &std::path::Path, count: u64) -> Layout {
        let layout = Layout::open(root).unwrap();
        for n in 1..=count {
            let dir = layout.make_deployment(GROUP, &id(n)).unwrap();
            let record = Record {
                application_name: "shop".to_owned(),
                deployment_group_name: "web".to_owned(),
                appspec_filename: None,
                revision: Revision {
                    digest: Digest::from_bytes(&[1; 32]),
                    label: "1".to_owned(),
                    size: 1,
                },
                started: Timestamp(i64::MAX - n.cast_signed()),
                sequence: n,
            };
            fs::write(dir.record(), serde_json::to_vec(&record).unwrap()).unwrap();
        }
        layout
    }

    fn keep(revisions: usize, needed: &[u64]) -> Keep {
        Keep {
            revisions: NonZeroUsize::new(revisions).unwrap(),
            needed: needed.iter().map(|n| id(*n)).collect(),
        }
    }

    fn left(layout: &Layout) -> Vec<u64> {
        (1..=9)
            .filter(|n| layout.deployment(GROUP, &id(*n)).path().exists())
            .collect()
    }

    #[test]
    fn the_newest_stay_and_those_that_are_needed() {
        let scratch = tempfile::tempdir().unwrap();
        for (number, (revisions, installed, recent, needed, expected)) in [
            (5, 6, 6, &[][..], &[3, 4, 5, 6][..]),
            // What is installed stays, however old, as CodeDeploy's agent has it: it counts, and another one goes.
            (5, 1, 6, &[], &[1, 4, 5, 6]),
            // A rollback needs what came last, and open orders need what they are about.
            (1, 1, 2, &[3], &[1, 2, 3]),
            (1, 6, 6, &[], &[6]),
            (9, 6, 6, &[], &[1, 2, 3, 4, 5, 6]),
        ]
        .into_iter()
        .enumerate()
        {
            let layout = host(&scratch.path().join(number.to_string()), 6);
            for (pointer, n) in [
                (Pointer::LastInstalled, installed),
                (Pointer::MostRecent, recent),
            ] {
                layout.set_pointer(GROUP, pointer, &id(n)).unwrap();
            }
            prune(&layout, GROUP, &id(7), &keep(revisions, needed)).unwrap();
            assert_eq!(left(&layout), expected, "case {number}");
        }
    }
}
