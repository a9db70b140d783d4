//! Whether an agent could run here, found out without changing anything.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, User, access, geteuid};

use super::config::Config;
use super::facts::{LeastFree, disk};
use super::front::FrontUser;
use super::haproxy::exchange::cant_connect;
use super::hooks::user;
use super::install::tools::Tools;
use super::layout::Layout;
use super::process;
use super::trust::Trust;
use crate::clock;
use crate::model::timestamp::Timestamp;
use crate::text::size;

/// No clock that is right says an earlier time than this: 2026-01-01.
const EARLIEST: Timestamp = Timestamp(1_767_225_600_000);

/// How far the agent's files may seem to come from the future, in milliseconds.
const AHEAD: i64 = 5 * 60 * 1000;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    level: Level,
    subject: &'static str,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Ok,
    Warning,
    Problem,
}

impl Finding {
    /// All is well.
    pub fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Ok, subject, text)
    }

    /// The agent runs, but something will not work.
    pub fn warning(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Warning, subject, text)
    }

    /// The agent does not start.
    pub fn problem(subject: &'static str, text: impl Into<String>) -> Self {
        Self::new(Level::Problem, subject, text)
    }

    /// Whether the agent would not start.
    pub fn is_problem(&self) -> bool {
        self.level == Level::Problem
    }

    fn new(level: Level, subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            level,
            subject,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        };
        write!(f, "{level:<8} {:<14} {}", self.subject, self.text)
    }
}

/// Checks the host for an agent that listens there and writes to these folders besides its own.
pub fn host(config: &Config, listen: SocketAddr, folders: &[PathBuf]) -> Vec<Finding> {
    let runs = is_running(&config.root);
    let mut findings = vec![user_rights(), root(&config.root)];
    findings.extend(reach(&config.root));
    findings.push(room(&config.root, config.least_free));
    findings.push(if runs {
        let text = format!("an agent is running on {}", config.root.display());
        Finding::warning("lock", text)
    } else {
        Finding::ok("lock", "no agent is running here")
    });
    findings.push(address(&config.root, listen, runs));
    let install_root = config.install_root.iter();
    findings.extend(install_root.chain(folders).map(|path| folder(path)));
    let upstreams = config.upstreams.all().iter();
    findings.extend(upstreams.filter_map(|upstream| Some(folder(upstream.file.parent()?))));
    findings.extend(
        config
            .haproxies
            .all()
            .iter()
            .map(|one| haproxy(&one.socket)),
    );
    findings.extend(programs());
    findings.push(kernel());
    findings.push(time(&config.root));
    findings
}

fn user_rights() -> Finding {
    let own = geteuid();
    if own.is_root() {
        return Finding::ok("user", "root");
    }
    let name = User::from_uid(own).ok().flatten();
    let name = name.map_or_else(|| own.to_string(), |user| user.name);
    Finding::warning(
        "user",
        format!(
            "{name}, not root: only what {name} may write can be installed, owners cannot be set, and runas needs \
             sudo: true and sudo's rules; run the agent as root if revisions need more"
        ),
    )
}

/// Whether what the network reaches is apart from what touches the host.
pub fn front(user: Result<Option<FrontUser>, String>) -> Finding {
    match user {
        Err(message) => Finding::problem("front", message),
        Ok(None) => Finding::ok(
            "front",
            "in the agent's own process, with its user's rights",
        ),
        Ok(Some(user)) if user.may_run_this() => {
            Finding::ok("front", format!("a process of its own, as {}", user.name))
        }
        Ok(Some(user)) => Finding::problem(
            "front",
            format!("{} may not run this program; chmod o+x it", user.name),
        ),
    }
}

fn root(path: &Path) -> Finding {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match makeable(path) {
            Ok(above) => Finding::ok(
                "root",
                format!("{} will be made in {}", path.display(), above.display()),
            ),
            Err(text) => Finding::problem("root", text),
        },
        Err(error) => Finding::problem("root", format!("{}: {error}", path.display())),
        Ok(metadata) if !metadata.is_dir() => Finding::problem(
            "root",
            format!(
                "{} is not a folder; choose another root_dir",
                path.display()
            ),
        ),
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o7777;
            let text = format!("{}, mode {mode:04o}", path.display());
            if access(path, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
                Finding::problem(
                    "root",
                    format!("{text}: cannot be written; chown it to the agent's user"),
                )
            } else if metadata.uid() != geteuid().as_raw() {
                Finding::warning(
                    "root",
                    format!(
                        "{text}: belongs to user {}, who can change what runs here; chown it to the agent's user",
                        metadata.uid()
                    ),
                )
            } else if mode & 0o022 != 0 {
                Finding::warning(
                    "root",
                    format!("{text}: others may write to it; chmod go-w"),
                )
            } else {
                Finding::ok("root", text)
            }
        }
    }
}

