//! What happens in the middle, when original and replacement serve side by side: a stop, the end of the orchestrator, a
//! restart of the load balancer.

use serde_json::{Value, json};

use super::each;
use super::front::Kind;
use super::site::{Clients, Held, Site};
use crate::lab::until;

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
    // Who shows the deployment learns what is wrong, in words and for programs.
    let trouble = || site.lab.show(&id)["traffic"]["balancers"][0]["trouble"].clone();
    until("its end is seen", || trouble().is_string());
    let said = site.lab.ok(&["show", &id]);
    let line = said
        .lines()
        .find(|line| line.starts_with("load balancer  web: "));
    assert!(line.is_some(), "{said}");
    site.front.again().await;
    until("it is well again", || trouble().is_null());
    let load = site.load();
    load.go_to_both().await;
    drop(held);
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    load.all_go_to("green").await;
    load.nothing_was_lost();

    // What is over is remembered, group by group.
    let said = site.lab.ok(&["traffic"]);
    for line in [
        "shop/rolling  web (",
        "  last deployment  none",
        "  traffic          web-1, web-2, as its document selects them",
        "shop/swap  web (",
        &format!("  last deployment  {id} Succeeded"),
        "  traffic          web-3, web-4, where the last deployment that moved it left it",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let text = site.lab.ok(&["traffic", &id, "--output", "json"]);
    let told: Value = serde_json::from_str(&text).unwrap();
    let [group] = &told["remembered"].as_array().unwrap()[..] else {
        panic!("its group alone: {told:#}");
    };
    assert_eq!(group["serving"], json!(["web-3", "web-4"]));
    assert_eq!(group["lastDeployment"]["deploymentId"], id);
}

each!(ends:
    ends_behind_haproxy HaProxy, ends_behind_haproxy_and_its_agent HaProxyThroughAgent, ends_behind_nginx Nginx, ends_behind_envoy EnvoyEndpoints,
    ends_behind_envoy_by_keys EnvoyRuntime, ends_behind_router Router);

/// Its own configuration gives the traffic to the side that has lost it since.
async fn forgets(kind: Kind) {
    let mut site = Site::up(kind, 2, 2).await;
    let load = site.load();
    let id = site.ready("green", site.kind.configuration());
    site.lab.ok(&["reroute", &id]);
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    let id = site.ready("blue", site.kind.configuration());
    load.all_go_to("green").await;
    site.front.is_looked_after().await;
    load.nothing_was_lost();
    drop(load);
    site.front.kill();
    site.front.again().await;
    let load = site.load();
    load.come_to("green").await;
    load.all_go_to("green").await;
    site.lab.ok(&["reroute", &id]);
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    load.all_go_to("blue").await;
    load.nothing_was_lost();
}

each!(forgets:
    haproxy_forgets_who_had_the_traffic HaProxy, nginx_forgets_nothing Nginx, envoy_forgets_who_had_the_traffic EnvoyEndpoints,
    envoy_forgets_the_keys_of_who_had_the_traffic EnvoyRuntime, a_router_forgets_nothing Router);
