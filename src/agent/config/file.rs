//! The agent's configuration file. It has the names of `CodeDeploy`'s agent where they mean the same, with or without
//! the colon in front, so that a host's `codedeployagent.yml` can be used as it is.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::{Config, HaProxies, HookSecrets, Upstreams};
use crate::model::name::Name;
use crate::model::yaml::{self, Node, Value, YamlError};
use crate::store::archive::Owners;

/// The file that is read if no other is named, and it exists.
pub const DEFAULT_FILE: &str = "/etc/cutover-agent/agent.yml";

/// Options of `CodeDeploy`'s agent that mean nothing here: this agent is spoken to and does not poll, and it fetches
/// nothing from anywhere.
const WITHOUT_EFFECT: [&str; 17] = [
    "children",
    "deploy_control_endpoint",
    "disable_imds_v1",
    "enable_auth_policy",
    "http_read_timeout",
    "log_aws_wire",
    "max_runs_per_worker",
    "on_premises_config_file",
    "ongoing_deployment_tracking",
    "proxy_uri",
    "s3_endpoint_override",
    "use_fips_mode",
    "wait_after_connection_problem",
    "wait_after_error",
    "wait_after_throttle_error",
    "wait_between_runs",
    "wait_between_spawning_children",
];

/// What the reference says about an option.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the file.
    pub name: &'static str,
    /// What holds without it.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The options, each once: their names, types, defaults and meanings.
macro_rules! options {
    ($($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:literal;)+) => {
        /// What a configuration file says.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct File {
            $($(#[doc = $meaning])+ pub $name: Option<$type>,)+
            /// Options of `CodeDeploy`'s agent that are there and mean nothing here.
            #[serde(skip)]
            pub without_effect: Vec<String>,
        }

        /// Every option, in the order of the documentation.
        pub const REFERENCE: &[Setting] = &[$(Setting {
            name: stringify!($name),
            default: $default,
            meaning: concat!($($meaning),+),
        }),+];
    };
}

options! {
    /// The host's name, as the project knows it. Has to be here or in `--name`.
    name: Name = "none";
    /// Where orchestrators reach the agent: an address with a port. Before the host has joined (`cutover agent join`), one of the loopback.
    listen: SocketAddr = "`127.0.0.1:7420`";
    /// The folder in which the agent keeps its own files.
    root_dir: PathBuf = "`/var/lib/cutover-agent`";
    /// Everything that an AppSpec installs is placed below this folder; scripts see it as `INSTALL_ROOT`.
    install_root: PathBuf = "none: where the AppSpec says";
    /// The agent becomes this user before it opens any file. It must have been started as root for that.
    user: String = "none: who started it";
    /// The group that goes with `user`.
    group: String = "the user's own";
    /// The part of an agent of root's that the network reaches is a process of this user's, who may do nothing else.
    front_user: String = "`cutover-agent` if there is such a user, else `nobody`";
    /// The folder of the agent's own log, `<program_name>.log`, one file a day, seven kept.
    log_dir: PathBuf = "none: standard error";
    /// The folder of the file with the agent's process number, `<program_name>.pid`.
    pid_dir: PathBuf = "none: no such file";
    /// How the agent's log and the file with its process number are called.
    program_name: String = "`codedeploy-agent`";
    /// Whether the agent's log says more.
    verbose: bool = "`false`";
    /// How many revisions of a deployment group are kept, the current one included; at least 1.
    max_revisions: NonZeroUsize = "`5`";
    /// How long running events may go on when the agent is told to end, in seconds.
    kill_agent_max_wait_time_seconds: u64 = "`60`";
    /// A script that ended well succeeds after so many seconds, although a program that it started holds its output open. Without it the event fails at the script's timeout, as with CodeDeploy's agent.
    detach_grace_seconds: u64 = "none: it fails";
    /// Whether scripts get the agent's whole environment (without `LD_*`), and not a few variables of it.
    inherit_environment: bool = "`false`";
    /// Whether there is a log of the scripts of all deployments.
    enable_deployments_log: bool = "`true`";
    /// A script log with more bytes than this is renamed, and a new one begun.
    script_log_bytes: u64 = "`67108864`";
    /// How many files of a script log are kept, the current one included; at least 1.
    script_log_files: NonZeroU32 = "`8`";
    /// How much of one event's output is sent to the orchestrator, in bytes; a line counts with its bytes and 100 more. The host's logs have the whole.
    output_stream_bytes: u64 = "`4194304`";
    /// How many bytes a bundle may have. A larger one is refused when it arrives.
    max_bundle_bytes: u64 = "`2147483648`";
    /// How many bytes a revision may have when it is unpacked.
    max_unpacked_bytes: u64 = "`10737418240`";
    /// How many files, folders and links a revision may have.
    max_unpacked_entries: usize = "`200000`";
    /// How many times its own size a bundle may become when it is unpacked, from 64 MiB on.
    max_unpacked_ratio: u64 = "`200`";
    /// Whether symbolic links of a revision may lead out of it, as those with an absolute target do.
    links_may_leave_revision: bool = "`false`";
    /// Whether what is unpacked belongs to the agent's user, whatever owners a bundle names. Its files then have no set-user-ID and set-group-ID bits.
    ignore_archive_owners: bool = "`false`";
    /// The upstreams of an nginx on this host that orchestrators may change: see below.
    upstreams: Upstreams = "none";
    /// The backends of an HAProxy on this host whose servers orchestrators may move: see below.
    haproxies: HaProxies = "none";
    /// The secrets of this host that scripts are given: see below.
    secrets: HookSecrets = "none";
}

/// Why a configuration file is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("reading {}: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{source}", .path.display())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Where in it and what.
        source: YamlError,
    },
}

