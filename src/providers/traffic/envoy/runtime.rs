//! Two clusters, original and replacement, weighed by runtime keys. Their hosts are Envoy's own business: whole sides get
//! traffic or do not.

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
    route: EnvoyRuntime,
    keys: [String; 2],
    /// What the servers of a side without weight were last asked to be: Envoy makes no difference.
    asked: Mutex<BTreeMap<Name, Service>>,
}

impl Runtime {
    pub fn new(route: EnvoyRuntime) -> Self {
        let key = |cluster: &str| format!("{}.{cluster}", route.key_prefix);
        Self {
            keys: [key(&route.original), key(&route.replacement)],
            route,
            asked: Mutex::default(),
        }
    }

    fn cluster(&self, side: Side) -> &str {
        match side {
            Side::Blue => &self.route.original,
            Side::Green => &self.route.replacement,
        }
    }

    pub async fn observe(
        &self,
        admin: &Admin,
        servers: &[Server],
    ) -> Result<Observed, TrafficError> {
        let [blue, green] = &self.keys;
        let names = [Side::Blue, Side::Green].map(|side| self.cluster(side));
        let (clusters, weights, epoch) = futures_util::try_join!(
            admin.two_clusters(names),
            admin.runtime([blue, green]),
            admin.epoch()
        )?;
        let weights = Weights::of(weights);
        let seen = servers.iter().filter_map(|server| {
            let cluster = &clusters[usize::from(server.side == Side::Green)];
            let other = &clusters[usize::from(server.side == Side::Blue)];
            let seen = self.seen(server, cluster, weights, other.hosts.len())?;
            Some((server.name.clone(), seen))
        });
        let gets = |side| weights.is_none_or(|weights| weights.of_side(side) > 0);
        let sides = clusters.iter().zip([Side::Blue, Side::Green]);
        let others = sides.filter(|(_, side)| gets(*side));
        Ok(Observed {
            servers: seen.collect(),
            others: others.map(|(it, _)| it.serving_besides(servers)).sum(),
            split: weights.and_then(Weights::split),
            epoch,
        })
    }

    /// A server as its cluster has it. Its weight is its cluster's, over the common denominator of both sides.
    fn seen(
        &self,
        server: &Server,
        cluster: &Cluster,
        weights: Option<Weights>,
        others: usize,
    ) -> Option<Seen> {
        let host = cluster.host(&server.endpoint)?;
        let of_side = weights.map(|weights| weights.of_side(server.side));
        let others = u32::try_from(others.max(1)).unwrap_or(u32::MAX);
        let service = match of_side {
            Some(0) => self
                .asked()
                .get(&server.name)
                .copied()
                .unwrap_or(Service::In),
            _ => Service::In,
        };
        let trouble = host.trouble();
        Some(Seen {
            service,
            healthy: Some(trouble.is_none()),
            trouble,
            weight: of_side.map(|weight| weight.saturating_mul(others)),
            in_flight: host.stat("rq_active"),
            requests: host.stat("rq_total"),
            errors: host.stat("rq_error"),
        })
    }

    pub async fn apply(
        &self,
        admin: &Admin,
        wanted: &Wanted,
        observed: &Observed,
    ) -> Result<(), TrafficError> {
        let split = wanted.split.unwrap_or_else(|| even(&wanted.servers));
        for server in &wanted.servers {
            if split.share(server.side) == 0 {
                continue;
            }
            if server.service != Service::In {
                return Err(admin.refused(format!(
                    "runtime keys weigh whole clusters, and {} of {} has a share of the traffic: give that side the share 0, or let single instances leave by `control: {{endpoints: …}}`",
                    self.cluster(server.side), server.name
                )));
            }
            if !observed.servers.contains_key(&server.name) {
                return Err(TrafficError::NoServer {
                    balancer: admin.label(),
                    server: server.name.clone(),
                    remedy: format!(
                        "add {} to its cluster {}",
                        server.endpoint,
                        self.cluster(server.side)
                    ),
                });
            }
        }
        let [blue, green] = &self.keys;
        let values = [
            (blue.as_str(), split.share(Side::Blue)),
            (green.as_str(), split.share(Side::Green)),
        ];
        admin.modify_runtime(values).await?;
        let asked = wanted.servers.iter().map(|s| (s.name.clone(), s.service));
        self.asked().extend(asked);
        Ok(())
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, BTreeMap<Name, Service>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The split by which every server in service has the same share.
fn even(servers: &[Server]) -> Split {
    let serving = servers.iter().filter(|s| s.service == Service::In);
    let (green, blue): (Vec<_>, Vec<_>) = serving.partition(|s| s.side == Side::Green);
    let all = (green.len() + blue.len()).max(1);
    let share = u8::try_from((green.len() * 100 + all / 2) / all);
    share
        .ok()
        .and_then(|share| Split::new(share).ok())
        .unwrap_or(Split::ORIGINAL)
}

/// The weights of both clusters, as Envoy has them.
#[derive(Clone, Copy, Debug)]
struct Weights {
    blue: u32,
    green: u32,
}

impl Weights {
    /// Without both keys the weights are those of Envoy's own configuration.
    fn of([blue, green]: [Option<u32>; 2]) -> Option<Self> {
        let (blue, green) = blue.zip(green)?;
        Some(Self { blue, green })
    }

    fn of_side(self, side: Side) -> u32 {
        match side {
            Side::Blue => self.blue,
            Side::Green => self.green,
        }
    }

    /// The split that they make, if it is in whole percents.
    fn split(self) -> Option<Split> {
        let (green, all) = (
            u64::from(self.green),
            u64::from(self.blue) + u64::from(self.green),
        );
        if all == 0 || (green * 100) % all != 0 {
            return None;
        }
        Split::new(u8::try_from(green * 100 / all).ok()?).ok()
    }
}
