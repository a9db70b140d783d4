//! What the command line and the configuration file say together.

use std::net::SocketAddr;
use std::path::PathBuf;

use nix::unistd::{geteuid, initgroups, setgid, setuid};

use super::Args;
use crate::agent::config::{Config, DEFAULT_FILE, DEFAULT_ROOT, File};
use crate::agent::front::FrontUser;
use crate::agent::user;

const LISTEN: &str = "127.0.0.1:7420";
const PROGRAM: &str = "codedeploy-agent";

/// How the agent's process is set up.
#[derive(Debug)]
pub struct Settings {
    /// What the agent itself is handed.
    pub config: Config,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The folder of its own log, if it is not standard error.
    pub log_dir: Option<PathBuf>,
    /// How its log is called.
    pub program: String,
    /// Whether the log says more.
    pub verbose: bool,
    /// Where its process number goes.
    pub pid_file: Option<PathBuf>,
    /// What the operator should know about the configuration.
    pub notes: Vec<String>,
    /// Where all this was said.
    pub source: String,
    user: Option<(String, Option<String>)>,
    front_user: Option<String>,
}

impl Settings {
    /// Reads the file and puts the command line over it. The error is one sentence for the operator.
    pub fn of(args: &Args) -> Result<Self, String> {
        let file = match &args.config {
            Some(path) => File::read(path),
            None => File::read_default(),
        };
        let file = file.map_err(|error| error.to_string())?;
        let source = match &args.config {
            Some(path) => path.display().to_string(),
            None if file == File::default() => "the usual settings".to_owned(),
            None => DEFAULT_FILE.to_owned(),
        };
        let name = args.name.clone().or_else(|| file.name.clone());
        let name = name.ok_or_else(|| {
            format!("the agent needs the host's name: --name NAME, or name: NAME in {DEFAULT_FILE}")
        })?;
        let mut config = Config::new(name, DEFAULT_ROOT.into());
        file.apply(&mut config);
        if let Some(root) = &args.root {
            config.root.clone_from(root);
        }
        if args.install_root.is_some() {
            config.install_root.clone_from(&args.install_root);
        }
        let listen = args.listen.or(file.listen);
        let listen =
            listen.map_or_else(|| LISTEN.parse().map_err(|error| format!("{error}")), Ok)?;
        let program = file.program_name.clone();
        let program = program.unwrap_or_else(|| PROGRAM.to_owned());
        if program.contains('/') || program.is_empty() {
            return Err(format!(
                "program_name: {program:?} cannot be part of a file's name"
            ));
        }
        if file.group.is_some() && file.user.is_none() {
            return Err("group: goes with user, which is missing".to_owned());
        }
        let mut notes = Vec::new();
        if !file.without_effect.is_empty() {
            notes.push(format!(
                "these options of CodeDeploy's agent have no effect here: {}",
                file.without_effect.join(", ")
            ));
        }
        Ok(Self {
            config,
            listen,
            pid_file: file.pid_dir.map(|dir| dir.join(format!("{program}.pid"))),
            log_dir: file.log_dir,
            program,
            verbose: file.verbose.unwrap_or(false),
            notes,
            source,
            front_user: file.front_user,
            user: file.user.map(|user| (user, file.group)),
        })
    }

    /// The folders that are written to besides the agent's own.
    pub fn folders(&self) -> Vec<PathBuf> {
        let pid_dir = self.pid_file.as_ref().and_then(|file| file.parent());
        let pid_dir = pid_dir.map(PathBuf::from);
        self.log_dir.iter().cloned().chain(pid_dir).collect()
    }

    /// As whom the front runs. Only root can start it as another user: any other agent has it in its own process. Asked
    /// after [`Settings::become_user`].
    pub fn front(&self) -> Result<Option<FrontUser>, String> {
        if geteuid().is_root() {
            return FrontUser::find(self.front_user.as_deref()).map(Some);
        }
        Ok(None)
    }

    /// Becomes the user that the file asks for, for good.
    pub fn become_user(&self) -> Result<(), String> {
        let Some((name, group)) = &self.user else {
            return Ok(());
        };
        let (user, gid) = user::ids(name, group.as_deref())?;
        if user.uid == geteuid() {
            return Ok(());
        }
        let text = std::ffi::CString::new(name.as_str()).map_err(|error| error.to_string())?;
        initgroups(&text, gid)
            .and_then(|()| setgid(gid))
            .and_then(|()| setuid(user.uid))
            .map_err(|error| {
                format!(
                    "user: becoming {name} failed: {error}; start the agent as root or as {name}"
                )
            })
    }
}
