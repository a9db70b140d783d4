//! From how the backend is to how it ought to be, without a moment in which nobody serves.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::HaProxyBalancer;
use super::aims::{Aims, usual_weight};
use super::place::{addresses, is_at};
use super::stats::{self, Servers};
use crate::model::name::Name;
use crate::providers::traffic::{Server, Service, TrafficError, Wanted};

/// How long a server that comes back may wait for its first health check before it gets requests without one.
const SETTLING: Duration = Duration::from_secs(15);

/// How often it is asked for.
const PACE: Duration = Duration::from_millis(25);

/// What is true of a backend that nobody would serve.
const NOTHING: &str = "and its clients would get 503: nothing is taken out";

impl HaProxyBalancer {
    /// Does what leads to what is wanted. Everything that can be foreseen is refused before the first command.
    pub(super) async fn put_right(&self, wanted: &Wanted) -> Result<(), TrafficError> {
        let mut servers = self.look().await?;
        let aims = Aims::of(wanted, &servers);
        let misplaced = self.misplaced(&aims, &servers).await?;
        let missing = self.missing(&aims, &servers)?;
        if aims.leave(&servers) && !aims.could_stay(&servers) {
            return Err(if aims.would_stay_well(&servers) {
                self.unwell()
            } else {
                self.no(format!(
                    "no server would be left in service of backend {}, {NOTHING}; put another server into service first",
                    self.backend
                ))
            });
        }
        if misplaced.is_empty() && missing.is_empty() && aims.are_reached(&servers) {
            return Ok(());
        }
        for server in &missing {
            self.add(server, &servers).await?;
        }
        for server in &misplaced {
            self.r#move(server).await?;
        }
        if !missing.is_empty() || !misplaced.is_empty() {
            servers = self.look().await?;
        }
        self.let_enter(&aims, servers).await?;
        self.take_out(&aims).await
    }

