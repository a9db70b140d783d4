//! `HAProxy` 2.6 or newer, by its runtime API.
//!
//! A server in service is `ready`, one that drains is in `drain`, one that is out in `maint`; its weight is 0 to 256. Nothing
//! of this outlives the process, so every look asks for all of it.

mod aims;
mod apply;
mod place;
mod remedy;
mod socket;
mod stats;
mod table;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use self::place::is_at;
use self::remedy::remedy;
use self::socket::{Relay, Silence, Socket};
use self::stats::{Health, Servers};
use self::table::first_line;
use super::{Abilities, Balancer, Observed, Seen, Server, TrafficError, Wanted};
use crate::agent::haproxy::command::{is_backend, is_plain};
use crate::model::connections::{HaProxy, RuntimeApi};
use crate::model::name::Name;
use crate::providers::hosts::AgentClient;

/// What a server that is added is given unless the connection says otherwise: it inherits nothing from `default-server`.
const SERVER_OPTIONS: &str = "check inter 1s";

/// A backend of an `HAProxy`.
#[derive(Debug)]
pub struct HaProxyBalancer {
    /// How it is called in errors.
    label: String,
    socket: Socket,
    backend: String,
    /// What servers are added with, if they may be.
    added_with: Option<String>,
}

impl HaProxyBalancer {
    /// The load balancer of this name, at the end of this connection; `agent` says who a host's agent is, if one is needed.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// If a field of the connection can't be meant, with what to write instead; or what `agent` says.
    pub fn new(
        name: &str,
        connection: &HaProxy,
        agent: impl FnOnce(&Name) -> Result<AgentClient, TrafficError>,
    ) -> Result<Self, TrafficError> {
        let refused = |reason: String| TrafficError::Refused {
            balancer: format!("the connection {name}"),
            reason,
        };
        let backend = connection.backend.clone();
        if !is_backend(&backend) {
            return Err(refused(format!(
                "{backend:?} is no name of a backend: write the word after `backend` in haproxy.cfg"
            )));
        }
        let options = connection.server_options.as_deref();
        let options = options.unwrap_or(SERVER_OPTIONS).trim();
        if let Some(odd) = options.chars().find(|c| !is_plain(*c)) {
            return Err(refused(format!(
                "`serverOptions` can't have {odd:?}: write what follows the address on a `server` line, as in {SERVER_OPTIONS:?}"
            )));
        }
        let api = connection.runtime_api();
        let socket = match api.map_err(|wrong| refused(wrong.to_string()))? {
            RuntimeApi::Address(address) => Socket::parse(address).map_err(refused)?,
            RuntimeApi::Host(host) => Socket::Agent(Relay {
                agent: agent(host)?,
                host: host.clone(),
                backend: backend.clone(),
            }),
        };
        Ok(Self {
            label: format!("HAProxy {name} {socket}"),
            socket,
            backend,
            added_with: connection.add_servers.then(|| options.to_owned()),
        })
    }

    /// Sends a command and answers what comes back.
    async fn ask(&self, command: &str) -> Result<String, TrafficError> {
        let asked = self.socket.ask(command).await;
        asked.map_err(|silence| match silence {
            Silence::Refused(reason) => self.no(reason),
            Silence::Away(reason) => TrafficError::Unreachable {
                balancer: self.label.clone(),
                reason,
            },
        })
    }

    /// Sends a command whose success is an empty answer.
    async fn set(&self, command: &str) -> Result<(), TrafficError> {
        let answer = self.ask(command).await?;
        if answer.trim().is_empty() {
            return Ok(());
        }
        Err(self.refused(command, &answer))
    }

    /// The backend's servers, all of them.
    async fn look(&self) -> Result<Servers, TrafficError> {
        let backend = &self.backend;
        let command = format!("show servers state {backend}");
        let states = self.ask(&command).await?;
        // Words where a table is expected: it has no such backend, or this is something else.
        if !states.starts_with("1\n") {
            return Err(self.refused(&command, &states));
        }
        let counters = self.ask(&format!("show stat {backend} 4 -1")).await?;
        stats::servers(&states, &counters).map_err(|reason| self.unreadable(reason))
    }

    fn unreadable(&self, reason: String) -> TrafficError {
        TrafficError::Unreadable {
            balancer: self.label.clone(),
            reason,
        }
    }

