//! The dry run: what Install would do, and everything that stands in its way that can be known before it begins.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use super::claims::Claims;
use super::instructions;
use super::permissions::{self, Change};
use super::place::Place;
use super::plan::{Plan, Planner};
use super::room;
use super::tools::Tools;
use crate::agent::layout::Layout;
use crate::appspec::Finding;
use crate::appspec::server::{AppSpec, select};
use crate::model::deployment::FileExistsBehavior;

/// Says of a file system that it has no access control lists, by the name of the attribute that they are kept in.
const ACL_ATTRIBUTE: &str = "system.posix_acl_access";

/// What would be installed, and where. Asking changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct DryRun<'a> {
    /// The unpacked revision.
    pub archive: &'a Path,
    /// Its `AppSpec`.
    pub appspec: &'a AppSpec,
    /// Where paths of the host really are.
    pub place: &'a Place,
    /// What the clean-up will have removed, see [`super::cleanup::forecast`].
    pub gone: &'a HashSet<PathBuf>,
    /// Applies where the `AppSpec` says nothing.
    pub behavior: FileExistsBehavior,
    /// The host that would be installed on. Without one only what the revision itself and the place make wrong is found:
    /// no users are looked up, no free space, no programs.
    pub host: Option<&'a Host<'a>>,
}

/// What matters of a host besides its files.
#[derive(Debug)]
pub struct Host<'a> {
    /// Its programs.
    pub tools: Tools,
    /// What its other deployment groups have installed.
    pub claims: Claims<'a>,
}

impl<'a> Host<'a> {
    /// This host, as a deployment group sees it.
    pub fn this(layout: &'a Layout, group: &'a str) -> Self {
        Self {
            tools: Tools::of_host(),
            claims: Claims::of_others(layout, group),
        }
    }
}

/// What Install would do.
#[derive(Clone, Debug)]
pub struct Foresight<'a> {
    /// What stands in the way.
    pub errors: Vec<Finding>,
    /// What looks like a mistake.
    pub warnings: Vec<Finding>,
    /// What would be copied and made. If there are errors, as much of it as could be worked out.
    pub plan: Plan,
    /// What would be changed after that.
    pub changes: Vec<Change<'a>>,
    /// The existing folders in which something would change.
    pub folders: BTreeSet<PathBuf>,
}

impl Foresight<'_> {
    /// The instruction file: `{"instructions": [...]}`, as Install writes it.
    pub fn instructions(&self) -> serde_json::Value {
        instructions::describe(&self.plan, &self.changes)
    }
}

/// Finds out what Install would do, and what would stop it.
pub fn foresee<'a>(dry: &DryRun<'a>) -> Foresight<'a> {
    let archive = dry.archive.canonicalize();
    let archive = archive.as_deref().unwrap_or(dry.archive);
    let behavior = dry.appspec.file_exists_behavior.unwrap_or(dry.behavior);
    let claims = dry.host.map(|host| &host.claims);
    let mut plan =
        Planner::new(archive, dry.place, dry.gone, behavior, claims).plan(&dry.appspec.files);
    let mut errors = std::mem::take(&mut plan.errors);
    let mut warnings = std::mem::take(&mut plan.warnings);
    let mut changes = Vec::new();
    match select::select(&dry.appspec.permissions, &plan.made, |path| dry.stays(path)) {
        Err(findings) => errors.extend(findings),
        Ok(selection) => {
            let targets = selection.targets.iter();
            changes.extend(targets.map(|target| Change::new(target.path, target.permission)));
            // What is not installed because of an error is not the author's mistake.
            if errors.is_empty() {
                warnings.extend(selection.warnings);
            }
        }
    }
    let mut folders = BTreeSet::new();
    // What is in conflict cannot be laid out, so neither its folders nor its size mean anything.
    let sound = errors.is_empty();
    if sound {
        match room::folders(&plan, dry.place, dry.gone) {
            Ok(found) => folders = found,
            Err(error) => errors.push(Finding::whole("E61", error.to_string())),
        }
    }
    let mut foresight = Foresight {
        errors,
        warnings,
        plan,
        changes,
        folders,
    };
    if let Some(host) = dry.host {
        foresight.look_at(host);
        if sound {
            foresight.look_for_room(dry);
        }
    }
    foresight
}

impl DryRun<'_> {
    /// Whether there is a directory now, and will be after the clean-up.
    fn stays(&self, path: &Path) -> bool {
        let goes = || {
            self.place
                .real(path)
                .is_ok_and(|at| self.gone.contains(&at))
        };
        self.place.is_directory(path) && !goes()
    }
}

impl Foresight<'_> {
    fn look_at(&mut self, host: &Host<'_>) {
        self.errors.extend(permissions::resolve(&mut self.changes));
        self.errors.extend(self.without_acls(host));
    }

    fn look_for_room(&mut self, dry: &DryRun<'_>) {
        self.errors.extend(room::check_access(&self.folders));
        match room::check_space(&self.plan, dry.place, dry.gone) {
            Ok((errors, warnings)) => {
                self.errors.extend(errors);
                self.warnings.extend(warnings);
            }
            Err(error) => self.errors.push(Finding::whole("E60", error.to_string())),
        }
    }

    /// Why access control lists cannot be set: `E38`.
    fn without_acls(&self, host: &Host<'_>) -> Vec<Finding> {
        let mut wanted = self.changes.iter().map(|change| change.permission);
        let Some(first) = wanted.find(|permission| !permission.acls.is_empty()) else {
            return Vec::new();
        };
        let refuse = |message: String| Finding::at("E38", first.position, message);
        if host.tools.setfacl.is_none() {
            let message = "access control lists need the program setfacl, which is not installed on this host: \
                           apt-get install acl, or dnf install acl";
            return vec![refuse(message.to_owned())];
        }
        let without = self.folders.iter().filter(|folder| {
            let answer = xattr::get(folder, ACL_ATTRIBUTE);
            answer.is_err_and(|error| error.kind() == io::ErrorKind::Unsupported)
        });
        let message = |folder: &PathBuf| {
            let folder = folder.display();
            format!("the file system of {folder} does not support access control lists")
        };
        without.map(|folder| refuse(message(folder))).collect()
    }
}