    /// Servers that ought to be in service and stand for another endpoint, all of them idle.
    async fn misplaced<'a>(
        &self,
        aims: &Aims<'a>,
        servers: &Servers,
    ) -> Result<Vec<&'a Server>, TrafficError> {
        let mut misplaced = Vec::new();
        for (server, _) in aims.entering() {
            let Some(now) = servers.get(server.name.as_str()) else {
                continue;
            };
            if is_at(now, &server.endpoint).await {
                continue;
            }
            if now.service == Service::In || now.in_flight > 0 {
                return Err(self.no(format!(
                    "server {} stands for {} and still works, but {} is wanted: drain it first, or correct haproxy.cfg, or the host's `endpoints`",
                    server.name, now.endpoint, server.endpoint
                )));
            }
            misplaced.push(server);
        }
        Ok(misplaced)
    }

    /// Servers that ought to be in service and aren't there. One that ought to be out is as it should be.
    fn missing<'a>(
        &self,
        aims: &Aims<'a>,
        servers: &Servers,
    ) -> Result<Vec<&'a Server>, TrafficError> {
        let missing: Vec<&Server> = aims
            .entering()
            .map(|(server, _)| server)
            .filter(|server| !servers.contains_key(server.name.as_str()))
            .collect();
        match missing.first() {
            Some(server) if self.added_with.is_none() => Err(TrafficError::NoServer {
                balancer: self.label.clone(),
                server: server.name.clone(),
                remedy: format!(
                    "add `server {} {}` to backend {} of haproxy.cfg, or `addServers: true` to the connection",
                    server.name, server.endpoint, self.backend
                ),
            }),
            _ => Ok(missing),
        }
    }

    async fn add(&self, server: &Server, servers: &Servers) -> Result<(), TrafficError> {
        let at = self.address(server).await?;
        let at = match at {
            IpAddr::V4(at) => format!("{at}:{}", server.endpoint.port),
            IpAddr::V6(at) => format!("[{at}]:{}", server.endpoint.port),
        };
        let command = format!(
            "add server {} {at} weight {} {}",
            self.named(&server.name),
            usual_weight(servers),
            self.added_with.as_deref().unwrap_or_default()
        );
        // It answers in words either way.
        let answer = self.ask(command.trim_end()).await?;
        if answer.contains("New server registered") || answer.contains("Already exists") {
            return Ok(());
        }
        Err(self.refused(command.trim_end(), &answer))
    }

    /// Gives an idle server another address. Maintenance closes its idle connections to the old one.
    async fn r#move(&self, server: &Server) -> Result<(), TrafficError> {
        let at = self.address(server).await?;
        let named = self.named(&server.name);
        self.set(&format!("set server {named} state maint")).await?;
        let command = format!("set server {named} addr {at} port {}", server.endpoint.port);
        // It answers in words either way.
        let answer = self.ask(&command).await?;
        let servers = self.look().await?;
        match servers.get(server.name.as_str()) {
            Some(now) if is_at(now, &server.endpoint).await => Ok(()),
            _ => Err(self.refused(&command, &answer)),
        }
    }

    async fn address(&self, server: &Server) -> Result<IpAddr, TrafficError> {
        let found = addresses(&server.endpoint).await;
        let found = found.map(|all| all.first().copied());
        found
            .map_err(|reason| self.no(reason))?
            .ok_or_else(|| self.no(format!("{} has no address", server.endpoint.host)))
    }

    /// Lets servers in. `HAProxy` takes one that comes out of maintenance for well until a check fails, so it comes by way of
    /// `drain`: there it is looked at, and gets nothing before it was found well. One that is found unwell is let in too, as
    /// it gets nothing until it is well.
    async fn let_enter(&self, aims: &Aims<'_>, mut servers: Servers) -> Result<(), TrafficError> {
        for (server, weight) in aims.entering() {
            let named = self.named(&server.name);
            let now = self.there(&servers, server)?;
            if now.service != Service::In && now.weight != weight {
                self.set(&format!("set server {named} weight {weight}"))
                    .await?;
            }
            if now.check_is_off {
                self.set(&format!("enable health {named}")).await?;
            }
            if now.service == Service::Out {
                self.set(&format!("set server {named} state drain")).await?;
            }
        }
        let deadline = Instant::now() + SETTLING;
        loop {
            servers = self.look().await?;
            if !aims.are_unsettled(&servers) || Instant::now() >= deadline {
                break;
            }
            sleep(PACE).await;
        }
        for (server, weight) in aims.entering() {
            let named = self.named(&server.name);
            let now = self.there(&servers, server)?;
            if now.weight < weight || (now.service != Service::In && now.weight != weight) {
                self.set(&format!("set server {named} weight {weight}"))
                    .await?;
            }
            if now.service != Service::In {
                self.set(&format!("set server {named} state ready")).await?;
            }
        }
        Ok(())
    }

    /// Takes servers out, if the backend as it is now can do without them.
    async fn take_out(&self, aims: &Aims<'_>) -> Result<(), TrafficError> {
        let servers = self.look().await?;
        if aims.leave(&servers) && !aims.stay(&servers) {
            return Err(self.unwell());
        }
        for (server, weight) in aims.entering() {
            if self.there(&servers, server)?.weight > weight {
                let named = self.named(&server.name);
                self.set(&format!("set server {named} weight {weight}"))
                    .await?;
            }
        }
        for (service, state) in [(Service::Draining, "drain"), (Service::Out, "maint")] {
            for (server, _) in aims.of_service(service) {
                let now = servers.get(server.name.as_str());
                if now.is_some_and(|now| now.service != service) {
                    let named = self.named(&server.name);
                    self.set(&format!("set server {named} state {state}"))
                        .await?;
                }
            }
        }
        Ok(())
    }

    fn named(&self, server: &Name) -> String {
        format!("{}/{server}", self.backend)
    }

    fn there<'s>(
        &self,
        servers: &'s Servers,
        server: &Server,
    ) -> Result<&'s stats::Server, TrafficError> {
        servers
            .get(server.name.as_str())
            .ok_or_else(|| TrafficError::Unreachable {
                balancer: self.label.clone(),
                reason: format!(
                    "server {} vanished while it was changed: it was restarted, or changed by hand",
                    server.name
                ),
            })
    }

    /// Who would stay is in service and may be well at any moment: a check that flaps, or has not passed yet.
    fn unwell(&self) -> TrafficError {
        TrafficError::Unwell {
            balancer: self.label.clone(),
            reason: format!(
                "none of the servers that would stay is up of backend {}, {NOTHING} until the health checks find one well",
                self.backend
            ),
        }
    }
}
