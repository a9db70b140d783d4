//! What there is to say about a revision before any host sees it: its `AppSpec`, and what that names.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::hooks::has_windows_shebang;
use super::install::foresee::{DryRun, foresee};
use super::install::place::Place;
use super::revision::{self, Found};
use super::unpack::{self, UnpackError};
use crate::appspec::server::{AppSpec, Hook, events};
use crate::appspec::{Finding, Review};
use crate::model::deployment::FileExistsBehavior;
use crate::store::archive::{Limits, Owners};

pub use super::revision::content;

/// Directories that every host has, so that no installation makes them.
const USUAL: [&str; 14] = [
    "etc/systemd/system",
    "home",
    "mnt",
    "opt",
    "root",
    "run",
    "srv",
    "tmp",
    "usr/lib",
    "usr/local/bin",
    "usr/local/etc",
    "usr/share",
    "var/lib",
    "var/log",
];

/// Everything that is wrong or looks like a mistake, in the order of the `AppSpec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// The `AppSpec`, relative to the revision's root; none if the revision has none.
    pub appspec: Option<String>,
    /// What is wrong.
    pub errors: Vec<Finding>,
    /// What looks like a mistake.
    pub warnings: Vec<Finding>,
    /// Whether the revision's files were looked at: that takes an `AppSpec` without errors, and its revision.
    pub complete: bool,
}

/// Inspects an `AppSpec` without its revision.
///
/// # Errors
///
/// When the file cannot be read.
pub fn file(path: &Path) -> io::Result<Inspection> {
    let found = Found {
        name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        review: revision::read(path)?,
    };
    inspected(found, None)
}

/// Inspects a bundle.
///
/// # Errors
///
/// When it cannot be unpacked here. One that would be refused everywhere is a finding.
pub fn bundle(path: &Path, requested: Option<&str>) -> Result<Inspection, UnpackError> {
    let scratch = tempfile::tempdir()?;
    let archive = scratch.path().join("archive");
    let unpacking = scratch.path().join("unpacking");
    let limits = Limits::structure();
    match unpack::unpack(path, &unpacking, &archive, &limits, Owners::Unpacker) {
        Err(UnpackError::Archive(error)) if error.is_refusal() => {
            return Ok(Inspection {
                errors: vec![Finding::whole("E62", error.to_string())],
                ..Inspection::default()
            });
        }
        unpacked => unpacked?,
    };
    let mut inspection = folder(&archive, requested)?;
    // People know the bundle, not where it was unpacked.
    for error in &mut inspection.errors {
        let (unpacked, known) = (archive.display().to_string(), path.display().to_string());
        error.message = error.message.replace(&unpacked, &known);
    }
    Ok(inspection)
}

/// Inspects an unpacked revision.
///
/// # Errors
///
/// When a file in it cannot be read.
pub fn folder(path: &Path, requested: Option<&str>) -> io::Result<Inspection> {
    let found = revision::review(path, requested);
    inspected(found, Some(&path.canonicalize()?))
}

/// What was found by looking at a revision's files.
struct Contents {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

fn inspected(found: Found, archive: Option<&Path>) -> io::Result<Inspection> {
    let mut complete = false;
    let Review {
        appspec,
        mut errors,
        mut warnings,
    } = found.review;
    if let Some(appspec) = &appspec {
        // Without an order every event is possible, so there is nothing but warnings.
        warnings.extend(events::check(appspec, None, &[]).unwrap_or_default());
        if let Some(archive) = archive.filter(|_| errors.is_empty()) {
            complete = true;
            let contents = planned(archive, appspec)?;
            errors = contents.errors;
            warnings.extend(contents.warnings);
            warnings.extend(scripts(archive, appspec));
        }
    }
    errors.sort_by_key(|finding| finding.position);
    warnings.sort_by_key(|finding| finding.position);
    Ok(Inspection {
        appspec: found.name,
        errors,
        warnings,
        complete,
    })
}

/// What would stand in the way of the revision on a host that has nothing but the usual directories.
fn planned(archive: &Path, appspec: &AppSpec) -> io::Result<Contents> {
    let host = tempfile::tempdir()?;
    for directory in USUAL {
        fs::create_dir_all(host.path().join(directory))?;
    }
    let place = Place::new(Some(host.path()))?;
    let gone = HashSet::new();
    let foresight = foresee(&DryRun {
        archive,
        appspec,
        place: &place,
        gone: &gone,
        behavior: FileExistsBehavior::Disallow,
        host: None,
    });
    let mut warnings = misnamed(archive, appspec);
    warnings.extend(foresight.warnings);
    Ok(Contents {
        errors: foresight.errors,
        warnings,
    })
}

/// Destinations that end in the name of the file that goes there.
fn misnamed(archive: &Path, appspec: &AppSpec) -> Vec<Finding> {
    let entries = appspec.files.iter().filter(|entry| {
        let name = entry.source.file_name();
        name.is_some()
            && name == entry.destination.file_name()
            && archive.join(&entry.source).is_file()
    });
    entries
        .map(|entry| {
            let destination = entry.destination.display();
            let name = entry
                .source
                .file_name()
                .unwrap_or_default()
                .to_string_lossy();
            let message =
                format!("{destination} is a directory: the file goes to {destination}/{name}");
            Finding::at("W10", entry.position, message)
        })
        .collect()
}

/// Scripts that are not in the revision, or will not run as they are.
pub fn scripts(archive: &Path, appspec: &AppSpec) -> Vec<Finding> {
    let mut known = HashSet::new();
    let hooks = appspec.hooks.values().flatten();
    hooks
        .filter(|hook| known.insert(&hook.path))
        .filter_map(|hook| script(archive, hook))
        .collect()
}

fn script(archive: &Path, hook: &Hook) -> Option<Finding> {
    let location = &hook.location;
    let warning = |id, message| Some(Finding::at(id, hook.position, message));
    let path = archive.join(&hook.path);
    let real = path.canonicalize().ok();
    let Some(real) = real.filter(|real| real.starts_with(archive)) else {
        let first = location.split_whitespace().next().unwrap_or_default();
        let arguments = first != location && archive.join(first.trim_start_matches('/')).is_file();
        let help = if arguments {
            format!(" ({first} is, but scripts have no arguments)")
        } else {
            String::new()
        };
        return warning(
            "W35",
            format!("the script {location:?} is not in the revision{help}"),
        );
    };
    let found = fs::metadata(&real).ok()?;
    if !found.is_file() {
        return warning("W36", format!("the script {location:?} is not a file"));
    }
    if has_windows_shebang(&real) {
        let message = format!(
            "the first line of {location:?} ends as on Windows, so its interpreter is not found"
        );
        return warning("W38", message);
    }
    if found.permissions().mode() & 0o111 == 0 {
        let message =
            format!("{location:?} is not executable; the agent changes that before it runs it");
        return warning("W37", message);
    }
    None
}
