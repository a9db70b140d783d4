//! The `DownloadBundle` event: the bundle is here already, sent by the orchestrator; now it becomes the deployment's
//! archive.

use std::fs::File;
use std::io;

use super::config::Unpacking;
use super::hooks::user;
use super::inspect;
use super::install::Install;
use super::install::place::Place;
use super::layout::{Layout, Pointer};
use super::protocol::Order;
use super::retention::{self, Keep};
use super::revision;
use super::unpack::{UnpackError, unpack};
use crate::appspec::server::AppSpec;
use crate::model::revision::Digest;
use crate::store::bundles::Bundles;
use crate::text;

/// So many of the reasons why Install would fail are told before its time.
const WARNED: usize = 5;

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

/// What is to be downloaded, and what for.
#[derive(Debug)]
pub struct Download<'a> {
    /// Names the bundle and whose revision it is.
    pub order: &'a Order,
    /// The agent's folders.
    pub layout: &'a Layout,
    /// Where the bundle is.
    pub bundles: &'a Bundles,
    /// Where paths of the host really are.
    pub place: &'a Place,
    /// What must stay of earlier deployments.
    pub keep: &'a Keep,
    /// How the bundle is unpacked.
    pub unpacking: &'a Unpacking,
}

impl Download<'_> {
    /// Unpacks the order's bundle, and answers remarks for the operator.
    ///
    /// # Errors
    ///
    /// When the bundle is missing, damaged, unsafe, or no revision.
    pub fn run(&self) -> Result<Vec<String>, DownloadError> {
        let Self { order, layout, .. } = self;
        let group = &order.deployment_group_id;
        let dir = layout.make_deployment(group, &order.deployment_id)?;
        retention::begin(order, layout, self.keep)?;

        let digest = &order.revision.digest;
        if !self.bundles.has(digest) {
            return Err(DownloadError::Missing(digest.clone()));
        }
        let bundle = self.bundles.path(digest);
        if Bundles::digest(File::open(&bundle)?)? != *digest {
            self.bundles.remove(digest).map_err(io::Error::other)?;
            return Err(DownloadError::Damaged(digest.clone()));
        }
        let Unpacking { limits, owners } = self.unpacking;
        let contents = unpack(&bundle, &dir.unpacking(), &dir.archive(), limits, *owners)?;
        let (name, appspec) =
            revision::appspec_for(order, &dir.archive()).map_err(DownloadError::AppSpec)?;
        retention::remember_appspec(&dir, name)?;
        layout.set_pointer(group, Pointer::MostRecent, &order.deployment_id)?;

        crate::crash_point::here!("unpack.after-name");
        let mut remarks = vec![format!(
            "unpacked {}: {}, {} files, {}",
            order.revision.label,
            contents.format,
            contents.files(),
            text::size(contents.size)
        )];
        let findings = appspec.warnings.iter().cloned();
        let findings = findings.chain(inspect::scripts(&dir.archive(), &appspec));
        let mut findings = findings.map(|finding| format!("warning: {finding}"));
        remarks.extend(findings.by_ref().take(WARNINGS));
        match findings.count() {
            0 => {}
            more => remarks.push(format!("and {more} more; cutover validate shows all")),
        }
        let install = Install {
            layout,
            place: self.place,
            group,
            deployment: &order.deployment_id,
            appspec: &appspec,
            behavior: order.file_exists_behavior,
        };
        remarks.extend(self.refused_scripts(&appspec).take(WARNED));
        match install.outlook() {
            Ok(findings) => remarks.extend(findings.iter().take(WARNED).map(refusal)),
            Err(error) => remarks.push(refusal(&error)),
        }
        Ok(remarks)
    }

    /// The scripts that the agent could not start as whom they are to run.
    fn refused_scripts(&self, appspec: &AppSpec) -> impl Iterator<Item = String> {
        let events = self.order.events.iter();
        let hooks = events.flat_map(|event| appspec.scripts(*event));
        hooks.filter_map(|hook| {
            let why = user::resolve(hook.runas.as_deref(), hook.sudo).err()?;
            let script = &hook.location;
            Some(format!(
                "warning: as the host is now, the script {script} would not start: {why}"
            ))
        })
    }
}

fn refusal(why: &impl std::fmt::Display) -> String {
    format!("warning: as the host is now, Install would refuse: {why}")
}
