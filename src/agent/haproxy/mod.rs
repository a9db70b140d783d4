//! A small door for an `HAProxy` on this host whose runtime API listens on a Unix socket: commands are passed on for those
//! backends that the agent's own configuration names, if they are of a few kinds, and nothing else.

pub mod command;
pub mod exchange;

use tokio::net::UnixStream;

use super::config::{self, Config};
use super::protocol::{HaProxyAnswer, HaProxyCommand};
use crate::model::name::Name;
use crate::text::safe;

/// So many characters of a command that is refused are told.
const SHOWN: usize = 100;

/// Why a command is not passed on.
#[derive(Debug, thiserror::Error)]
pub enum HaProxyError {
    /// The configuration does not have the backend.
    #[error(
        "there is no backend {0} here: name it under `haproxies` in the agent's configuration, and start the agent again"
    )]
    Unknown(String),
    /// The command is none of those that move servers of this backend.
    #[error(
        "{command:?} is not passed on: only commands that move servers of backend {backend} are"
    )]
    Command {
        /// The backend.
        backend: String,
        /// The beginning of the command.
        command: String,
    },
}

/// The backends of this host that may be changed.
#[derive(Debug)]
pub struct HaProxies {
    host: Name,
    all: config::HaProxies,
}

impl HaProxies {
    /// Those that the configuration names.
    pub fn new(config: &Config) -> Self {
        Self {
            host: config.name.clone(),
            all: config.haproxies.clone(),
        }
    }

    /// Passes a command on, if it may be, and answers what came of it.
    pub async fn relay(&self, order: &HaProxyCommand) -> Result<HaProxyAnswer, HaProxyError> {
        let HaProxyCommand {
            host,
            backend,
            command,
        } = order;
        if *host != self.host {
            return Ok(HaProxyAnswer::Elsewhere(self.host.clone()));
        }
        let short = |text: &str| safe(&text.chars().take(SHOWN).collect::<String>());
        let Some(socket) = self.all.socket(backend) else {
            return Err(HaProxyError::Unknown(short(backend)));
        };
        if !command::is_allowed(backend, command) {
            let command = short(command);
            tracing::warn!(%backend, %command, "a command for HAProxy is not passed on");
            let backend = backend.clone();
            return Err(HaProxyError::Command { backend, command });
        }
        let asked = exchange::ask(UnixStream::connect(socket), command).await;
        Ok(match asked {
            Ok(answer) => HaProxyAnswer::Said(answer),
            Err(reason) => HaProxyAnswer::Away(format!("{}: {reason}", socket.display())),
        })
    }
}
