//! The Install event.
//!
//! In this order, so that a revision that cannot be installed leaves the running application alone: a dry run finds
//! everything that can be foreseen; then what the previous Install created is removed, files are copied, permissions are
//! set, and all of it is made durable. The clean-up file makes each step safe to repeat after a crash.

pub mod claims;
pub mod cleanup;
mod execute;
pub mod foresee;
mod instructions;
pub mod permissions;
pub mod place;
pub mod plan;
#[cfg(test)]
mod properties;
mod room;
mod selinux;
#[cfg(test)]
mod tests;
pub mod tools;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::agent::layout::{Layout, Pointer};
use crate::appspec::server::AppSpec;
use crate::appspec::{self, Finding};
use crate::model::deployment::{DeploymentId, FileExistsBehavior};
use crate::store::files::write_atomically;
use cleanup::{Journal, Stuck};
use execute::{Broken, context};
use foresee::{DryRun, Foresight, Host, foresee};
use place::Place;
use plan::Step;

/// So many remarks of one kind are made.
const REMARKS: usize = 20;

/// What is to be installed.
#[derive(Debug)]
pub struct Install<'a> {
    /// The agent's folders.
    pub layout: &'a Layout,
    /// Where paths of the host really are.
    pub place: &'a Place,
    /// The deployment group.
    pub group: &'a str,
    /// The deployment whose unpacked revision is installed.
    pub deployment: &'a DeploymentId,
    /// The revision's `AppSpec`.
    pub appspec: &'a AppSpec,
    /// Applies where the `AppSpec` says nothing.
    pub behavior: FileExistsBehavior,
}

/// Why nothing, or not everything, was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The revision cannot be installed here. Nothing was touched.
    #[error("{}. The previous revision's files are untouched", appspec::sentence(.0))]
    Refused(Vec<Finding>),
    /// Something failed before anything was touched.
    #[error("{0}. The previous revision's files are untouched")]
    Early(#[source] io::Error),
    /// Removing the previous revision failed on the way.
    #[error(
        "removing the previous revision's files: {error}. {removed} of {all} paths were removed, nothing was installed; the next Install goes on from there"
    )]
    Stuck {
        /// So many paths were removed.
        removed: usize,
        /// Of so many.
        all: usize,
        /// Why it did not go on.
        error: io::Error,
    },
    /// Making the new revision's files failed on the way.
    #[error(
        "{error}. {copied} of {files} files were copied, the previous revision's files are removed; the next Install removes exactly what was made"
    )]
    Broken {
        /// So many files were copied.
        copied: usize,
        /// Of so many.
        files: usize,
        /// Why it did not go on.
        error: io::Error,
    },
    /// Everything was copied, but not set up.
    #[error(
        "{error}. All {files} files were copied, but not all permissions are set, the previous revision's files are removed; the next Install removes exactly what was made"
    )]
    Unfinished {
        /// So many files were copied.
        files: usize,
        /// What failed after that.
        error: io::Error,
    },
}

