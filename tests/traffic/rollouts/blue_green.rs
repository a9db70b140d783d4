//! Blue/green: the replacement is installed and tested, then traffic moves, and back.

use super::each;
use super::front::Kind;
use super::site::Site;

async fn there_and_back(kind: Kind) {
    let site = Site::up(kind, 2, 2).await;
    let load = site.load();
    load.all_go_to("blue").await;
    let lab = &site.lab;
    let asked = lab.run(&["deploy", "shop", "swap", "1.0"]);
    let said = String::from_utf8(asked.stderr).unwrap();
    let expected = "which instances are the replacement of shop/swap?";
    assert!(said.contains(expected), "{said}");

    for (side, other) in [("green", "blue"), ("blue", "green")] {
        // The second time it is the side that had the traffic before.
        let replacement = ["--replacement", "side=green"];
        let named = if side == "green" {
            &replacement[..]
        } else {
            &[]
        };
        let id = lab.ok(&[&["deploy", "shop", "swap", "1.0"], named].concat());
        lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
        load.all_go_to(other).await;
        lab.ok(&["reroute", &id]);
        assert_eq!(lab.wait_for_end(&id), "Succeeded");
        load.all_go_to(side).await;
    }
    load.nothing_was_lost();
}

each!(there_and_back:
    haproxy HaProxy, haproxy_through_its_agent HaProxyThroughAgent, nginx Nginx, envoy EnvoyEndpoints, envoy_by_keys EnvoyRuntime, router Router);
