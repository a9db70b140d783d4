//! The load balancer in front of a site: the real program of each kind, set up as its documentation says.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;

use cutover::model::connections::{self, EnvoyControl, EnvoyEndpoints};
use cutover::model::endpoint::Endpoint;
use cutover::providers::traffic::envoy::EnvoyBalancer;
use cutover::providers::traffic::{Balancer as _, Server, Service, Wanted};
use tempfile::TempDir;

use crate::agents::Agent;
use crate::envoy::{WEIGHED, cluster, configuration, discovered, start_envoy};
use crate::haproxy::running::{Running, Way};
use crate::load::Connections;
use crate::nginx::{HEADER, configure, start_nginx, upstreams};
use crate::program::{Program, addresses};
use crate::proxies::apply;
use crate::router::Proxy;

/// What stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    HaProxy,
    HaProxyThroughAgent,
    Nginx,
    EnvoyEndpoints,
    /// Whole sides get traffic or do not.
    EnvoyRuntime,
    Router,
}

impl Kind {
    /// Clients whose requests it never loses by itself: a reload of nginx closes connections that were kept.
    pub fn clients(self) -> &'static [Connections] {
        match self {
            Self::Nginx => &[Connections::New],
            _ => &[Connections::Kept, Connections::New],
        }
    }

    /// A configuration under which there is a middle: some of the replacement serves beside the original.
    pub fn configuration(self) -> &'static str {
        match self {
            Self::EnvoyRuntime => "CodeDeployDefault.AllAtOnce",
            _ => "CodeDeployDefault.OneAtATime",
        }
    }
}

pub enum Front {
    HaProxy(Running),
    Nginx(Nginx),
    Envoy(Box<Envoy>),
    Router(Box<Proxy>),
}

/// nginx and the agent of its host, `edge-1`.
pub struct Nginx {
    folder: TempDir,
    program: Option<Program>,
    agent: Agent,
    address: SocketAddr,
}

pub struct Envoy {
    folder: TempDir,
    program: Option<Program>,
    address: SocketAddr,
    admin: String,
    /// How it is driven, as a connection says it.
    control: String,
    /// Where its endpoints are served, if they are.
    served: Option<SocketAddr>,
}

impl Front {
    /// Starts one before these servers, of which those in service get traffic.
    pub async fn start(kind: Kind, servers: &[Server]) -> Self {
        match kind {
            Kind::HaProxy => Self::HaProxy(Running::start(&lines(servers)).await),
            Kind::HaProxyThroughAgent => {
                let way = Way::ThroughAgent;
                Self::HaProxy(Running::reached(way, &lines(servers)).await)
            }
            Kind::Nginx => Self::Nginx(Nginx::start(servers).await),
            Kind::EnvoyEndpoints => Self::Envoy(Box::new(Envoy::discovered(servers).await)),
            Kind::EnvoyRuntime => Self::Envoy(Box::new(Envoy::weighed(servers).await)),
            Kind::Router => {
                let health = "health: {path: /health, intervalMillis: 100, rise: 1, fall: 2}";
                Self::Router(Box::new(Proxy::start(servers, health).await))
            }
        }
    }

    /// Where clients go.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::HaProxy(it) => it.front,
            Self::Nginx(it) => it.address,
            Self::Envoy(it) => it.address,
            Self::Router(it) => it.address,
        }
    }

    /// The `provider` of its connection.
    pub fn provider(&self) -> String {
        match self {
            Self::HaProxy(it) if it.agent.is_some() => {
                "haproxy: { host: edge-1, backend: app }".to_owned()
            }
            Self::HaProxy(it) => format!("haproxy: {{ address: '{}', backend: app }}", it.api),
            Self::Nginx(_) => "nginx: { host: edge-1, upstream: app }".to_owned(),
            Self::Envoy(it) => {
                let (admin, control) = (&it.admin, &it.control);
                format!("envoy: {{ admin: '{admin}', control: {{ {control} }} }}")
            }
            Self::Router(it) => format!("router: {{ admin: '{}', route: shop }}", it.admin),
        }
    }

    /// A host that it takes besides, as `hosts` of cutover.yaml lists it.
    pub fn host(&self) -> String {
        match self {
            Self::HaProxy(it) => it.agent.as_ref().map_or(String::new(), Agent::host),
            Self::Nginx(it) => it.agent.host(),
            _ => String::new(),
        }
    }

    /// Waits until it would have everything again after a restart: what it needs cutover for is there.
    pub async fn is_looked_after(&mut self) {
        if let Self::Envoy(it) = self {
            let mut envoy = it.program.take().unwrap();
            let is_served = async || it.is_served().await;
            envoy.until("its endpoints are served", is_served).await;
            it.program = Some(envoy);
        }
    }

    /// Ends it, as a crash would.
    pub fn kill(&mut self) {
        match self {
            Self::HaProxy(it) => it.kill(),
            Self::Nginx(it) => it.program.take().unwrap().kill(),
            Self::Envoy(it) => it.program.take().unwrap().kill(),
            Self::Router(it) => it.program.kill(),
        }
    }

    /// Starts it again.
    pub async fn again(&mut self) {
        match self {
            Self::HaProxy(it) => it.run().await,
            Self::Nginx(it) => it.program = Some(start_nginx(&it.folder).await),
            Self::Envoy(it) => it.program = Some(start_envoy(&it.folder, &it.admin).await),
            Self::Router(it) => it.again(&[]).await,
        }
    }
}

