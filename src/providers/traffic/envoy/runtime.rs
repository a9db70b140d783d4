//! Two clusters, weighed by runtime keys. Their hosts are Envoy's own business: whole clusters get traffic or do not. Which of
//! them is whose side is found out by where the servers are: what is the replacement now is the original next time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::super::{Observed, Seen, Server, Service, TrafficError, Wanted};
use super::admin::Admin;
use super::clusters::Cluster;
use crate::model::connections::EnvoyRuntime;
use crate::model::name::Name;
use crate::model::traffic::{Side, Split};

/// Two weighted clusters.
#[derive(Debug)]
pub struct Runtime {
    names: [String; 2],
    keys: [String; 2],
    /// What servers of a cluster without a share were last asked to be: Envoy makes no difference.
    asked: Mutex<BTreeMap<Name, Service>>,
}

/// The two clusters as they are.
struct Route {
    clusters: [Cluster; 2],
    /// In percent, or whatever was set by hand. None without both keys: then they are those of Envoy's own configuration.
    weights: Option<[u32; 2]>,
}

impl Runtime {
    pub fn new(route: EnvoyRuntime) -> Self {
        let names = [route.original, route.replacement];
        Self {
            keys: names
                .each_ref()
                .map(|name| format!("{}.{name}", route.key_prefix)),
            names,
            asked: Mutex::default(),
        }
    }

    async fn route(&self, admin: &Admin) -> Result<Route, TrafficError> {
        let (clusters, weights) = futures_util::try_join!(
            admin.two_clusters(self.names.each_ref().map(String::as_str)),
            admin.runtime(self.keys.each_ref().map(String::as_str)),
        )?;
        let weights = weights[0].zip(weights[1]).map(|(a, b)| [a, b]);
        Ok(Route { clusters, weights })
    }

    pub async fn observe(
        &self,
        admin: &Admin,
        servers: &[Server],
    ) -> Result<Observed, TrafficError> {
        let (route, epoch) = futures_util::try_join!(self.route(admin), admin.epoch())?;
        let seen = servers.iter().filter_map(|server| {
            let seen = self.seen(server, &route)?;
            Some((server.name.clone(), seen))
        });
        let others = (0..2).filter(|at| route.weight(*at) != Some(0));
        Ok(Observed {
            servers: seen.collect(),
            others: others
                .map(|at| route.clusters[at].serving_besides(servers))
                .sum(),
            split: route.split(servers),
            epoch,
            revision: None,
        })
    }

    /// A server as its cluster has it. Its weight is its cluster's, over the common denominator of both.
    fn seen(&self, server: &Server, route: &Route) -> Option<Seen> {
        let at = route.place(server)?;
        let host = route.clusters[at].host(&server.endpoint)?;
        let others = u32::try_from(route.clusters[1 - at].hosts.len().max(1)).unwrap_or(u32::MAX);
        let service = match route.weight(at) {
            Some(0) => self.asked().get(&server.name).copied(),
            Some(_) => Some(Service::In),
            // Envoy was restarted, or never told: it may get something, but nothing that was decided here.
            None => Some(Service::Draining),
        };
        let trouble = host.trouble();
        Some(Seen {
            service: service.unwrap_or(Service::Out),
            healthy: Some(trouble.is_none()),
            trouble,
            weight: route.weight(at).map(|weight| weight.saturating_mul(others)),
            in_flight: host.stat("rq_active"),
            requests: host.stat("rq_total"),
            errors: host.stat("rq_error"),
        })
    }

    pub async fn apply(&self, admin: &Admin, wanted: &Wanted) -> Result<(), TrafficError> {
        let route = self.route(admin).await?;
        let entering = |server: &&Server| {
            let share = wanted.split.map(|split| split.share(server.side));
            server.service == Service::In && share != Some(0)
        };
        for server in wanted.servers.iter().filter(entering) {
            if route.place(server).is_none() {
                let cluster = &self.names[route.of_side(server.side, &wanted.servers)];
                return Err(TrafficError::NoServer {
                    balancer: admin.label(),
                    server: server.name.clone(),
                    remedy: format!("add {} to its cluster {cluster}", server.endpoint),
                });
            }
        }
        let shares = match wanted.split {
            Some(split) => self.by_sides(admin, &route, wanted, split)?,
            None => self.by_servers(admin, &route, wanted)?,
        };
        if let Some(shares) = shares {
            let [one, other] = self.keys.each_ref().map(String::as_str);
            let values = [(one, shares[0]), (other, shares[1])];
            admin.modify_runtime(values).await?;
        }
        let mut asked = self.asked();
        for server in &wanted.servers {
            let share = shares.and_then(|shares| Some(shares[route.place(server)?]));
            // Without a split, one without a share waits for the rest of its cluster: it was not let in yet.
            let is_so = server.service != Service::In || wanted.split.is_some();
            if is_so && share.unwrap_or(0) == 0 {
                asked.insert(server.name.clone(), server.service);
            } else {
                asked.remove(&server.name);
            }
        }
        Ok(())
    }

