//! What Install is going to do: worked out in full, with every conflict found, before anything is touched.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::claims::Claims;
use super::place::Place;
use crate::appspec::server::FileEntry;
use crate::appspec::server::select::Made;
use crate::appspec::{Finding, Position};
use crate::model::deployment::FileExistsBehavior;

/// The longest name, and the longest path, that Linux has.
const LONGEST: (usize, usize) = (255, 4095);

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
        /// How many bytes; none for a link.
        size: u64,
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
    /// What was found and is kept.
    pub retained: Vec<PathBuf>,
    /// Symbolic links that were found and give way to files.
    pub replaced_links: Vec<PathBuf>,
    /// What stands in the way.
    pub errors: Vec<Finding>,
    /// What looks like a mistake.
    pub warnings: Vec<Finding>,
}

/// What a plan is made of.
#[derive(Debug)]
pub struct Planner<'a> {
    archive: &'a Path,
    place: &'a Place,
    gone: &'a HashSet<PathBuf>,
    behavior: FileExistsBehavior,
    claims: Option<&'a Claims<'a>>,
    plan: Plan,
    sources: BTreeMap<PathBuf, PathBuf>,
    links: Vec<(PathBuf, PathBuf, Position)>,
}

/// What is where something is to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Directory,
    Link,
    Other,
}

/// The folder that an entry copies from, and those that links to folders led to from there.
struct Sources<'a> {
    entry: &'a FileEntry,
    root: PathBuf,
    through: Vec<PathBuf>,
}

impl<'a> Planner<'a> {
    /// Starts a plan. Paths in `gone` will not be there any more when it is carried out. The archive's path must be a
    /// canonical one.
    pub fn new(
        archive: &'a Path,
        place: &'a Place,
        gone: &'a HashSet<PathBuf>,
        behavior: FileExistsBehavior,
        claims: Option<&'a Claims<'a>>,
    ) -> Self {
        Self {
            archive,
            place,
            gone,
            behavior,
            claims,
            plan: Plan::default(),
            sources: BTreeMap::new(),
            links: Vec::new(),
        }
    }

    /// Plans all entries.
    pub fn plan(mut self, entries: &[FileEntry]) -> Plan {
        for entry in entries {
            if let Err(error) = self.entry(entry) {
                let error = Finding::at("E13", entry.position, error.to_string());
                self.plan.errors.push(error);
            }
        }
        let dangling: Vec<_> = self
            .links
            .iter()
            .filter_map(|link| self.dangles(link))
            .collect();
        self.plan.warnings.extend(dangling);
        self.plan
    }

    fn entry(&mut self, entry: &FileEntry) -> io::Result<()> {
        let source = self.archive.join(&entry.source);
        let folder = if source == self.archive {
            self.archive
        } else {
            source.parent().unwrap_or(self.archive)
        };
        let archive = self.archive;
        let leads_out = |path: &Path| {
            let real = path.canonicalize();
            real.is_ok_and(|real| !real.starts_with(archive))
        };
        if leads_out(folder) {
            let message = format!("{} leads out of the revision", entry.source.display());
            return self.refuse("E09", entry, message);
        }
        let Ok(found) = fs::symlink_metadata(&source) else {
            let message = format!("{} is not in the revision", entry.source.display());
            return self.refuse("E08", entry, message);
        };
        for directory in ancestors(&entry.destination) {
            self.directory(directory, entry)?;
        }
        // A source that is a link to a directory means that directory's contents.
        let is_link_to_directory = found.is_symlink() && source.is_dir() && !leads_out(&source);
        if found.is_dir() || is_link_to_directory {
            let sources = &mut Sources {
                entry,
                root: source.canonicalize()?,
                through: Vec::new(),
            };
            self.contents(&source, &entry.destination, sources)
        } else {
            let name = source.file_name().unwrap_or_default();
            let path = entry.destination.join(name);
            self.file(source.clone(), &found, path, entry)
        }
    }

