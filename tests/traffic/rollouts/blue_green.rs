//! Blue/green: the replacement is installed and tested, then traffic moves, and back.

use super::site::Site;
use crate::load::{Connections, Load};

#[tokio::test(flavor = "multi_thread")]
async fn traffic_moves_to_the_replacement_and_back_without_a_lost_request() {
    let site = Site::up(4, 2).await;
    let kept = Load::start(site.haproxy.front, "/?ms=2", 200, Connections::Kept);
    let new = Load::start(site.haproxy.front, "/?ms=2", 100, Connections::New);
    assert!((kept.next(50).await.share("blue") - 1.0).abs() < f64::EPSILON);
    let lab = &site.lab;
    let asked = lab.run(&["deploy", "shop", "swap", "1.0"]);
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(
        said.contains("which instances are the replacement of shop/swap?"),
        "{said}"
    );

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
        let waits = kept.next(100).await;
        assert!((waits.share(other) - 1.0).abs() < f64::EPSILON, "{waits:?}");
        lab.ok(&["reroute", &id]);
        assert_eq!(lab.wait_for_end(&id), "Succeeded");
        let moved = kept.next(100).await;
        assert!((moved.share(side) - 1.0).abs() < f64::EPSILON, "{moved:?}");
    }
    for load in [&kept, &new] {
        let count = load.count();
        assert_eq!(count.failed(), 0, "{count:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_gives_the_original_its_traffic_back() {
    let site = Site::up(4, 2).await;
    let load = Load::start(site.haproxy.front, "/?ms=2", 200, Connections::Kept);
    let lab = &site.lab;
    let deploy = [
        "deploy",
        "shop",
        "swap",
        "1.0",
        "--replacement",
        "side=green",
    ];
    let one = ["--config", "CodeDeployDefault.OneAtATime"];
    let id = lab.ok(&[&deploy[..], &one].concat());
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    lab.ok(&["reroute", &id]);
    // The first of the replacement is in, beside the original.
    let mixed = load
        .until(|count| count.answers.keys().any(|name| name.starts_with("green")))
        .await;
    assert_eq!(mixed.failed(), 0, "{mixed:?}");
    lab.kill_orchestrator();
    lab.ok(&["stop", &id, "--rollback"]);
    let ended = lab.wait_for_end(&id);
    let back = lab.show(&id)["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"].clone();
    if ended == "Stopped" {
        assert_eq!(lab.wait_for_end(back.as_str().unwrap()), "Succeeded");
        let after = load.next(100).await;
        assert!(
            (after.share("blue") - 1.0).abs() < f64::EPSILON,
            "{after:?}"
        );
    }
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}
