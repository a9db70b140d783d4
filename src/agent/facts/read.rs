//! Reads the facts: from the kernel, the file system, the agent's own folders and its log.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use nix::sys::statvfs::statvfs;

use super::{Disk, Facts, HealthProblem, Installed, Os, Running, health, os_release};
use crate::agent::core::Execution;
use crate::agent::executor::Executor;
use crate::agent::layout::{Layout, Pointer};
use crate::agent::log::Log;
use crate::agent::retention;
use crate::clock;
use crate::model::timestamp::Timestamp;

/// No file that is read here is larger, unless somebody made it so.
const LARGEST: u64 = 64 * 1024;

/// What stays the same as long as the agent runs.
#[derive(Clone, Copy, Debug)]
pub(in crate::agent) struct Source {
    started: Timestamp,
    booted: Option<Timestamp>,
}

impl Source {
    /// The agent starts now.
    pub(in crate::agent) fn new() -> Self {
        let started = clock::now();
        let before = |up: Duration| {
            let millis = i64::try_from(up.as_millis()).ok()?;
            Some(Timestamp(started.0.saturating_sub(millis)))
        };
        Self {
            started,
            booted: uptime().and_then(before),
        }
    }

    /// The facts as they are now. Reads files.
    pub(in crate::agent) fn facts(self, agent: &Executor) -> Facts {
        let (kernel, architecture, hostname) = kernel();
        let disks = disks(&agent.config.root, agent.install_root());
        let mut problems = health::problems(agent, &disks);
        let installed = installed(&agent.layout, &mut problems);
        let facts = Facts {
            clock: clock::now(),
            os: os(),
            kernel,
            architecture,
            hostname,
            booted: self.booted,
            started: self.started,
            agent_memory: memory(),
            disks,
            installed,
            running: running(&agent.log),
            left_out: 0,
            problems,
        };
        facts.bounded()
    }
}

/// A small text file; `None` if it cannot be read.
fn text(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn os() -> Os {
    // The second is what the first usually points to.
    let found = text("/etc/os-release").or_else(|| text("/usr/lib/os-release"));
    found.map_or_else(Os::default, |text| os_release::parse(&text))
}

/// Release, architecture and host name.
fn kernel() -> (String, String, String) {
    let Ok(name) = nix::sys::utsname::uname() else {
        return Default::default();
    };
    let owned = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    (
        owned(name.release()),
        owned(name.machine()),
        owned(name.nodename()),
    )
}

/// How long the kernel has been running.
fn uptime() -> Option<Duration> {
    let seconds: f64 = text("/proc/uptime")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The resident memory of this process.
fn memory() -> Option<u64> {
    let status = text("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn disks(root: &Path, install_root: Option<&Path>) -> Vec<Disk> {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let other = install_root.filter(|install_root| device(install_root) != device(root));
    std::iter::once(root)
        .chain(other)
        .filter_map(disk)
        .collect()
}

/// The file system that a path is on.
pub(in crate::agent) fn disk(path: &Path) -> Option<Disk> {
    let known = statvfs(path).ok()?;
    Some(Disk {
        path: path.display().to_string(),
        total: known.blocks() * known.fragment_size(),
        free: known.blocks_available() * known.fragment_size(),
        files_total: known.files(),
        files_free: known.files_available(),
    })
}

/// What the groups' pointers name, by application and group.
fn installed(layout: &Layout, problems: &mut Vec<HealthProblem>) -> Vec<Installed> {
    let groups = match layout.groups() {
        Ok(groups) => groups,
        Err(error) => {
            problems.push(unreadable("what is installed", &error));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for group in groups {
        match installed_for(layout, &group) {
            Ok(installed) => found.extend(installed),
            Err(error) => {
                let what = format!("what is installed for the deployment group {group}");
                problems.push(unreadable(&what, &error));
            }
        }
    }
    found.sort_by(|a, b| {
        let key = |installed: &Installed| {
            (
                installed.application_name.clone(),
                installed.deployment_group_name.clone(),
                installed.deployment_group_id.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    found
}

fn unreadable(what: &str, error: &io::Error) -> HealthProblem {
    HealthProblem::new(
        "InstalledUnreadable",
        format!("{what} cannot be read: {error}"),
        "look at the file; the next deployment to the group writes it anew",
    )
}

fn installed_for(layout: &Layout, group: &str) -> io::Result<Option<Installed>> {
    let Some(dir) = layout.pointer(group, Pointer::LastInstalled)? else {
        return Ok(None);
    };
    let name = dir.path().file_name().and_then(|name| name.to_str());
    let Some(deployment_id) = name.and_then(|name| name.parse().ok()) else {
        return Ok(None);
    };
    let record = retention::record(&dir);
    // The pointer is written when Install has ended well.
    let written = fs::metadata(layout.pointer_path(group, Pointer::LastInstalled))?.modified()?;
    let written = written.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (application_name, deployment_group_name, revision) = match record {
        Some(record) => (
            Some(record.application_name),
            Some(record.deployment_group_name),
            Some(record.revision),
        ),
        None => (None, None, None),
    };
    Ok(Some(Installed {
        deployment_group_id: group.to_owned(),
        deployment_id,
        application_name,
        deployment_group_name,
        revision,
        installed: i64::try_from(written.as_millis()).ok().map(Timestamp),
    }))
}

fn running(log: &Log) -> Vec<Running> {
    let known = log.known();
    let mut open: Vec<_> = known.open().collect();
    open.sort_by_key(|execution| execution.state.accepted_seq);
    let running = |execution: &Execution| Running {
        execution: execution.state.execution.clone(),
        deployment_id: execution.order.deployment_id.clone(),
        application_name: execution.order.application_name.clone(),
        deployment_group_name: execution.order.deployment_group_name.clone(),
        event: execution.running(),
    };
    open.into_iter().map(running).collect()
}