impl File {
    /// Reads a configuration file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or anything in it is not understood.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|source| ConfigError::Wrong {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads the default file, if it is there.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn read_default() -> Result<Self, ConfigError> {
        match Self::read(Path::new(DEFAULT_FILE)) {
            Err(ConfigError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(Self::default())
            }
            read => read,
        }
    }

    /// What a file with this text says.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let Some(mut document) = yaml::parse(text)? else {
            return Ok(Self::default());
        };
        let mut without_effect = Vec::new();
        if let Value::Mapping(entries) = &mut document.value {
            for (key, _) in entries.iter_mut() {
                without_colon(key);
            }
            entries.retain(|(key, _)| {
                let name = key.as_str().unwrap_or_default();
                let means_nothing = WITHOUT_EFFECT.contains(&name);
                without_effect.extend(means_nothing.then(|| name.to_owned()));
                !means_nothing
            });
            twice(entries)?;
        }
        let file: Self = yaml::from_node(&document)?;
        Ok(Self {
            without_effect,
            ..file
        })
    }

    /// Puts what the file says in the place of the usual settings.
    pub fn apply(&self, config: &mut Config) {
        fn set<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        let seconds = |seconds: u64| Duration::from_secs(seconds);
        set(&mut config.root, self.root_dir.as_ref());
        set(&mut config.max_revisions, self.max_revisions.as_ref());
        config.install_root = self.install_root.clone().or(config.install_root.take());
        let drain = self.kill_agent_max_wait_time_seconds.map(seconds);
        set(&mut config.drain, drain.as_ref());
        config.scripts.detach_grace = self.detach_grace_seconds.map(seconds);
        let inherit = self.inherit_environment;
        set(&mut config.scripts.inherit_environment, inherit.as_ref());
        let output = &mut config.output;
        set(
            &mut output.deployments_log,
            self.enable_deployments_log.as_ref(),
        );
        set(&mut output.log_bytes, self.script_log_bytes.as_ref());
        let files = self.script_log_files.map(NonZeroU32::get);
        set(&mut output.log_files, files.as_ref());
        set(&mut output.stream_bytes, self.output_stream_bytes.as_ref());
        let limits = &mut config.unpacking.limits;
        set(&mut limits.compressed, self.max_bundle_bytes.as_ref());
        set(&mut limits.unpacked, self.max_unpacked_bytes.as_ref());
        set(&mut limits.ratio, self.max_unpacked_ratio.as_ref());
        let links = self.links_may_leave_revision;
        set(&mut limits.links_may_leave, links.as_ref());
        set(&mut limits.entries, self.max_unpacked_entries.as_ref());
        let owners = self.ignore_archive_owners.map(|ignored| {
            if ignored {
                Owners::Unpacker
            } else {
                Owners::Archive
            }
        });
        set(&mut config.unpacking.owners, owners.as_ref());
        set(&mut config.upstreams, self.upstreams.as_ref());
        set(&mut config.haproxies, self.haproxies.as_ref());
        set(&mut config.secrets, self.secrets.as_ref());
    }
}

/// `CodeDeploy` writes `:root_dir:`, which is the key `:root_dir`.
fn without_colon(key: &mut Node) {
    if let Value::Scalar { text, .. } = &mut key.value
        && text.starts_with(':')
    {
        text.remove(0);
    }
}

/// An option with and without the colon is there twice, which the reader cannot know.
fn twice(entries: &[(Node, Node)]) -> Result<(), YamlError> {
    for (index, (key, _)) in entries.iter().enumerate() {
        let earlier = entries[..index]
            .iter()
            .find(|(other, _)| other.as_str() == key.as_str());
        if let Some((other, _)) = earlier {
            let message = format!(
                "the option is on line {} already, with or without its colon",
                other.span.start.line
            );
            return Err(YamlError::at(
                key,
                key.as_str().unwrap_or_default(),
                message,
            ));
        }
    }
    Ok(())
}
