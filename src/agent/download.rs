//! The `DownloadBundle` event: the bundle is here already, sent by the orchestrator; now it becomes the deployment's
//! archive.

use std::fs::File;
use std::io;

use super::inspect;
use super::layout::{DeploymentDir, Layout, Pointer, write_atomically};
use super::protocol::Order;
use super::retention::{self, Record};
use super::revision;
use super::unpack::{UnpackError, unpack};
use crate::clock;
use crate::model::revision::Digest;
use crate::store::bundles::Bundles;

/// How many warnings about an `AppSpec` an operator is told at most.
const WARNINGS: usize = 50;

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The orchestrator ordered the execution before it sent the bundle, or the bundle was removed since.
    #[error("this host does not have the bundle {}: it must be sent before the deployment", .0.short())]
    Missing(Digest),
    /// The bundle changed on the disk.
    #[error("the bundle {} is damaged on this host's disk and was removed; deploy again to have it sent anew", .0.short())]
    Damaged(Digest),
    /// The archive cannot be used.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The `AppSpec` is wrong.
    #[error("{0}")]
    AppSpec(String),
    /// Something else failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Unpacks the order's bundle, and answers remarks for the operator.
///
/// # Errors
///
/// When the bundle is missing, damaged, unsafe, or no revision.
pub fn run(
    order: &Order,
    layout: &Layout,
    bundles: &Bundles,
) -> Result<Vec<String>, DownloadError> {
    let group = &order.deployment_group_id;
    let dir = layout.make_deployment(group, &order.deployment_id)?;
    let mut record = Record {
        application_name: order.application_name.clone(),
        deployment_group_name: order.deployment_group_name.clone(),
        revision: order.revision.clone(),
        started: clock::now(),
        appspec_filename: None,
    };
    write(&dir, &record)?;
    retention::prune(layout, group, &order.deployment_id)?;

    let digest = &order.revision.digest;
    if !bundles.has(digest) {
        return Err(DownloadError::Missing(digest.clone()));
    }
    let bundle = bundles.path(digest);
    if Bundles::digest(File::open(&bundle)?)? != *digest {
        bundles.remove(digest).map_err(io::Error::other)?;
        return Err(DownloadError::Damaged(digest.clone()));
    }
    unpack(&bundle, &dir.unpacking(), &dir.archive())?;
    let (name, appspec) =
        revision::appspec_for(order, &dir.archive()).map_err(DownloadError::AppSpec)?;
    // Later deployments run this revision's scripts, but may ask for another name.
    record.appspec_filename = Some(name);
    write(&dir, &record)?;
    layout.set_pointer(group, Pointer::MostRecent, &order.deployment_id)?;

    let mut remarks = vec![format!(
        "unpacked {} ({})",
        order.revision.label,
        digest.short()
    )];
    let findings = appspec.warnings.iter().cloned();
    let findings = findings.chain(inspect::scripts(&dir.archive(), &appspec));
    let mut findings = findings.map(|finding| format!("warning: {finding}"));
    remarks.extend(findings.by_ref().take(WARNINGS));
    match findings.count() {
        0 => {}
        more => remarks.push(format!("and {more} more; cutover validate shows all")),
    }
    Ok(remarks)
}

fn write(dir: &DeploymentDir, record: &Record) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    write_atomically(&dir.record(), &json)
}
