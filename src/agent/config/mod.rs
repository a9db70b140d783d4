//! How an agent is set up: what its parts are handed, and the file that an operator writes.

mod file;
mod haproxy;
mod secret;
#[cfg(test)]
mod tests;
mod upstream;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use file::{ConfigError, DEFAULT_FILE, File, REFERENCE, Setting};
pub use haproxy::{HaProxies, HaProxy};
pub use secret::{Form, HookSecret, HookSecrets};
pub use upstream::{Upstream, Upstreams};

use super::facts::LeastFree;
use super::front::FrontUser;
use super::protocol;
use crate::model::name::Name;
use crate::store::archive::{Limits, Owners};

/// Where the agent keeps its own files, if nobody says otherwise.
pub const DEFAULT_ROOT: &str = "/var/lib/cutover-agent";

/// How an agent is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// The host's name.
    pub name: Name,
    /// Where the agent keeps its own files.
    pub root: PathBuf,
    /// Whom the front runs as, in a process of its own. Without it, it is a task of this process.
    pub front: Option<FrontUser>,
    /// Every path that an `AppSpec` names is placed below this folder, if it is given.
    pub install_root: Option<PathBuf>,
    /// How long events are started without hearing from the orchestrator.
    pub lease: Duration,
    /// How often a stream shows that it is alive.
    pub heartbeat: Duration,
    /// How long running events may go on when the agent is told to end. What runs then is left to the next start, which
    /// ends it and reports it.
    pub drain: Duration,
    /// How many archives of a group are kept, the current one included.
    pub max_revisions: NonZeroUsize,
    /// How scripts run.
    pub scripts: Scripts,
    /// What is kept of their output, and where.
    pub output: Output,
    /// How bundles are unpacked.
    pub unpacking: Unpacking,
    /// Below this a disk counts as nearly full.
    pub least_free: LeastFree,
    /// The upstreams that it may change.
    pub upstreams: Upstreams,
    /// The backends of `HAProxy` whose servers it may move.
    pub haproxies: HaProxies,
    /// The secrets that scripts are given.
    pub secrets: HookSecrets,
}

/// How scripts run.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// How long a script's process group has between being asked to end and being killed.
    pub grace: Duration,
    /// After a script has ended well, a program that it started may hold its output open for so long before that is
    /// remarked on.
    pub hint: Duration,
    /// After that time the script counts as ended well all the same. Without it the event waits for the script's
    /// timeout and fails, as `CodeDeploy`'s agent does.
    pub detach_grace: Option<Duration>,
    /// Whether scripts get the agent's whole environment, and not a few variables of it.
    pub inherit_environment: bool,
}

/// What is kept of the scripts' output, and where.
#[derive(Clone, Debug)]
pub struct Output {
    /// Whether there is a log of all deployments, besides each deployment's own.
    pub deployments_log: bool,
    /// A log file with more bytes than this is renamed, and a new one begun.
    pub log_bytes: u64,
    /// So many files of a log are kept, the one being written included.
    pub log_files: u32,
    /// How much of one event's output is sent to the orchestrator. A line counts with its bytes and a hundred more.
    pub stream_bytes: u64,
}

/// How bundles are unpacked.
#[derive(Clone, Debug, Default)]
pub struct Unpacking {
    /// What a bundle may cost this host.
    pub limits: Limits,
    /// To whom its files belong.
    pub owners: Owners,
}

impl Config {
    /// The usual settings.
    pub fn new(name: Name, root: PathBuf) -> Self {
        Self {
            name,
            root,
            front: None,
            install_root: None,
            lease: protocol::LEASE,
            heartbeat: protocol::HEARTBEAT,
            drain: Duration::from_mins(1),
            max_revisions: const { NonZeroUsize::new(5).unwrap() },
            scripts: Scripts::default(),
            output: Output::default(),
            unpacking: Unpacking::default(),
            least_free: LeastFree::default(),
            upstreams: Upstreams::default(),
            haproxies: HaProxies::default(),
            secrets: HookSecrets::default(),
        }
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(5),
            hint: Duration::from_secs(5),
            detach_grace: None,
            inherit_environment: false,
        }
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            deployments_log: true,
            log_bytes: 64 * 1024 * 1024,
            log_files: 8,
            stream_bytes: 4 * 1024 * 1024,
        }
    }
}
