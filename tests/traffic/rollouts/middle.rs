//! What happens in the middle, when original and replacement serve side by side: a stop, the end of the orchestrator, a
//! restart of the load balancer.

use super::each;
use super::front::Kind;
use super::site::{Clients, Held, Site};

/// Brings a deployment to the middle.
async fn middle(site: &Site, load: &Clients) -> (String, Held) {
    let id = site.ready("green", site.kind.configuration());
    load.all_go_to("blue").await;
    let held = site.hold("web-3", "AfterAllowTraffic");
    site.lab.ok(&["reroute", &id]);
    load.go_to_both().await;
    (id, held)
}

async fn stops(kind: Kind) {
    let site = Site::up(kind, 2, 2).await;
    let (lab, load) = (&site.lab, site.load());

    let (id, held) = middle(&site, &load).await;
    lab.ok(&["stop", &id, "--no-rollback"]);
    drop(held);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    load.go_to_both().await;
    load.nothing_was_lost();

    // Whoever is of the replacement leaves before it is installed again.
    let (id, held) = middle(&site, &load).await;
    load.nothing_was_lost();
    lab.kill_orchestrator();
    lab.ok(&["stop", &id, "--rollback"]);
    drop(held);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    let back = lab.show(&id)["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"].clone();
    assert_eq!(lab.wait_for_end(back.as_str().unwrap()), "Succeeded");
    load.all_go_to("blue").await;
    // The original has not joined anything: nobody deploys to it now.
    let mine = lab.created_by("user").len() + lab.created_by("codeDeployRollback").len();
    assert_eq!(lab.list(&[]).len(), mine, "{:?}", lab.list(&[]));
    load.nothing_was_lost();
}

each!(stops:
    a_stop_behind_haproxy HaProxy, a_stop_behind_nginx Nginx, a_stop_behind_envoy EnvoyEndpoints,
    a_stop_behind_envoy_by_keys EnvoyRuntime, a_stop_behind_router Router);

async fn ends(kind: Kind) {
    let mut site = Site::up(kind, 2, 2).await;
    let load = site.load();
    let (id, held) = middle(&site, &load).await;
    site.lab.kill_orchestrator();
    // Another takes it up.
    site.lab.show(&id);
    load.go_to_both().await;
    site.front.is_looked_after().await;

    // Whatever its end costs is the load balancer's own.
    load.nothing_was_lost();
    drop(load);
    site.front.kill();
    site.front.again().await;
    let load = site.load();
    load.go_to_both().await;
    drop(held);
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    load.all_go_to("green").await;
    load.nothing_was_lost();
}

each!(ends:
    ends_behind_haproxy HaProxy, ends_behind_haproxy_and_its_agent HaProxyThroughAgent, ends_behind_nginx Nginx, ends_behind_envoy EnvoyEndpoints,
    ends_behind_envoy_by_keys EnvoyRuntime, ends_behind_router Router);
