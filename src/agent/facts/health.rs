//! What is wrong with a host, as far as its agent can see.

use std::path::Path;

use nix::unistd::{AccessFlags, access, geteuid};

use super::{Disk, HealthProblem, LeastFree};
use crate::agent::executor::Executor;
use crate::text::size;

/// Everything that is wrong.
pub(super) fn problems(agent: &Executor, disks: &[Disk]) -> Vec<HealthProblem> {
    let root = agent.config.root.as_path();
    let mut problems = Vec::new();
    for disk in disks {
        problems.extend(nearly_full(disk, agent.config.least_free));
        problems.extend(nearly_out_of_files(disk, agent.config.least_free));
    }
    match closed(root) {
        Some(reason) => problems.push(HealthProblem::new(
            "RootNotWritable",
            format!(
                "the agent cannot write to its root {}: {reason}",
                root.display()
            ),
            "mount it read-write, or give it to the user that the agent runs as",
        )),
        None => problems.extend(log(agent)),
    }
    problems.extend(not_root(agent));
    problems
}

/// Less free than what deployments need to go on for long.
fn nearly_full(disk: &Disk, least: LeastFree) -> Option<HealthProblem> {
    least.is_missed_by(disk).then(|| {
        HealthProblem::new(
            "DiskNearlyFull",
            format!(
                "only {} of {} are free on the file system of {}",
                size(disk.free),
                size(disk.total),
                disk.path
            ),
            "remove what is not needed there, or make it larger: deployments fail when it is full",
        )
    })
}

/// A file system can have space, and still no room for another file.
fn nearly_out_of_files(disk: &Disk, least: LeastFree) -> Option<HealthProblem> {
    let few =
        least.is_share_missed_by(disk.files_free, disk.files_total) && disk.files_free < 100_000;
    few.then(|| {
        HealthProblem::new(
            "FilesNearlyUsedUp",
            format!(
                "only {} more files can be made on the file system of {}, which holds {}",
                disk.files_free, disk.path, disk.files_total
            ),
            "remove small files that are not needed there: deployments fail when no file can be made",
        )
    })
}

/// Why nothing can be made in a folder, or a file not be written.
fn closed(path: &Path) -> Option<String> {
    let error = access(path, AccessFlags::W_OK).err()?;
    Some(error.desc().to_lowercase())
}

fn log(agent: &Executor) -> Option<HealthProblem> {
    let paths = [agent.layout.log(), agent.layout.deployments_log()];
    // The log of all deployments is made when the first script runs.
    paths.iter().filter(|path| path.exists()).find_map(|path| {
        Some(HealthProblem::new(
            "LogNotWritable",
            format!(
                "the agent's log {} cannot be written: {}",
                path.display(),
                closed(path)?
            ),
            "give it to the user that the agent runs as, or move it away and start the agent again",
        ))
    })
}

/// With an installation root, everything is placed below a folder that need not be root's: the agent is on trial.
fn not_root(agent: &Executor) -> Option<HealthProblem> {
    let alone = agent.install_root().is_none() && !geteuid().is_root();
    alone.then(|| {
        HealthProblem::new(
            "NotRoot",
            format!(
                "the agent runs as user {} and not as root: it can neither give files away nor run a hook as another user",
                geteuid()
            ),
            "run it as root, unless no AppSpec asks for an owner or for runas",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn disk(free: u64, total: u64) -> Disk {
        Disk {
            path: "/srv".to_owned(),
            total,
            free,
            files_total: 0,
            files_free: 0,
        }
    }

    #[test]
    fn a_disk_is_nearly_full_by_share_and_by_size() {
        let full = |free, total| nearly_full(&disk(free, total), LeastFree::default());
        assert!(full(2 * GIB, 100 * GIB).is_some());
        assert!(full(6 * GIB, 100 * GIB).is_none());
        assert!(
            full(20 * GIB, 10_000 * GIB).is_none(),
            "plenty, though few percent"
        );
        assert!(full(GIB, 4 * GIB).is_none(), "small, but a quarter is free");
        assert!(full(0, 0).is_none(), "a file system without a size");
        let words = full(2 * GIB, 100 * GIB).unwrap().message;
        assert_eq!(
            words,
            "only 2.0 GiB of 100.0 GiB are free on the file system of /srv"
        );
    }

    #[test]
    fn files_can_run_out_before_space_does() {
        let files = |free, total| {
            let disk = Disk {
                files_total: total,
                files_free: free,
                ..disk(GIB, GIB)
            };
            nearly_out_of_files(&disk, LeastFree::default())
        };
        assert!(files(10, 1_000_000).is_some());
        assert!(files(60_000, 1_000_000).is_none());
        assert!(files(0, 0).is_none(), "no such limit");
    }

    #[test]
    fn what_cannot_be_written_is_said_with_the_reason() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(closed(scratch.path()), None);
        let reason = closed(&scratch.path().join("gone")).unwrap();
        assert_eq!(reason, "no such file or directory");
    }
}
