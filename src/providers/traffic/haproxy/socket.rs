//! Where the runtime API listens, and the way there: straight, or through the agent on that host.

use std::fmt;
use std::path::PathBuf;

use tokio::net::{TcpStream, UnixStream};

use crate::agent::haproxy::exchange::ask;
use crate::agent::protocol::{HaProxyAnswer, HaProxyCommand};
use crate::model::endpoint::Endpoint;
use crate::model::name::Name;
use crate::providers::hosts::{AgentClient, HostError};

/// Where the runtime API listens.
#[derive(Clone, Debug)]
pub(super) enum Socket {
    /// `127.0.0.1:9999`.
    Tcp(String),
    /// `unix:/run/haproxy.sock`.
    Unix(PathBuf),
    /// Where the agent of this host knows.
    Agent(Relay),
}

/// The agent on the host of an `HAProxy`.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    pub(super) agent: AgentClient,
    pub(super) host: Name,
    pub(super) backend: String,
}

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It can't be reached, or broke off before the end: then the command may have been carried out.
    Away(String),
    /// It was not passed on, and will not be.
    Refused(String),
}

impl Socket {
    /// Reads `ADDRESS:PORT` or `unix:/PATH`.
    ///
    /// # Errors
    /// If it is neither, in words that say what to write.
    pub(super) fn parse(address: &str) -> Result<Self, String> {
        if let Some(path) = address.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            if path.is_absolute() {
                return Ok(Self::Unix(path));
            }
        } else if Endpoint::parse(address).is_some() {
            return Ok(Self::Tcp(address.to_owned()));
        }
        Err(format!(
            "{address:?} is no address of a runtime API: write ADDRESS:PORT, as in 127.0.0.1:9999, or unix:/PATH, as in unix:/run/haproxy.sock"
        ))
    }

    /// Sends one command and answers the whole of what comes back.
    ///
    /// # Errors
    /// If there is no whole answer.
    pub(super) async fn ask(&self, command: &str) -> Result<String, Silence> {
        let asked = match self {
            Self::Tcp(address) => ask(TcpStream::connect(address), command).await,
            Self::Unix(path) => ask(UnixStream::connect(path), command).await,
            Self::Agent(relay) => return relay.ask(command).await,
        };
        asked.map_err(Silence::Away)
    }
}

impl Relay {
    async fn ask(&self, command: &str) -> Result<String, Silence> {
        let host = &self.host;
        let order = HaProxyCommand {
            host: host.clone(),
            backend: self.backend.clone(),
            command: command.to_owned(),
        };
        match self.agent.haproxy(&order).await {
            Ok(HaProxyAnswer::Said(answer)) => Ok(answer),
            Ok(HaProxyAnswer::Away(reason)) => Err(Silence::Away(reason)),
            Ok(HaProxyAnswer::Elsewhere(other)) => Err(Silence::Away(format!(
                "the agent at {host}'s address is {other}'s: correct the `address` of {host}"
            ))),
            Err(error @ (HostError::Unreachable { .. } | HostError::Untrusted { .. })) => {
                Err(Silence::Away(error.to_string()))
            }
            Err(HostError::Refused { reason, .. }) => Err(Silence::Refused(reason)),
            Err(HostError::Unknown { .. }) => Err(Silence::Refused(format!(
                "the agent on {host} is too old to pass commands on: install this version of cutover there, and start it again"
            ))),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "at {address}"),
            Self::Unix(path) => write!(f, "at {}", path.display()),
            Self::Agent(relay) => write!(f, "on {}", relay.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_say_what_to_write() {
        for text in ["127.0.0.1:9999", "[::1]:9999", "lb.example:9999"] {
            let socket = Socket::parse(text).unwrap();
            assert!(matches!(socket, Socket::Tcp(address) if address == text));
        }
        let unix = Socket::parse("unix:/run/haproxy.sock").unwrap();
        assert_eq!(unix.to_string(), "at /run/haproxy.sock");
        for text in ["", "9999", "/run/haproxy.sock", "unix:haproxy.sock"] {
            assert!(Socket::parse(text).unwrap_err().contains("unix:/PATH"));
        }
    }
}
