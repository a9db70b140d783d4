//! What each lifecycle event does on the host.

use super::download;
use super::executor::Executor;
use super::hooks::{self, EventError};
use super::install::Install;
use super::report::Report;
use super::revision;
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::LifecycleEvent;

impl Executor {
    /// Runs the report's event.
    pub(super) async fn run(&self, report: &Report) -> Result<(), EventError> {
        match report.event() {
            LifecycleEvent::DownloadBundle => self.download(report).await,
            LifecycleEvent::Install => self.install(report).await,
            _ => hooks::run(report, &self.layout, self.install_root(), &self.boot).await,
        }
    }

    async fn download(&self, report: &Report) -> Result<(), EventError> {
        let (order, layout) = (report.order().clone(), self.layout.clone());
        let (bundles, place) = (self.bundles.clone(), self.place.clone());
        let work = move || {
            download::run(&order, &layout, &bundles, &place).map_err(|error| error.to_string())
        };
        remarks(report, work).await
    }

    async fn install(&self, report: &Report) -> Result<(), EventError> {
        let (order, layout) = (report.order().clone(), self.layout.clone());
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
