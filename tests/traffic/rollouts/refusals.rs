//! Load balancers that can't be reached, refuse or lack a server.

use super::each;
use super::front::{Front, Kind, lines};
use super::site::{Site, event, hosts};
use crate::haproxy::running::Running;

const ALL: &str = "CodeDeployDefault.AllAtOnce";

async fn one_that_is_away_is_waited_for(kind: Kind) {
    let mut site = Site::up(kind, 2, 0).await;
    let load = site.load();
    load.next(20).await;
    load.nothing_was_lost();
    drop(load);
    site.front.kill();
    let id = site.lab.ok(&["deploy", "shop", "rolling", "1.0"]);
    let silent = |now: &serde_json::Value| {
        let mut targets = now["targets"].as_array().unwrap().iter();
        targets.any(|target| !target["silentSince"].is_null())
    };
    site.lab.wait_for(&id, silent);
    let said = site.lab.ok(&["show", &id]);
    assert!(said.contains("load balancers silent for"), "{said}");
    site.front.again().await;
    let load = site.load();
    assert_eq!(site.lab.wait_for_end(&id), "Succeeded");
    load.nothing_was_lost();
}

each!(one_that_is_away_is_waited_for:
    haproxy_away HaProxy, haproxy_away_from_its_agent HaProxyThroughAgent, nginx_away Nginx, router_away Router);

#[tokio::test(flavor = "multi_thread")]
async fn one_that_refuses_leaves_everything_as_it_is() {
    let mut site = Site::up(Kind::HaProxy, 2, 0).await;
    let Front::HaProxy(haproxy) = &site.front else {
        panic!("it is an HAProxy");
    };
    let socket = haproxy.folder.path().join("user.sock");
    site.provider = format!(
        "haproxy: {{ address: 'unix:{}', backend: app }}",
        socket.display()
    );
    site.begin_again();
    let load = site.load();
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    assert_ne!(code, 0);
    let shown = site.lab.show(&id);
    let (status, said) = event(&shown, "web-1", "BlockTraffic");
    assert_eq!(status, "Failed");
    assert!(said.contains("level admin"), "{said}");
    assert_eq!(event(&shown, "web-1", "Install").0, "Skipped");
    assert_eq!(load.next(100).await.answers.len(), 2, "both serve");
    load.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_lacks_the_server_leaves_the_original_its_traffic() {
    let (lab, apps, servers) = hosts(2, 1).await;
    let front = Front::HaProxy(Running::start(&lines(&servers[..2])).await);
    let site = Site::behind(front, Kind::HaProxy, lab, apps, 2);
    let load = site.load();
    let id = site.ready("green", ALL);
    let shown = site.reroute_fails(&id);
    let (status, said) = event(&shown, "web-3", "AllowTraffic");
    assert_eq!(status, "Failed");
    assert!(
        said.contains("has no server web-3: add `server web-3"),
        "{said}"
    );
    assert_eq!(event(&shown, "web-1", "BlockTraffic").0, "Skipped");
    load.all_go_to("blue").await;
    load.nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whole_sides_cannot_do_is_refused_before_it_begins() {
    let site = Site::up(Kind::EnvoyRuntime, 2, 2).await;
    let refused = |arguments: &[&str]| {
        let output = site.lab.run(&[&["deploy", "shop"], arguments].concat());
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&["rolling", "1.0"]);
    assert!(
        said.contains("single instances can't leave it in place"),
        "{said}"
    );
    let swap = ["swap", "1.0", "--replacement", "side=green"];
    let one = ["--config", "CodeDeployDefault.OneAtATime"];
    let said = refused(&[&swap[..], &one[..]].concat());
    assert!(
        said.contains("only 1 of 2 instances enter at a time"),
        "{said}"
    );
    let said = refused(&["swap", "1.0", "--replacement", "role=web"]);
    assert!(said.contains("web-1, web-2 would be both"), "{said}");
    assert!(site.lab.list(&[]).is_empty());
}

async fn the_last_healthy_server_stays(kind: Kind) {
    let site = Site::up(kind, 1, 0).await;
    let load = site.load();
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    assert_ne!(code, 0);
    let shown = site.lab.show(&id);
    let (status, said) = event(&shown, "web-1", "BlockTraffic");
    assert_eq!(status, "Failed");
    assert!(
        said.contains("without web-1 the route would have no healthy server"),
        "{said}"
    );
    assert_eq!(event(&shown, "web-1", "ApplicationStop").0, "Skipped");
    load.all_go_to("blue").await;
    load.nothing_was_lost();
}

each!(the_last_healthy_server_stays:
    last_of_haproxy HaProxy, last_of_nginx Nginx, last_of_envoy EnvoyEndpoints, last_of_router Router);

#[tokio::test(flavor = "multi_thread")]
async fn an_unwell_server_does_not_count_as_one_that_stays() {
    let site = Site::up(Kind::HaProxy, 2, 0).await;
    site.apps[1].set_well(false);
    let load = site.load();
    let Front::HaProxy(haproxy) = &site.front else {
        panic!("it is an HAProxy");
    };
    while !haproxy.by_hand("show stat").await.contains("DOWN") {}
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    assert_ne!(code, 0);
    let shown = site.lab.show(&id);
    let (status, said) = event(&shown, "web-1", "BlockTraffic");
    assert_eq!(status, "Failed");
    assert!(said.contains("no healthy server"), "{said}");
    load.next(50).await;
    load.nothing_was_lost();
}