    /// The shares of the clusters by those of the sides.
    fn by_sides(
        &self,
        admin: &Admin,
        route: &Route,
        wanted: &Wanted,
        split: Split,
    ) -> Result<Option<[u8; 2]>, TrafficError> {
        let leaves =
            |server: &&Server| server.service != Service::In && split.share(server.side) > 0;
        if let Some(server) = wanted.servers.iter().find(leaves) {
            let at = route.of_side(server.side, &wanted.servers);
            return Err(self.whole(admin, at, server));
        }
        let [blue, green] =
            [Side::Blue, Side::Green].map(|side| route.of_side(side, &wanted.servers));
        if blue == green {
            return Err(admin.refused(format!(
                "its cluster {} has instances of both sides: give each side a cluster of its own",
                self.names[blue]
            )));
        }
        let mut shares = [split.share(Side::Blue); 2];
        shares[green] = split.share(Side::Green);
        Ok(Some(shares))
    }

    /// The shares by which every server in service has the same; none if nothing is to change. A cluster gets a share when all
    /// of its servers are to be in service and well, and loses it when none is to be: Envoy answers 503 for one without hosts
    /// that are well.
    fn by_servers(
        &self,
        admin: &Admin,
        route: &Route,
        wanted: &Wanted,
    ) -> Result<Option<[u8; 2]>, TrafficError> {
        let mut serving = [0usize; 2];
        for (at, serving) in serving.iter_mut().enumerate() {
            let servers = wanted.servers.iter();
            let here = servers.filter(|server| route.place(server) == Some(at));
            let (stay, leave): (Vec<_>, Vec<_>) = here.partition(|s| s.service == Service::In);
            match leave.first() {
                Some(server) if !stay.is_empty() && route.weight(at).is_some_and(|w| w > 0) => {
                    return Err(self.whole(admin, at, server));
                }
                Some(_) => {}
                None if stay.is_empty() && route.weight(at) == Some(0) => {}
                None if route.weight(at) == Some(0) && !route.are_well(at, &stay) => {}
                // Those that nobody names stay as they are.
                None => *serving = route.clusters[at].hosts.len(),
            }
        }
        let all = serving[0] + serving[1];
        if all == 0 {
            // They wait for the rest of their cluster, or until they are well.
            if wanted.servers.iter().any(|s| s.service == Service::In) {
                return Ok(None);
            }
            return Err(admin.refused(
                "no cluster would have a share, and its clients would get 404: nothing was changed; put the other side into service first",
            ));
        }
        let share = (serving[1] * 100 + all / 2) / all;
        // One that serves never gets nothing.
        let share = match serving {
            [0, _] => 100,
            [_, 0] => 0,
            _ => share.clamp(1, 99),
        };
        let share = u8::try_from(share).unwrap_or(100);
        Ok(Some([100 - share, share]))
    }

    fn whole(&self, admin: &Admin, at: usize, server: &Server) -> TrafficError {
        admin.refused(format!(
            "runtime keys weigh whole clusters, and {} of {} has a share of the traffic: give that side the share 0, or let single instances leave by `control: {{endpoints: …}}`",
            self.names[at], server.name
        ))
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, BTreeMap<Name, Service>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Route {
    /// Which cluster has a server.
    fn place(&self, server: &Server) -> Option<usize> {
        let mut clusters = self.clusters.iter();
        clusters.position(|cluster| cluster.host(&server.endpoint).is_some())
    }

    /// Whether Envoy finds nothing wrong with these servers of a cluster.
    fn are_well(&self, at: usize, servers: &[&Server]) -> bool {
        servers.iter().all(|server| {
            let host = self.clusters[at].host(&server.endpoint);
            host.is_some_and(|host| host.trouble().is_none())
        })
    }

    /// The cluster of a side: that which has its servers, or has none of the other's. As they are called if neither tells.
    fn of_side(&self, side: Side, servers: &[Server]) -> usize {
        let of = |side| {
            let mut servers = servers.iter().filter(|server| server.side == side);
            servers.find_map(|server| self.place(server))
        };
        let found = of(side).or_else(|| Some(1 - of(side.other())?));
        found.unwrap_or(usize::from(side == Side::Green))
    }

    fn weight(&self, at: usize) -> Option<u32> {
        self.weights.map(|weights| weights[at])
    }

    /// The split that the weights make, if it is in whole percents.
    fn split(&self, servers: &[Server]) -> Option<Split> {
        let weights = self.weights?.map(u64::from);
        let (green, all) = (
            weights[self.of_side(Side::Green, servers)],
            weights[0] + weights[1],
        );
        if all == 0 || (green * 100) % all != 0 {
            return None;
        }
        Split::new(u8::try_from(green * 100 / all).ok()?).ok()
    }
}
