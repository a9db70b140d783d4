//! Whether there is room for a plan where it is to be carried out, and whether anything may be written there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, eaccess, geteuid};

use super::place::Place;
use super::plan::{Plan, Step};
use crate::appspec::Finding;

/// The existing folders of the host below which a plan makes things.
#[derive(Debug)]
struct Ground<'a> {
    plan: &'a Plan,
    place: &'a Place,
    folders: HashMap<&'a Path, PathBuf>,
}

/// What a plan wants of one file system.
#[derive(Debug, Default)]
struct Want {
    folder: PathBuf,
    bytes: u64,
    files: u64,
}

impl<'a> Ground<'a> {
    /// The ground that a plan stands on.
    fn of(plan: &'a Plan, place: &'a Place) -> Self {
        Self {
            plan,
            place,
            folders: HashMap::new(),
        }
    }

    /// The lowest folder above a path of the plan that is not yet to be made.
    fn folder(&mut self, path: &'a Path) -> io::Result<PathBuf> {
        let above = path.parent().unwrap_or(path);
        if let Some(known) = self.folders.get(above) {
            return Ok(known.clone());
        }
        let folder = if self.plan.made.directories.contains(above) {
            self.folder(above)?
        } else {
            self.place.at(above)?
        };
        self.folders.insert(above, folder.clone());
        Ok(folder)
    }
}

/// The folders that change when a plan is carried out after a clean-up, as far as they are there already.
///
/// # Errors
///
/// When one would be outside of the installation root.
pub fn folders(
    plan: &Plan,
    place: &Place,
    gone: &HashSet<PathBuf>,
) -> io::Result<BTreeSet<PathBuf>> {
    let mut ground = Ground::of(plan, place);
    let steps = plan.steps.iter();
    let mut folders: BTreeSet<_> = steps
        .map(|step| ground.folder(step.path()))
        .collect::<io::Result<_>>()?;
    folders.extend(
        gone.iter()
            .filter_map(|path| Some(path.parent()?.to_owned())),
    );
    Ok(folders)
}

/// Finds folders that cannot be written: `E61`.
pub fn check_access(folders: &BTreeSet<PathBuf>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in folders {
        if let Err(error) = eaccess(folder, AccessFlags::W_OK | AccessFlags::X_OK) {
            let message = format!("{} cannot be written: {}", folder.display(), error.desc());
            findings.push(Finding::whole("E61", message));
        }
    }
    findings
}

/// Finds file systems that are too small: `E60`. Room that only the clean-up makes is not counted on, because a running
/// program keeps the space of its files: where it is needed, that is a warning, `W13`. Answers
/// errors and warnings.
///
/// # Errors
///
/// When a file system cannot be asked.
pub fn check_space(
    plan: &Plan,
    place: &Place,
    gone: &HashSet<PathBuf>,
) -> io::Result<(Vec<Finding>, Vec<Finding>)> {
    let mut ground = Ground::of(plan, place);
    let mut wants: BTreeMap<u64, Want> = BTreeMap::new();
    for step in &plan.steps {
        let folder = ground.folder(step.path())?;
        let want = wants.entry(fs::metadata(&folder)?.dev()).or_default();
        want.files += 1;
        if let Step::Copy { size, .. } = step {
            want.bytes += size;
        }
        want.folder = folder;
    }
    let freed = freed(gone);
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for (device, want) in &wants {
        match shortage(want, freed.get(device).copied().unwrap_or_default())? {
            Some(Shortage::Certain(message)) => errors.push(Finding::whole("E60", message)),
            Some(Shortage::Possible(message)) => warnings.push(Finding::whole("W13", message)),
            None => {}
        }
    }
    Ok((errors, warnings))
}

enum Shortage {
    /// There will not be enough.
    Certain(String),
    /// There will be enough if the clean-up frees what it removes.
    Possible(String),
}

fn shortage(want: &Want, freed: u64) -> io::Result<Option<Shortage>> {
    let system = statvfs(&want.folder)?;
    let blocks = if geteuid().is_root() {
        system.blocks_free()
    } else {
        system.blocks_available()
    };
    let free = blocks * system.fragment_size();
    let folder = want.folder.display();
    // Some file systems do not count their blocks, or not their files.
    if system.blocks() > 0 && want.bytes > free {
        let message = format!(
            "the file system of {folder} has {} free, and the revision's files need {}",
            size(free),
            size(want.bytes)
        );
        return Ok(Some(if want.bytes > free.saturating_add(freed) {
            Shortage::Certain(message)
        } else {
            Shortage::Possible(format!(
                "{message}: it fits only if no running program keeps what the clean-up removes"
            ))
        }));
    }
    if system.files() > 0 && want.files > system.files_free() {
        let message = format!(
            "the file system of {folder} can take {} more files, and the revision has {}",
            system.files_free(),
            want.files
        );
        return Ok(Some(Shortage::Possible(message)));
    }
    Ok(None)
}

/// What removing these paths frees on each device.
fn freed(gone: &HashSet<PathBuf>) -> HashMap<u64, u64> {
    let mut freed = HashMap::new();
    for path in gone {
        if let Ok(found) = fs::symlink_metadata(path)
            && found.is_file()
            && found.nlink() == 1
        {
            *freed.entry(found.dev()).or_default() += found.blocks() * 512;
        }
    }
    freed
}

/// A number of bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut whole, mut unit, mut rest) = (bytes, "bytes", 0);
    for name in UNITS {
        if whole < 1024 {
            break;
        }
        (rest, whole, unit) = (whole % 1024 * 10 / 1024, whole / 1024, name);
    }
    if unit == "bytes" {
        format!("{whole} bytes")
    } else {
        format!("{whole}.{rest} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (10 << 20, "10.0 MiB"),
            (3 << 40, "3.0 TiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn more_than_the_disk_has_is_refused_and_what_clean_up_frees_is_doubtful() {
        let scratch = tempfile::tempdir().unwrap();
        let want = |bytes| Want {
            folder: scratch.path().to_owned(),
            bytes,
            files: 1,
        };
        let too_much = 1 << 60;
        let found = |want, freed| shortage(&want, freed).unwrap();
        assert!(found(want(1), 0).is_none());
        assert!(matches!(
            found(want(too_much), 0),
            Some(Shortage::Certain(_))
        ));
        assert!(matches!(
            found(want(too_much), too_much),
            Some(Shortage::Possible(_))
        ));
    }
}
