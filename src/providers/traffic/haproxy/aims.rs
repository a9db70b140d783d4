//! What each server of a backend ought to be, and what that means for those who serve.

use std::collections::BTreeMap;

use super::stats::{self, Health, Servers};
use crate::providers::traffic::{Server, Service, Wanted, weights};

/// The largest weight.
pub(super) const MOST: u32 = 256;

/// The weight of a server where nothing says another.
const USUAL: u32 = 100;

/// Each server that is wanted, with its weight; servers that ought not to be in service have none.
pub(super) struct Aims<'a>(BTreeMap<&'a str, (&'a Server, u32)>);

impl<'a> Aims<'a> {
    /// What is wanted, and what follows from it for this backend.
    pub(super) fn of(wanted: &'a Wanted, servers: &Servers) -> Self {
        let split = wanted.split.is_some().then(|| weights(wanted, MOST));
        let weight = |server: &Server| {
            if server.service != Service::In {
                return 0;
            }
            if let Some(split) = &split {
                return split.get(&server.name).copied().unwrap_or(0);
            }
            // Without a split a server weighs what haproxy.cfg says, as do those that are nobody's business here.
            let configured = servers.get(server.name.as_str());
            configured
                .map(|now| now.configured_weight)
                .filter(|weight| *weight > 0)
                .unwrap_or_else(|| usual_weight(servers))
        };
        let aims = wanted.servers.iter();
        Self(aims.map(|s| (s.name.as_str(), (s, weight(s)))).collect())
    }

    /// Those that ought to be in service, with their weights.
    pub(super) fn entering(&self) -> impl Iterator<Item = (&'a Server, u32)> {
        self.of_service(Service::In)
    }

    /// Those of one kind, with their weights.
    pub(super) fn of_service(&self, service: Service) -> impl Iterator<Item = (&'a Server, u32)> {
        let all = self.0.values().copied();
        all.filter(move |(server, _)| server.service == service)
    }

    /// Whether everything is as it ought to be.
    pub(super) fn are_reached(&self, servers: &Servers) -> bool {
        self.0.values().all(|(server, weight)| {
            let is_in = server.service == Service::In;
            match servers.get(server.name.as_str()) {
                None => !is_in,
                Some(now) => {
                    now.service == server.service
                        && (!is_in || (now.weight == *weight && !now.check_is_off))
                }
            }
        })
    }

    /// Whether some server's first check is still to come, of those that others are relieved by.
    pub(super) fn are_unsettled(&self, servers: &Servers) -> bool {
        self.entering().any(|(server, _)| {
            let now = servers.get(server.name.as_str());
            now.is_some_and(|now| now.health == Health::Unsettled)
        })
    }

    /// Whether a server that gets requests would get none.
    pub(super) fn leave(&self, servers: &Servers) -> bool {
        let mut aims = self.0.iter();
        aims.any(|(name, (_, weight))| {
            *weight == 0 && servers.get(*name).is_some_and(stats::Server::is_serving)
        })
    }

    /// Whether a server is there that gets requests and still would.
    pub(super) fn stay(&self, servers: &Servers) -> bool {
        servers.iter().any(|(name, now)| {
            now.is_serving()
                && match self.0.get(name.as_str()) {
                    Some((_, weight)) => *weight > 0,
                    None => !now.backup,
                }
        })
    }

    /// Whether there could be one, once those that ought to be in service are.
    pub(super) fn could_stay(&self, servers: &Servers) -> bool {
        self.stay(servers) || self.0.values().any(|(_, weight)| *weight > 0)
    }

    /// Whether a server of the backend that is nobody's business here would be one if it were well.
    pub(super) fn would_stay_well(&self, servers: &Servers) -> bool {
        let mut others = servers
            .iter()
            .filter(|(name, _)| !self.0.contains_key(name.as_str()));
        others.any(|(_, now)| now.service == Service::In && now.weight > 0 && !now.backup)
    }
}

/// What most servers of the backend weigh that were told nothing else: the largest weight in haproxy.cfg.
pub(super) fn usual_weight(servers: &Servers) -> u32 {
    let active = servers.values().filter(|server| !server.backup);
    let most = active.map(|server| server.configured_weight).max();
    most.filter(|weight| *weight > 0).unwrap_or(USUAL)
}