    fn no(&self, reason: String) -> TrafficError {
        TrafficError::Refused {
            balancer: self.label.clone(),
            reason,
        }
    }

    /// A command that was answered in words, and what to do when the words are known.
    fn refused(&self, command: &str, answer: &str) -> TrafficError {
        let words = first_line(answer);
        let remedy = remedy(&words);
        let remedy = remedy.map_or(String::new(), |remedy| format!(": {remedy}"));
        self.no(format!("{command:?} was answered {words:?}{remedy}"))
    }
}

impl Balancer for HaProxyBalancer {
    fn abilities(&self) -> Abilities {
        Abilities {
            split: true,
            in_flight: true,
            requests: true,
            health: true,
            largest_weight: aims::MOST,
        }
    }

    fn observe<'a>(
        &'a self,
        servers: &'a [Server],
    ) -> BoxFuture<'a, Result<Observed, TrafficError>> {
        async move {
            let info = self.ask("show info").await?;
            let epoch = stats::epoch(&info).map_err(|reason| self.unreadable(reason))?;
            let all = self.look().await?;
            let mut observed = Observed {
                epoch: Some(epoch),
                ..Observed::default()
            };
            for server in servers {
                if let Some(there) = all.get(server.name.as_str()) {
                    let seen = seen(there, server).await;
                    observed.servers.insert(server.name.clone(), seen);
                }
            }
            let asked = |name: &str| servers.iter().any(|s| s.name.as_str() == name);
            observed.others = all
                .iter()
                .filter(|(name, server)| server.is_serving() && !server.backup && !asked(name))
                .count();
            Ok(observed)
        }
        .boxed()
    }

    /// Goes by a look of its own, not by `observed`, which may be older than a restart or a change by hand.
    fn apply<'a>(
        &'a self,
        wanted: &'a Wanted,
        _observed: &'a Observed,
    ) -> BoxFuture<'a, Result<(), TrafficError>> {
        self.put_right(wanted).boxed()
    }
}

async fn seen(there: &stats::Server, asked: &Server) -> Seen {
    let (mut healthy, mut trouble) = match there.health {
        Health::Unknown => (None, None),
        Health::Well => (Some(true), None),
        Health::Unsettled | Health::Unwell => (Some(false), there.trouble.clone()),
    };
    if !is_at(there, &asked.endpoint).await {
        healthy = Some(false);
        trouble = Some(format!(
            "it stands for {}, not for {}",
            there.endpoint, asked.endpoint
        ));
    }
    Seen {
        service: there.service,
        healthy,
        trouble,
        weight: Some(there.weight),
        in_flight: Some(there.in_flight),
        requests: there.requests,
        errors: there.errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> HaProxy {
        HaProxy {
            address: Some("127.0.0.1:9999".to_owned()),
            host: None,
            backend: "app".to_owned(),
            add_servers: true,
            server_options: None,
        }
    }

    fn balancer(connection: &HaProxy) -> Result<HaProxyBalancer, TrafficError> {
        HaProxyBalancer::new("web", connection, |host| {
            Err(TrafficError::Refused {
                balancer: "the connection web".to_owned(),
                reason: format!("{host} is unknown: write another"),
            })
        })
    }

    #[test]
    fn no_field_of_the_connection_slips_in_another_command() {
        assert!(balancer(&connection()).is_ok());
        let broken: [fn(&mut HaProxy); 8] = [
            |c| c.address = Some("9999".to_owned()),
            |c| c.address = None,
            |c| c.host = Some("edge-1".parse().unwrap()),
            |c| (c.address, c.host) = (None, Some("edge-1".parse().unwrap())),
            |c| "app; quit".clone_into(&mut c.backend),
            |c| c.backend.clear(),
            |c| c.server_options = Some("check; quit".to_owned()),
            |c| c.server_options = Some("check\nquit".to_owned()),
        ];
        for break_it in broken {
            let mut connection = connection();
            break_it(&mut connection);
            let error = balancer(&connection).unwrap_err();
            assert!(!error.is_passing());
            let words = error.to_string();
            assert!(
                words.starts_with("the connection web refused: ") && words.contains("write "),
                "{words}"
            );
        }
    }
}
