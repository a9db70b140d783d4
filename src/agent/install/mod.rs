//! The Install event.
//!
//! In this order, so that a revision that cannot be installed leaves the running application alone: plan everything and
//! find every conflict, look up users, write the plan, then remove what the previous Install created, copy, and set
//! permissions. The clean-up file makes each step safe to repeat after a crash.

pub mod cleanup;
mod execute;
mod permissions;
pub mod place;
pub mod plan;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::agent::layout::{Layout, Pointer, sync_dir, write_atomically};
use crate::appspec::{self, AppSpec, Finding, select};
use crate::model::deployment::{DeploymentId, FileExistsBehavior};
use place::Place;
use plan::{Plan, Planner, Step};

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
    /// It failed on the way.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Install<'_> {
    /// Installs, and answers remarks for the operator.
    ///
    /// # Errors
    ///
    /// When the revision cannot be installed, or something failed on the way.
    pub fn run(&self) -> Result<Vec<String>, InstallError> {
        let archive = self
            .layout
            .deployment(self.group, self.deployment)
            .archive();
        let journal = self.layout.cleanup(self.group);
        let old = cleanup::read(&journal)?;
        let gone = cleanup::forecast(&old, self.place)?;
        let behavior = self.appspec.file_exists_behavior.unwrap_or(self.behavior);
        let plan = Planner::new(&archive, self.place, &gone, behavior)
            .plan(&self.appspec.files)
            .map_err(InstallError::Refused)?;
        let was_directory = |path: &Path| {
            self.place.is_directory(path) && !self.place.at(path).is_ok_and(|at| gone.contains(&at))
        };
        let selection = select::select(&self.appspec.permissions, &plan.made, was_directory)
            .map_err(InstallError::Refused)?;
        let changes = permissions::resolve(&selection.targets).map_err(InstallError::Refused)?;
        write_atomically(
            &self.layout.install_plan(self.group),
            &describe(&plan, &selection),
        )?;

        cleanup::run(&old, self.place)?;
        match fs::remove_file(&journal) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        sync_dir(journal.parent().unwrap_or(Path::new("/")))?;
        execute::run(&plan, self.place, &journal)?;
        permissions::apply(&changes, self.place)?;
        self.layout
            .set_pointer(self.group, Pointer::LastInstalled, self.deployment)?;
        Ok(remarks(&plan, old.len(), &selection))
    }
}

fn remarks(plan: &Plan, removed: usize, selection: &select::Selection<'_>) -> Vec<String> {
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
    for path in &plan.retained {
        remarks.push(format!("kept {}, which existed", path.display()));
    }
    remarks.extend(
        selection
            .warnings
            .iter()
            .map(|finding| format!("warning: {finding}")),
    );
    remarks
}

/// The instruction file, for people: what is done, in order.
fn describe(plan: &Plan, selection: &select::Selection<'_>) -> Vec<u8> {
    let mut instructions = Vec::new();
    for step in &plan.steps {
        instructions.push(match step {
            Step::Directory { path } => {
                json!({ "type": "mkdir", "directory": path.display().to_string() })
            }
            Step::Copy { source, path } => json!({
                "type": "copy",
                "source": source.display().to_string(),
                "destination": path.display().to_string(),
            }),
        });
    }
    for target in &selection.targets {
        let (file, permission) = (target.path.display().to_string(), target.permission);
        if permission.owner.is_some() || permission.group.is_some() {
            let (owner, group) = (&permission.owner, &permission.group);
            instructions
                .push(json!({ "type": "chown", "owner": owner, "group": group, "file": file }));
        }
        if let Some(mode) = permission.mode {
            instructions
                .push(json!({ "type": "chmod", "mode": format!("{mode:03o}"), "file": file }));
        }
    }
    json!({ "instructions": instructions })
        .to_string()
        .into_bytes()
}