impl Install<'_> {
    /// Installs, and answers remarks for the operator.
    ///
    /// # Errors
    ///
    /// When the revision cannot be installed, or something failed on the way.
    pub fn run(&self) -> Result<Vec<String>, InstallError> {
        let file = self.layout.cleanup(self.group);
        let old = cleanup::read(&file).map_err(InstallError::Early)?;
        let gone = cleanup::forecast(&old, self.place).map_err(InstallError::Early)?;
        let host = Host::this(self.layout, self.group);
        let archive = self.archive();
        let foresight = foresee(&self.dry_run(&archive, &gone, &host));
        let instructions = foresight.instructions().to_string();
        write_atomically(
            &self.layout.install_plan(self.group),
            instructions.as_bytes(),
        )
        .map_err(InstallError::Early)?;
        if !foresight.errors.is_empty() {
            return Err(InstallError::Refused(foresight.errors));
        }

        crate::crash_point::here!("install.before-cleanup");
        cleanup::run(&old, self.place, &host.tools).map_err(|Stuck { removed, error }| {
            let all = old.paths.len();
            InstallError::Stuck {
                removed,
                all,
                error,
            }
        })?;
        crate::crash_point::here!("install.after-cleanup");
        let mut remarks = remarks(&foresight, old.paths.len());
        remarks.extend(few(self.make(&foresight, &host, &file)?.into_iter()));
        Ok(remarks)
    }

    fn make(
        &self,
        foresight: &Foresight<'_>,
        host: &Host<'_>,
        file: &Path,
    ) -> Result<Vec<String>, InstallError> {
        let steps = &foresight.plan.steps;
        let files = foresight.plan.made.files.len();
        let broken = |made: usize, error| {
            let is_copy = |step: &&Step| matches!(step, Step::Copy { .. });
            let copied = steps[..made].iter().filter(is_copy).count();
            InstallError::Broken {
                copied,
                files,
                error,
            }
        };
        let mut journal = Journal::open(file)
            .map_err(context("writing", file))
            .map_err(|error| broken(0, error))?;
        if let Err(Broken { done, left, error }) =
            execute::run(&foresight.plan, self.place, &mut journal)
        {
            let settled = journal.settle(steps[..left].iter().map(Step::path));
            return Err(broken(done, settled.err().unwrap_or(error)));
        }
        crate::crash_point::here!("install.before-permissions");
        let unfinished = |error| InstallError::Unfinished { files, error };
        let changes = &foresight.changes;
        let applied = permissions::apply(changes, self.place, &host.tools, &mut journal);
        // The records of the previous revision go only when its files are gone for good.
        let synced = execute::sync(&foresight.folders);
        let settled = synced.and_then(|()| journal.settle(steps.iter().map(Step::path)));
        let remarks = applied.map_err(unfinished)?;
        settled.map_err(unfinished)?;
        crate::crash_point::here!("install.before-pointer");
        self.layout
            .set_pointer(self.group, Pointer::LastInstalled, self.deployment)
            .map_err(unfinished)?;
        Ok(remarks)
    }

    /// What would stop Install if it ran now. Before its time that need not stop it then: scripts may yet make users, and
    /// remove what is in the way.
    ///
    /// # Errors
    ///
    /// When the clean-up file, or a directory that it lists, cannot be read.
    pub fn outlook(&self) -> io::Result<Vec<Finding>> {
        let old = cleanup::read(&self.layout.cleanup(self.group))?;
        let gone = cleanup::forecast(&old, self.place)?;
        let host = Host::this(self.layout, self.group);
        Ok(foresee(&self.dry_run(&self.archive(), &gone, &host)).errors)
    }

    fn dry_run<'b>(
        &'b self,
        archive: &'b Path,
        gone: &'b HashSet<PathBuf>,
        host: &'b Host<'b>,
    ) -> DryRun<'b> {
        DryRun {
            archive,
            appspec: self.appspec,
            place: self.place,
            gone,
            behavior: self.behavior,
            host: Some(host),
        }
    }

    fn archive(&self) -> PathBuf {
        let dir = self.layout.deployment(self.group, self.deployment);
        dir.archive()
    }
}

fn remarks(foresight: &Foresight<'_>, removed: usize) -> Vec<String> {
    let plan = &foresight.plan;
    let mut remarks = Vec::new();
    if removed > 0 {
        remarks.push(format!(
            "cleaned up after the previous revision ({removed} paths)"
        ));
    }
    remarks.push(format!(
        "installed {} files, made {} directories",
        plan.made.files.len(),
        plan.made.directories.len()
    ));
    let kept = |path: &PathBuf| format!("kept {}, which existed", path.display());
    remarks.extend(few(plan.retained.iter().map(kept)));
    let replaced = |path: &PathBuf| format!("replaced the link {}", path.display());
    remarks.extend(few(plan.replaced_links.iter().map(replaced)));
    let warning = |finding: &Finding| format!("warning: {finding}");
    remarks.extend(few(foresight.warnings.iter().map(warning)));
    remarks
}

/// As many remarks of one kind as people read.
fn few(remarks: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let surplus = remarks.len().saturating_sub(REMARKS);
    let mut few: Vec<_> = remarks.take(REMARKS).collect();
    if surplus > 0 {
        few.push(format!("and {surplus} more like these"));
    }
    few
}
