//! Deployments that a host makes by itself, without an orchestrator: the agent's executor with one order, so that what is
//! left on the disk is what a deployment from outside leaves.
//!
//! What the executor journals goes to a folder of the run's own. An agent may work on the same root meanwhile: whoever
//! runs events of a deployment group holds the group's lock.

pub mod events;
mod failure;
mod source;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;

use super::core::{Execution, is_group_id};
use super::executor::Executor;
use super::hooks::{Choice, choose};
use super::layout::Layout;
use super::log::Log;
use super::protocol::{EventState, ExecutionEnd, ExecutionState, Leases, Message, Order, What};
use super::{AgentError, Config, io_error, process};
use crate::appspec::server::paths;
use crate::clock;
use crate::model::deployment::{Creator, DeploymentId, ExecutionId, FileExistsBehavior};
use crate::model::group::DeploymentType;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::revision::{Digest, Revision};
use crate::store::bundles::{Bundles, Packed};
use events::Events;
pub use failure::Kind;
pub use source::{Source, Type};

/// The order's lease: it is given once, because who gives the order also carries it out.
const LEASE: Duration = Duration::from_hours(24 * 365);

/// Folders of runs begin like this; a deployment group's never does.
const RUN: &str = ".local-";

/// The folder of a run that was killed is removed by a later one after this time.
const ABANDONED: Duration = Duration::from_hours(24);

/// Why a deployment was not even begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of failure it is.
    pub kind: Kind,
    /// What is wrong and what to do.
    pub message: String,
}

/// What is to be deployed, as whose deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The bundle.
    pub source: Source,
    /// The bundle's location as it was given.
    pub location: String,
    /// Names the group's folder on the host.
    pub group_id: String,
    /// For `DEPLOYMENT_GROUP_NAME`.
    pub group_name: String,
    /// For `APPLICATION_NAME`.
    pub application: String,
    /// What is run.
    pub events: Events,
    /// Applies where the `AppSpec` says nothing.
    pub file_exists_behavior: FileExistsBehavior,
    /// The `AppSpec`'s name, if it is none of the usual ones.
    pub appspec_filename: Option<String>,
}

/// How a deployment ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its id.
    pub deployment: DeploymentId,
    /// Where its files are.
    pub folder: PathBuf,
    /// The output of its scripts.
    pub scripts_log: PathBuf,
    /// Its events.
    pub events: Vec<EventState>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// Why a deployment failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    /// The event that failed.
    pub event: Option<LifecycleEvent>,
    /// The script, as the `AppSpec` writes it, if one is to blame.
    pub script: Option<String>,
    /// That script on the host: in the deployment's own revision, or in the one that was installed before.
    pub script_path: Option<PathBuf>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Deployment {
    fn order(&self, deployment: &DeploymentId, packed: Option<Packed>) -> Order {
        // Without DownloadBundle nobody asks for a bundle.
        let packed = packed.unwrap_or_else(|| Packed {
            digest: Digest::from_bytes(&[0; 32]),
            size: 0,
        });
        Order {
            deployment_id: deployment.clone(),
            application_name: self.application.clone(),
            deployment_group_name: self.group_name.clone(),
            deployment_group_id: self.group_id.clone(),
            creator: Creator::User,
            deployment_type: DeploymentType::InPlace,
            revision: Revision {
                digest: packed.digest,
                label: self.location.clone(),
                size: packed.size,
            },
            events: self.events.run.clone(),
            file_exists_behavior: self.file_exists_behavior,
            ignore_application_stop_failures: false,
            appspec_filename: self.appspec_filename.clone(),
            possible_events: Some(self.events.possible()),
        }
    }
}

