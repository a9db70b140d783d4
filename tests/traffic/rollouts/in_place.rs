//! In place: instances leave the load balancer one after the other and come back.

use super::each;
use super::front::Kind;
use super::site::Site;

async fn instances_leave_and_come_back(kind: Kind) {
    let site = Site::up(kind, 3, 0).await;
    let load = site.load();
    load.next(50).await;
    let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
    let shown = site.lab.show(&id).to_string();
    assert_eq!(code, 0, "{shown}");
    for event in [
        "BeforeBlockTraffic",
        "BlockTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ] {
        assert!(shown.contains(event), "{event}: {shown}");
    }
    let after = load.next(120).await;
    assert_eq!(after.answers.len(), 3, "all are back: {after:?}");
    load.nothing_was_lost();
}

each!(instances_leave_and_come_back:
    haproxy HaProxy, haproxy_through_its_agent HaProxyThroughAgent, nginx Nginx, envoy EnvoyEndpoints, router Router);
