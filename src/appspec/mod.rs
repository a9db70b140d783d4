//! Reading `AppSpec`s of the Server platform, as `CodeDeploy`'s agent does, and the rules that need no disk.
//!
//! Findings carry ids of the [`catalogue`]: `E` for errors, `W` for what only looks like a mistake.

pub mod acl;
pub mod catalogue;
mod context;
mod encoding;
mod environment;
pub mod events;
mod fields;
mod files;
mod finding;
mod hooks;
pub mod lambda;
pub mod paths;
mod permissions;
mod read;
pub mod select;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use acl::Acl;
pub use context::Context;
pub use encoding::{MAX_BYTES, decode};
pub use environment::RESERVED_VARIABLES;
pub use finding::{Finding, Position, sentence};
pub use read::{Review, parse, review};

use crate::model::deployment::FileExistsBehavior;
use crate::model::lifecycle::LifecycleEvent;

/// The names under which a revision may keep its `AppSpec`, the preferred one first.
pub const FILE_NAMES: [&str; 2] = ["appspec.yml", "appspec.yaml"];

/// How long a script may run where the `AppSpec` does not say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_hours(1);

/// What a revision asks of a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppSpec {
    /// What to copy where, in order.
    pub files: Vec<FileEntry>,
    /// What to do with files that exist; goes before the deployment's own setting.
    pub file_exists_behavior: Option<FileExistsBehavior>,
    /// Owners and modes of what was copied.
    pub permissions: Vec<Permission>,
    /// The scripts of each event, in order, by the event's name: also of events that are not the platform's, which only
    /// local deployments run, and of reserved ones, which nobody runs.
    pub hooks: BTreeMap<String, Vec<Hook>>,
    /// Where each of these events is named.
    pub event_positions: BTreeMap<String, Position>,
    /// What looks like a mistake but is no error.
    pub warnings: Vec<Finding>,
}

impl AppSpec {
    /// The scripts of an event.
    pub fn scripts(&self, event: LifecycleEvent) -> &[Hook] {
        self.hooks.get(event.name()).map_or(&[], Vec::as_slice)
    }
}

/// One entry of `files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// What to copy, relative to the revision's root; empty for all of it.
    pub source: PathBuf,
    /// The folder it goes to: absolute, without `.` and `..`.
    pub destination: PathBuf,
    /// Where the entry is.
    pub position: Position,
}

/// One entry of `permissions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Permission {
    /// A path on the host: absolute, without `.` and `..`.
    pub object: PathBuf,
    /// Which names below the object are meant.
    pub pattern: String,
    /// Which names directly below the object are not.
    pub except: Vec<String>,
    /// Whether files are meant.
    pub files: bool,
    /// Whether directories are meant.
    pub directories: bool,
    /// Whether the object is meant too, if it is a directory that the installation made.
    pub itself: bool,
    /// The new owner.
    pub owner: Option<String>,
    /// The new group.
    pub group: Option<String>,
    /// The new mode.
    pub mode: Option<u32>,
    /// The new access control list.
    pub acls: Vec<Acl>,
    /// The new `SELinux` context.
    pub context: Option<Context>,
    /// Where the entry is.
    pub position: Position,
}

/// The folder in which a script starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workdir {
    /// `/`.
    #[default]
    Root,
    /// The root of the revision that the script is in.
    Bundle,
}

/// One script of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The script as the `AppSpec` writes it.
    pub location: String,
    /// The script relative to the revision's root.
    pub path: PathBuf,
    /// How long it may run.
    pub timeout: Duration,
    /// As whom it runs, if not as the agent.
    pub runas: Option<String>,
    /// Whether it runs through `sudo`.
    pub sudo: bool,
    /// Where it starts.
    pub workdir: Workdir,
    /// Variables of its own, in the order in which they are written. None of them is the agent's.
    pub environment: Vec<(String, String)>,
    /// Where the entry is.
    pub position: Position,
}