    fn contents(
        &mut self,
        source: &Path,
        destination: &Path,
        sources: &mut Sources<'_>,
    ) -> io::Result<()> {
        let mut names = fs::read_dir(source)?
            .map(|child| Ok(child?.file_name()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            let child = source.join(&name);
            let path = destination.join(&name);
            let found = fs::symlink_metadata(&child)?;
            if found.is_dir() {
                self.directory(&path, sources.entry)?;
                self.contents(&child, &path, sources)?;
            } else if found.is_symlink()
                && let Some(real) = self.directory_elsewhere(&child, sources)
            {
                self.directory(&path, sources.entry)?;
                sources.through.push(real);
                self.contents(&child, &path, sources)?;
                sources.through.pop();
            } else {
                self.file(child, &found, path, sources.entry)?;
            }
        }
        Ok(())
    }

    /// The directory that a link means, if it is in the revision but not among what is copied with the link: on the host
    /// such a link would lead nowhere, so it stands for the directory's contents, as with `CodeDeploy`'s agent. Every
    /// other link stays a link.
    fn directory_elsewhere(&self, link: &Path, sources: &Sources<'_>) -> Option<PathBuf> {
        let real = link.canonicalize().ok()?;
        let mut above = sources.through.iter().chain([&sources.root]);
        let in_a_circle = above.any(|above| above.starts_with(&real));
        let together = sources.through.last().unwrap_or(&sources.root);
        let elsewhere = real.starts_with(self.archive) && !real.starts_with(together);
        (elsewhere && !in_a_circle && real.is_dir()).then_some(real)
    }

    fn directory(&mut self, path: &Path, entry: &FileEntry) -> io::Result<()> {
        if self.plan.made.directories.contains(path) {
            return Ok(());
        }
        if self.plan.made.files.contains(path) {
            let message = format!("{} would be both a file and a directory", path.display());
            return self.refuse("E12", entry, message);
        }
        match self.found(path)? {
            Found::Directory => Ok(()),
            // Where a directory is needed, a link to one will do.
            Found::Link if self.place.is_directory(path) => Ok(()),
            Found::Link | Found::Other => {
                let message = format!("{} exists and is not a directory", path.display());
                self.refuse("E13", entry, message)
            }
            Found::Nothing => {
                let path = path.to_owned();
                self.plan.made.directories.insert(path.clone());
                self.plan.steps.push(Step::Directory { path });
                Ok(())
            }
        }
    }

    fn file(
        &mut self,
        source: PathBuf,
        what: &Metadata,
        path: PathBuf,
        entry: &FileEntry,
    ) -> io::Result<()> {
        if !what.is_file() && !what.is_symlink() {
            let message = format!(
                "{} is neither a file, nor a directory, nor a link",
                self.inside(&source)
            );
            return self.refuse("E13", entry, message);
        }
        if self.plan.made.directories.contains(&path) {
            let message = format!("{} would be both a directory and a file", path.display());
            return self.refuse("E11", entry, message);
        }
        if let Some(first) = self.sources.get(&path) {
            let message = format!(
                "{} would be copied from both {} and {}",
                path.display(),
                self.inside(first),
                self.inside(&source)
            );
            return self.refuse("E10", entry, message);
        }
        self.sources.insert(path.clone(), source.clone());
        let found = self.found(&path)?;
        if found != Found::Nothing {
            match self.behavior {
                FileExistsBehavior::Disallow => {
                    let message = self.exists(&path);
                    return self.refuse("E15", entry, message);
                }
                FileExistsBehavior::Retain => {
                    self.plan.retained.push(path);
                    return Ok(());
                }
                FileExistsBehavior::Overwrite if found == Found::Directory => {
                    let message = format!("{} exists and is a directory", path.display());
                    return self.refuse("E13", entry, message);
                }
                FileExistsBehavior::Overwrite => self.overwrite(&path, found, entry),
            }
        }
        if what.is_symlink() {
            let target = fs::read_link(&source)?;
            self.links.push((path.clone(), target, entry.position));
        }
        let size = if what.is_file() { what.len() } else { 0 };
        self.plan.made.files.insert(path.clone());
        self.plan.steps.push(Step::Copy { source, path, size });
        Ok(())
    }

    fn exists(&self, path: &Path) -> String {
        let shown = path.display();
        match self.claims.and_then(|claims| claims.owner(path)) {
            Some(group) => format!(
                "{shown} exists and belongs to deployment group {group}. Let one of the two groups install it, or set file_exists_behavior to OVERWRITE or RETAIN"
            ),
            None => format!(
                "{shown} exists and was not put there by this deployment group. Remove it, or set file_exists_behavior to OVERWRITE or RETAIN"
            ),
        }
    }

    fn overwrite(&mut self, path: &Path, found: Found, entry: &FileEntry) {
        if found == Found::Link {
            self.plan.replaced_links.push(path.to_owned());
        }
        if let Some(group) = self.claims.and_then(|claims| claims.owner(path)) {
            let message = format!(
                "{} belongs to deployment group {group} and is overwritten; whichever of the two groups deploys next removes it",
                path.display()
            );
            let warning = Finding::at("W12", entry.position, message);
            self.plan.warnings.push(warning);
        }
    }

    fn found(&self, path: &Path) -> io::Result<Found> {
        let too_long = path.file_name().is_some_and(|name| name.len() > LONGEST.0)
            || path.as_os_str().as_bytes().len() > LONGEST.1;
        if too_long {
            let message = format!("{} is too long a name", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, message));
        }
        // What is where a directory is yet to be made will be gone, and with it what can be found behind it now.
        if path
            .parent()
            .is_some_and(|folder| self.plan.made.directories.contains(folder))
        {
            return Ok(Found::Nothing);
        }
        let at = self.place.real(path)?;
        if self.gone.contains(&at) {
            return Ok(Found::Nothing);
        }
        match fs::symlink_metadata(&at) {
            Ok(found) if found.is_dir() => Ok(Found::Directory),
            Ok(found) if found.is_symlink() => Ok(Found::Link),
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

    /// A warning if what a link leads to is not going to be there.
    fn dangles(&self, (path, target, position): &(PathBuf, PathBuf, Position)) -> Option<Finding> {
        let meant = normal(&path.parent().unwrap_or(path).join(target));
        let made = &self.plan.made;
        let is_there = || {
            let at = self.place.real(&meant);
            at.is_ok_and(|at| !self.gone.contains(&at) && fs::symlink_metadata(at).is_ok())
        };
        let is_made = made.files.contains(&meant) || made.directories.contains(&meant);
        // What an absolute one leads to is the host's matter, and may come later.
        if target.is_absolute() || is_made || is_there() {
            return None;
        }
        let (path, target) = (path.display(), target.display());
        let message = format!("the link {path} leads to {target}, which is not there");
        Some(Finding::at("W11", *position, message))
    }

    /// A source as the `AppSpec` could name it.
    fn inside(&self, source: &Path) -> String {
        let inside = source.strip_prefix(self.archive).unwrap_or(source);
        inside.display().to_string()
    }

    #[expect(clippy::unnecessary_wraps, reason = "callers end with it")]
    fn refuse(&mut self, id: &'static str, entry: &FileEntry, message: String) -> io::Result<()> {
        let error = Finding::at(id, entry.position, message);
        self.plan.errors.push(error);
        Ok(())
    }
}

/// The path's ancestors from the top down, then the path itself.
fn ancestors(path: &Path) -> Vec<&Path> {
    let mut all: Vec<_> = path.ancestors().collect();
    all.reverse();
    all
}

/// A path without `.` and `..`, as text.
fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain.pop();
            }
            _ => {}
        }
    }
    plain
}
