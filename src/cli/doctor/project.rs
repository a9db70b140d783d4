//! The project's documents, and where its state is.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access, getuid};

use super::{Finding, counted};
use crate::cli::context::Context;
use crate::store::documents::{self, Severity};
use crate::text::size;

/// Below this the journal may soon have no room.
const LEAST: u64 = 256 * 1024 * 1024;

/// Looks at the documents in a folder, and at their state.
pub(super) fn look(folder: &Path, context: &Context) -> Vec<Finding> {
    let mut findings = vec![read(folder)];
    if documents::settings(folder).is_err() {
        // Where it is, the documents say.
        return findings;
    }
    match context.state() {
        Ok(state) => findings.extend(kept(&state.directory, &state.journal())),
        Err(error) => findings.push(Finding::problem(
            "state",
            format!("{error:#}"),
            "nothing can be orchestrated without it",
        )),
    }
    findings
}

fn read(folder: &Path) -> Finding {
    let shown = folder.display();
    match documents::load(folder) {
        Ok(loaded) => {
            let project = &loaded.project;
            let warnings = loaded.notes.iter();
            let warnings = warnings.filter(|one| one.severity == Severity::Warning);
            let hosts = counted(project.hosts.len(), "host");
            let groups = counted(project.groups.len(), "deployment group");
            let found = format!("{shown}: {hosts}, {groups}");
            match warnings.count() {
                0 => Finding::ok("project", found),
                n => Finding::warning(
                    "project",
                    format!("{found}, {}", counted(n, "warning")),
                    "`cutover check` says which",
                ),
            }
        }
        Err(problems) => {
            let errors = problems.iter();
            let errors = errors.filter(|one| one.severity == Severity::Error);
            Finding::problem(
                "project",
                format!(
                    "{shown}: {} in the documents",
                    counted(errors.count(), "error")
                ),
                "`cutover check` says which",
            )
        }
    }
}

/// Where the state is: whose it is, who else may enter, what room there is.
fn kept(folder: &Path, journal: &Path) -> Vec<Finding> {
    let shown = folder.display();
    let about = match folder.metadata() {
        Ok(about) => about,
        Err(error) => {
            let found = format!("{shown}: {error}");
            let remedy = "make it readable for the user who orchestrates";
            return vec![Finding::problem("state", found, remedy)];
        }
    };
    let journal = journal.metadata().map_or(0, |about| about.len());
    let found = format!("{shown}, journal of {}", size(journal));
    vec![rights(folder, &about, &found), room(folder)]
}

fn rights(folder: &Path, about: &Metadata, found: &str) -> Finding {
    let mode = about.permissions().mode() & 0o7777;
    if about.uid() != getuid().as_raw() {
        let found = format!("{found}, of the user {}", about.uid());
        return Finding::warning("state", found, "only its owner orchestrates");
    }
    if access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let remedy = "give its owner the right to write, and mount it writable";
        return Finding::problem("state", format!("{found}, not writable"), remedy);
    }
    if mode & 0o077 != 0 {
        let found = format!("{found}, mode {mode:04o}");
        let remedy = format!("keys are in it: chmod 700 {}", folder.display());
        return Finding::warning("state", found, remedy);
    }
    Finding::ok("state", format!("{found}, mode {mode:04o}"))
}

fn room(folder: &Path) -> Finding {
    let Ok(disk) = statvfs(folder) else {
        let remedy = "look at how it is mounted";
        return Finding::warning("free space", "its file system does not say", remedy);
    };
    let free = disk.blocks_available().saturating_mul(disk.fragment_size());
    let found = format!("{} where the state is", size(free));
    if free < LEAST {
        let remedy = "make room: a journal that can't be written stops every rollout";
        return Finding::problem("free space", found, remedy);
    }
    Finding::ok("free space", found)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::super::State;
    use super::*;

    #[test]
    fn whoever_else_may_enter_the_state_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let states = |mode| {
            set_permissions(scratch.path(), Permissions::from_mode(mode)).unwrap();
            let found = kept(scratch.path(), &scratch.path().join("journal.sqlite"));
            found.into_iter().map(|one| one.state).next().unwrap()
        };
        assert_eq!(states(0o700), State::Ok);
        assert_eq!(states(0o750), State::Warning);
        let gone = kept(&scratch.path().join("gone"), Path::new("/"));
        assert_eq!(gone[0].state, State::Problem);
    }
}
