//! In place: instances leave the load balancer one after the other and come back.

use super::site::Site;
use crate::load::{Connections, Load};

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_while_instances_leave_and_come_back() {
    let site = Site::up(3, 0).await;
    let kept = Load::start(site.haproxy.front, "/?ms=2", 200, Connections::Kept);
    let new = Load::start(site.haproxy.front, "/?ms=2", 100, Connections::New);
    kept.next(50).await;
    for _ in 0..2 {
        let (id, code) = site.lab.deploy(&["rolling", "1.0"]);
        assert_eq!(code, 0, "{}", site.lab.show(&id));
        let shown = site.lab.show(&id).to_string();
        for event in [
            "BeforeBlockTraffic",
            "BlockTraffic",
            "AllowTraffic",
            "AfterAllowTraffic",
        ] {
            assert!(shown.contains(event), "{event}: {shown}");
        }
    }
    for load in [&kept, &new] {
        let count = load.count();
        assert_eq!(count.failed(), 0, "{count:?}");
    }
    let after = kept.next(300).await;
    assert_eq!(after.answers.len(), 3, "all are back: {after:?}");
}
