//! What each lifecycle event does on the host.

use std::sync::Arc;

use super::download::Download;
use super::executor::Executor;
use super::hooks::{self, EventError, Host};
use super::install::Install;
use super::report::Report;
use super::retention::Keep;
use super::revision;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::LifecycleEvent;

impl Executor {
    /// Runs the report's event, but for its first scripts if they are done.
    pub(super) async fn run(&self, report: &Report, done: usize) -> Result<(), EventError> {
        match report.event() {
            LifecycleEvent::DownloadBundle => self.download(report).await,
            LifecycleEvent::Install => self.install(report).await,
            _ => {
                let host = Host {
                    layout: &self.layout,
                    install_root: self.install_root(),
                    boot: &self.boot,
                    settings: &self.config.scripts,
                    secrets: &self.config.secrets,
                    interrupted: &self.interrupted,
                };
                hooks::run(report, &host, done).await
            }
        }
    }

    async fn download(&self, report: &Report) -> Result<(), EventError> {
        let (order, layout) = (Arc::clone(report.order()), self.layout.clone());
        let (bundles, place) = (self.bundles.clone(), self.place.clone());
        let keep = self.keep(&order.deployment_group_id);
        let unpacking = self.config.unpacking.clone();
        let work = move || {
            let download = Download {
                order: &order,
                layout: &layout,
                bundles: &bundles,
                place: &place,
                keep: &keep,
                unpacking: &unpacking,
            };
            download.run().map_err(|error| error.to_string())
        };
        remarks(report, work).await
    }

    /// What must stay of a group: as many revisions as the host keeps, and what orders that have not ended are about.
    fn keep(&self, group: &str) -> Keep {
        let known = self.log.known();
        let open = known.open_in(group);
        Keep {
            revisions: self.config.max_revisions,
            needed: open
                .map(|execution| execution.order.deployment_id.clone())
                .collect(),
        }
    }

    async fn install(&self, report: &Report) -> Result<(), EventError> {
        let (order, layout) = (Arc::clone(report.order()), self.layout.clone());
        let place = self.place.clone();
        let work = move || {
            let group = &order.deployment_group_id;
            let dir = layout.deployment(group, &order.deployment_id);
            let install = Install {
                layout: &layout,
                place: &place,
                group,
                deployment: &order.deployment_id,
                appspec: &revision::appspec(&dir)?,
                behavior: order.file_exists_behavior,
            };
            install.run().map_err(|error| error.to_string())
        };
        remarks(report, work).await
    }
}

/// Does work that waits for the disk, and reports what it remarks on.
async fn remarks(
    report: &Report,
    work: impl FnOnce() -> Result<Vec<String>, String> + Send + 'static,
) -> Result<(), EventError> {
    let done = tokio::task::spawn_blocking(work).await;
    let remarks = done
        .unwrap_or_else(|error| Err(error.to_string()))
        .map_err(Diagnostics::unknown)?;
    for remark in remarks {
        report.remark(&remark).await?;
    }
    Ok(())
}