/// Deploys, and tells `watch` what happens while it does. What comes from `interrupts` ends the script that is running,
/// and with it the deployment.
///
/// # Errors
///
/// When the group's id names no folder, or the agent's folders cannot be used. A deployment that fails is an
/// [`Outcome`].
pub async fn deploy(
    mut config: Config,
    deployment: &Deployment,
    mut interrupts: mpsc::Receiver<()>,
    mut watch: impl FnMut(&Message),
) -> Result<Outcome, AgentError> {
    config.lease = LEASE;
    let root = config.root.clone();
    let layout = Layout::open(&root).map_err(io_error(format!("opening {}", root.display())))?;
    let run =
        run_folder(&layout).map_err(io_error(format!("making a folder in {}", root.display())))?;
    let bundles = Bundles::open(run.path().join("bundles"))?;
    let downloads = deployment
        .events
        .run
        .contains(&LifecycleEvent::DownloadBundle);
    let packed = downloads
        .then(|| deployment.source.keep(&bundles))
        .transpose()?;
    let boot = process::boot_id().map_err(io_error("asking the kernel for its boot id"))?;
    let log_folder = run.path().join("log");
    fs::create_dir(&log_folder).map_err(io_error(format!("making {}", log_folder.display())))?;
    let (log, mut failure) = Log::open(&log_folder, &boot)?;
    let mut follower = log.follow(0)?;
    let executor = Executor::new(config, layout.clone(), bundles, log.clone(), boot)?;

    let id = clock::deployment_id().local();
    let order = deployment.order(&id, packed);
    let execution = ExecutionId(id.to_string().into());
    executor
        .order(execution.clone(), order)
        .await
        .map_err(|error| io_error("giving the order")(io::Error::other(error)))?;
    executor.renew(&Leases {
        executions: vec![execution.clone()],
    });
    let mut interrupted = false;
    'following: loop {
        tokio::select! {
            lines = follower.next() => for line in lines?.split(|byte| *byte == b'\n') {
                let Ok(message) = serde_json::from_slice::<Message>(line) else {
                    continue;
                };
                watch(&message);
                if let What::Ended { .. } = message.what {
                    break 'following;
                }
            },
            Ok(error) = &mut failure => {
                // Nothing can be known of the script from now on.
                executor.interrupt();
                return Err(error.into());
            }
            Some(()) = interrupts.recv() => {
                interrupted = true;
                // The script first: a stop waits for the disk.
                executor.interrupt();
                if let Err(error) = executor.stop(&execution).await {
                    tracing::warn!(%error, "the deployment cannot be stopped");
                }
            }
        }
    }
    executor.drained(Duration::MAX).await;
    let known = log.known().executions.get(&execution).cloned();
    let Execution { order, state, .. } =
        known.ok_or_else(|| io_error("reading the result")(io::Error::other("it is gone")))?;
    let dir = layout.deployment(&deployment.group_id, &id);
    Ok(Outcome {
        deployment: id,
        folder: dir.path().to_owned(),
        scripts_log: dir.scripts_log(),
        failure: why(&state, &order, &layout, interrupted),
        events: state.events,
    })
}

/// Why a deployment failed, if it did.
fn why(
    state: &ExecutionState,
    order: &Order,
    layout: &Layout,
    interrupted: bool,
) -> Option<Failure> {
    let failed = state.events.iter().find_map(|event| {
        let diagnostics = event.diagnostics.as_ref()?;
        Some((event.event, diagnostics))
    });
    match (failed, state.ended) {
        (Some((event, diagnostics)), _) => {
            let script = Some(diagnostics.script_name.clone()).filter(|name| !name.is_empty());
            Some(Failure {
                kind: if interrupted {
                    Kind::Interrupted
                } else {
                    Kind::of(event, diagnostics)
                },
                event: Some(event),
                script_path: script
                    .as_deref()
                    .and_then(|script| script_path(script, event, order, layout)),
                script,
                message: diagnostics.message.clone(),
            })
        }
        (None, Some(ExecutionEnd::Finished)) => None,
        (None, _) => Some(Failure {
            kind: Kind::Interrupted,
            event: None,
            script: None,
            script_path: None,
            message: "the deployment was interrupted between two events".to_owned(),
        }),
    }
}

/// Where a script is that the event ran, by the same choice of archive.
fn script_path(
    script: &str,
    event: LifecycleEvent,
    order: &Order,
    layout: &Layout,
) -> Option<PathBuf> {
    let Choice { dir, .. } = choose(event, order, layout).ok().flatten()?;
    Some(dir.archive().join(paths::inside(script)?))
}

/// A folder for this run. It is beside the groups' folders because there is room for bundles there.
fn run_folder(layout: &Layout) -> io::Result<TempDir> {
    for entry in fs::read_dir(layout.root())? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(RUN) && is_abandoned(&entry.path()) {
            // Another run may be doing the same.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    tempfile::Builder::new()
        .prefix(RUN)
        .tempdir_in(layout.root())
}

fn is_abandoned(folder: &Path) -> bool {
    let modified = fs::metadata(folder).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| clock::age(modified) > Some(ABANDONED))
}

/// Whether a text can be the id of a deployment group.
///
/// # Errors
///
/// When it cannot, because it names a folder.
pub fn check_group_id(id: &str) -> Result<(), Refusal> {
    if is_group_id(id) {
        return Ok(());
    }
    Err(Refusal {
        kind: Kind::InvalidArguments,
        message: format!(
            "{id:?} cannot be a deployment group id: it names a folder, so it has letters, digits and - _ . only"
        ),
    })
}