/// The nearest folder above that exists, if something can be made in it.
fn makeable(path: &Path) -> Result<&Path, String> {
    let above = path.ancestors().skip(1).find(|above| above.is_dir());
    let above = above.ok_or_else(|| format!("{}: no folder above it exists", path.display()))?;
    match access(above, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => Ok(above),
        Err(error) => Err(format!(
            "{} cannot be made: {}: {error}; make it, and chown it to the agent's user",
            path.display(),
            above.display()
        )),
    }
}

/// Scripts that run as another user must get to the archive.
fn reach(path: &Path) -> Option<Finding> {
    let closed = path.ancestors().find(|above| {
        fs::metadata(above).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 == 0)
    })?;
    Some(Finding::warning(
        "root",
        format!(
            "others may not enter {}, so scripts with runas cannot be reached; chmod o+x, or choose another root_dir",
            closed.display()
        ),
    ))
}

/// Whether the disk is what a running agent would call nearly full. Whether it may be written to is the root's affair.
fn room(path: &Path, least: LeastFree) -> Finding {
    let there = path.ancestors().find(|path| path.exists());
    let Some(disk) = disk(there.unwrap_or(Path::new("/"))) else {
        return Finding::warning("disk", "how much room it has cannot be found out");
    };
    let text = format!("{} of {} free", size(disk.free), size(disk.total));
    if least.is_missed_by(&disk) {
        Finding::warning(
            "disk",
            format!("{text}; deployments need room for their bundle and what it unpacks to"),
        )
    } else {
        Finding::ok("disk", text)
    }
}

fn is_running(root: &Path) -> bool {
    let lock = File::open(root.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn address(root: &Path, listen: SocketAddr, runs: bool) -> Finding {
    if let Err(error) = Trust::may_listen(&Layout::of(root), listen) {
        return Finding::problem("listen", error.to_string());
    }
    match TcpListener::bind(listen) {
        Ok(_) => Finding::ok("listen", listen.to_string()),
        Err(error) if runs && error.kind() == io::ErrorKind::AddrInUse => {
            Finding::ok("listen", format!("{listen}, in use while the agent runs"))
        }
        Err(error) => Finding::problem("listen", format!("{listen}: {error}; choose another port")),
    }
}

fn folder(path: &Path) -> Finding {
    let shown = path.display();
    if !path.exists() {
        return match makeable(path) {
            Ok(_) => Finding::ok("folder", format!("{shown} will be made")),
            Err(text) => Finding::problem("folder", text),
        };
    }
    match access(path, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => Finding::ok("folder", shown.to_string()),
        Err(error) => Finding::problem(
            "folder",
            format!("{shown}: {error}; chown it to the agent's user"),
        ),
    }
}

/// The agent runs without it.
fn haproxy(socket: &Path) -> Finding {
    let shown = socket.display();
    match UnixStream::connect(socket) {
        Ok(_) => Finding::ok("haproxy", shown.to_string()),
        Err(error) => Finding::warning("haproxy", format!("{shown}: {}", cant_connect(&error))),
    }
}

/// What some revisions need, and where it comes from.
fn programs() -> Vec<Finding> {
    let runas = if geteuid().is_root() {
        (&user::SETPRIV[..], "setpriv", "runas", "util-linux")
    } else {
        (&user::SUDO[..], "sudo", "runas with sudo: true", "sudo")
    };
    let (paths, name, purpose, package) = runas;
    let is_there = paths.iter().any(|path| Path::new(path).exists());
    let tools = Tools::of_host();
    let contexts = match &tools.selinux {
        Ok(_) => Finding::ok(
            "program",
            "semanage and restorecon, for permissions with a context",
        ),
        Err(why) => Finding::warning(
            "program",
            format!("contexts of permissions are reported as not run: {why}"),
        ),
    };
    vec![
        needed(is_there, name, purpose, package),
        needed(
            tools.setfacl.is_some(),
            "setfacl",
            "permissions with acls",
            "acl",
        ),
        contexts,
    ]
}

fn needed(is_there: bool, name: &str, purpose: &str, package: &str) -> Finding {
    if is_there {
        Finding::ok("program", format!("{name}, for {purpose}"))
    } else {
        let text =
            format!("{name} is missing: revisions that use {purpose} fail; install {package}");
        Finding::warning("program", text)
    }
}

fn kernel() -> Finding {
    match process::boot_id() {
        Ok(_) => Finding::ok("kernel", "/proc is there"),
        Err(error) => Finding::problem("kernel", format!("/proc says nothing: {error}; mount it")),
    }
}

fn time(root: &Path) -> Finding {
    let now = clock::now();
    if now < EARLIEST {
        return Finding::warning("clock", "it is years behind; set it, or run a time service");
    }
    let newest = fs::read_dir(root.join("log"))
        .into_iter()
        .flatten()
        .flatten();
    let newest = newest
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max();
    let newest = newest
        .and_then(|time| jiff::Timestamp::try_from(time).ok())
        .map_or(0, jiff::Timestamp::as_millisecond);
    if newest > now.0 + AHEAD {
        let text =
            "it has gone back: the agent's log was written in its future; run a time service";
        return Finding::warning("clock", text);
    }
    Finding::ok("clock", "plausible")
}