/// The servers of a backend in haproxy.cfg.
pub fn lines(servers: &[Server]) -> Vec<String> {
    let line = |server: &Server| {
        let out = if serves(server) { "" } else { " disabled" };
        format!("{} {}{out}", server.name, server.endpoint)
    };
    servers.iter().map(line).collect()
}

fn serves(server: &Server) -> bool {
    server.service == Service::In
}

/// Where those of one kind serve.
fn those(servers: &[Server], which: impl Fn(&Server) -> bool) -> Vec<SocketAddr> {
    let those = servers.iter().filter(|server| which(server));
    those
        .map(|server| server.endpoint.to_string().parse().unwrap())
        .collect()
}

impl Nginx {
    async fn start(servers: &[Server]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let [address, _] = addresses();
        configure(&folder, address);
        let mut upstream = HEADER.to_owned();
        for at in those(servers, serves) {
            writeln!(upstream, "server {at};").unwrap();
        }
        fs::write(at("app.conf"), upstream).unwrap();
        fs::write(at("agent.yml"), upstreams(&folder)).unwrap();
        let program = Some(start_nginx(&folder).await);
        let agent = Agent::start(folder.path()).await;
        Self {
            folder,
            program,
            agent,
            address,
        }
    }
}

/// Nothing is sent to hosts that drain or are unwell, and they are looked at from the beginning.
const CAREFUL: &str = "common_lb_config: { healthy_panic_threshold: { value: 0 }, update_merge_window: 0s }, ignore_health_on_host_removal: true, \
     health_checks: [ { timeout: 1s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 2, healthy_threshold: 1, http_health_check: { path: /health } } ],";

impl Envoy {
    /// An earlier deployment put into service those that are.
    async fn discovered(servers: &[Server]) -> Self {
        let [served, _] = addresses();
        let clusters = discovered(CAREFUL) + &cluster("cutover", &[served], "");
        let control = format!("endpoints: {{ cluster: app, listen: '{served}' }}");
        let mut it = Self::start("{ cluster: app }", &clusters, control).await;
        it.served = Some(served);
        let endpoints = EnvoyEndpoints {
            cluster: "app".to_owned(),
            listen: Endpoint::parse(&served.to_string()).unwrap(),
        };
        let connection = connections::Envoy {
            admin: it.admin.clone(),
            control: EnvoyControl::Endpoints(endpoints),
        };
        let balancer = EnvoyBalancer::new(reqwest::Client::new(), &connection);
        let wanted = Wanted {
            servers: servers.iter().filter(|s| serves(s)).cloned().collect(),
            split: None,
        };
        apply(&balancer, &wanted).await.unwrap();
        let are_well = async || {
            let observed = balancer.observe(&wanted.servers).await.unwrap();
            let mut seen = observed.servers.values();
            seen.all(|seen| seen.service == Service::In && seen.healthy == Some(true))
        };
        let envoy = it.program.as_mut().unwrap();
        envoy.until("its hosts are well", are_well).await;
        it
    }

    async fn weighed(servers: &[Server]) -> Self {
        let blue = those(servers, serves);
        let green = those(servers, |server| !serves(server));
        let clusters = cluster("blue", &blue, CAREFUL) + &cluster("green", &green, CAREFUL);
        let control = "runtime: { keyPrefix: cut.app, original: blue, replacement: green }";
        Self::start(WEIGHED, &clusters, control.to_owned()).await
    }

    async fn start(route: &str, clusters: &str, control: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [admin, address] = addresses();
        let text = configuration(admin, address, route, clusters);
        fs::write(folder.path().join("envoy.yaml"), text).unwrap();
        let admin = format!("http://{admin}");
        Self {
            program: Some(start_envoy(&folder, &admin).await),
            folder,
            address,
            admin,
            control,
            served: None,
        }
    }

    async fn is_served(&self) -> bool {
        let Some(served) = self.served else {
            return true;
        };
        let url = format!("http://{served}/v3/discovery:endpoints");
        let body = serde_json::json!({ "resource_names": ["app"] });
        let answer = reqwest::Client::new().post(url).json(&body).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}
