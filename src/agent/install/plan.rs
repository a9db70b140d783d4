//! What Install is going to do: worked out in full, with every conflict found, before anything is touched.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::place::Place;
use crate::appspec::select::Made;
use crate::appspec::{FileEntry, Finding};
use crate::model::deployment::FileExistsBehavior;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a directory.
    Directory {
        /// Which, as the host names it.
        path: PathBuf,
    },
    /// Copy a file, or make a symbolic link like the one in the revision.
    Copy {
        /// In the revision.
        source: PathBuf,
        /// On the host, as the host names it.
        path: PathBuf,
    },
}

impl Step {
    /// What is made, as the host names it.
    pub fn path(&self) -> &Path {
        match self {
            Self::Directory { path } | Self::Copy { path, .. } => path,
        }
    }
}

/// The steps in order, and what they make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to do.
    pub steps: Vec<Step>,
    /// What that makes.
    pub made: Made,
    /// Files that were found and are kept.
    pub retained: Vec<PathBuf>,
}

/// What a plan is made of.
#[derive(Debug)]
pub struct Planner<'a> {
    archive: &'a Path,
    place: &'a Place,
    gone: &'a HashSet<PathBuf>,
    behavior: FileExistsBehavior,
    plan: Plan,
    sources: BTreeMap<PathBuf, PathBuf>,
    findings: Vec<Finding>,
}

/// What is where something is to be made.
enum Found {
    Nothing,
    Directory,
    Other,
}

impl<'a> Planner<'a> {
    /// Starts a plan. Paths in `gone` will not be there any more when it is carried out.
    pub fn new(
        archive: &'a Path,
        place: &'a Place,
        gone: &'a HashSet<PathBuf>,
        behavior: FileExistsBehavior,
    ) -> Self {
        Self {
            archive,
            place,
            gone,
            behavior,
            plan: Plan::default(),
            sources: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// Plans all entries.
    ///
    /// # Errors
    ///
    /// Everything that stands in the way.
    pub fn plan(mut self, entries: &[FileEntry]) -> Result<Plan, Vec<Finding>> {
        for entry in entries {
            if let Err(error) = self.entry(entry) {
                let finding = Finding::at("E13", entry.position, error.to_string());
                self.findings.push(finding);
            }
        }
        if self.findings.is_empty() {
            Ok(self.plan)
        } else {
            Err(self.findings)
        }
    }

    fn entry(&mut self, entry: &FileEntry) -> io::Result<()> {
        let source = self.archive.join(&entry.source);
        let folder = if source == self.archive {
            self.archive
        } else {
            source.parent().unwrap_or(self.archive)
        };
        if folder
            .canonicalize()
            .is_ok_and(|folder| !folder.starts_with(self.archive))
        {
            return self.refuse(
                "E09",
                entry,
                format!("{} leads out of the revision", entry.source.display()),
            );
        }
        let Ok(found) = fs::symlink_metadata(&source) else {
            return self.refuse(
                "E08",
                entry,
                format!("{} is not in the revision", entry.source.display()),
            );
        };
        for directory in ancestors(&entry.destination) {
            self.directory(directory, entry)?;
        }
        // A source that is a link to a directory means that directory's contents; links further down stay links.
        let is_inside = || {
            source
                .canonicalize()
                .is_ok_and(|real| real.starts_with(self.archive))
        };
        if found.is_dir() || (found.is_symlink() && source.is_dir() && is_inside()) {
            self.contents(&source, &entry.destination, entry)
        } else {
            let name = source.file_name().unwrap_or_default();
            let path = entry.destination.join(name);
            self.file(source.clone(), path, entry)
        }
    }

    fn contents(&mut self, source: &Path, destination: &Path, entry: &FileEntry) -> io::Result<()> {
        let mut names = fs::read_dir(source)?
            .map(|child| Ok(child?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            let child = source.join(&name);
            let path = destination.join(&name);
            if fs::symlink_metadata(&child)?.is_dir() {
                self.directory(&path, entry)?;
                self.contents(&child, &path, entry)?;
            } else {
                self.file(child, path, entry)?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, path: &Path, entry: &FileEntry) -> io::Result<()> {
        if self.plan.made.directories.contains(path) {
            return Ok(());
        }
        if self.plan.made.files.contains(path) {
            return self.refuse(
                "E12",
                entry,
                format!("{} would be both a file and a directory", path.display()),
            );
        }
        match self.found_for_directory(path)? {
            Found::Directory => Ok(()),
            Found::Other => self.refuse(
                "E13",
                entry,
                format!("{} exists and is not a directory", path.display()),
            ),
            Found::Nothing => {
                self.plan.made.directories.insert(path.to_owned());
                self.plan.steps.push(Step::Directory {
                    path: path.to_owned(),
                });
                Ok(())
            }
        }
    }

    fn file(&mut self, source: PathBuf, path: PathBuf, entry: &FileEntry) -> io::Result<()> {
        if self.plan.made.directories.contains(&path) {
            return self.refuse(
                "E11",
                entry,
                format!("{} would be both a directory and a file", path.display()),
            );
        }
        if let Some(first) = self.sources.get(&path) {
            let inside = |source: &Path| {
                source
                    .strip_prefix(self.archive)
                    .unwrap_or(source)
                    .display()
                    .to_string()
            };
            let message = format!(
                "{} would be copied from both {} and {}",
                path.display(),
                inside(first),
                inside(&source)
            );
            return self.refuse("E10", entry, message);
        }
        self.sources.insert(path.clone(), source.clone());
        match (self.found(&path)?, self.behavior) {
            (Found::Directory, FileExistsBehavior::Overwrite | FileExistsBehavior::Retain) => self
                .refuse(
                    "E13",
                    entry,
                    format!("{} exists and is a directory", path.display()),
                ),
            (Found::Directory | Found::Other, FileExistsBehavior::Disallow) => {
                let message = format!(
                    "{} exists and was not put there by this deployment group. Remove it, or set file_exists_behavior to OVERWRITE or RETAIN",
                    path.display()
                );
                self.refuse("E15", entry, message)
            }
            (Found::Other, FileExistsBehavior::Retain) => {
                self.plan.retained.push(path);
                Ok(())
            }
            (Found::Nothing, _) | (Found::Other, FileExistsBehavior::Overwrite) => {
                self.plan.made.files.insert(path.clone());
                self.plan.steps.push(Step::Copy { source, path });
                Ok(())
            }
        }
    }

    /// Where a directory is needed, a link to one will do.
    fn found_for_directory(&self, path: &Path) -> io::Result<Found> {
        match self.found(path)? {
            Found::Other if self.place.is_directory(path) => Ok(Found::Directory),
            found => Ok(found),
        }
    }

    fn found(&self, path: &Path) -> io::Result<Found> {
        let at = self.place.at(path)?;
        if self.gone.contains(&at) {
            return Ok(Found::Nothing);
        }
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => Ok(Found::Directory),
            Ok(_) => Ok(Found::Other),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Found::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "callers end with it")]
    fn refuse(&mut self, id: &'static str, entry: &FileEntry, message: String) -> io::Result<()> {
        self.findings.push(Finding::at(id, entry.position, message));
        Ok(())
    }
}

/// The path's ancestors from the top down, then the path itself.
fn ancestors(path: &Path) -> Vec<&Path> {
    let mut all: Vec<_> = path.ancestors().collect();
    all.reverse();
    all
}
