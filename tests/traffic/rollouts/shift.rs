//! Traffic that shifts by weight: the share that was asked for is the share that arrives, whatever happens meanwhile.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::each;
use super::front::Kind;
use super::site::{Clients, Site};

const DEPLOY: [&str; 8] = [
    "deploy",
    "shop",
    "swap",
    "1.0",
    "--replacement",
    "side=green",
    "--config",
    "shifting",
];

impl Site {
    /// Waits until the load balancer has the share in effect.
    pub async fn has_in_effect(&self, id: &str, share: u64) -> Value {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = self.lab.ok(&["traffic", id, "--output", "json"]);
            let now: Value = serde_json::from_str(&text).unwrap();
            let balancer = &now["traffic"][0]["balancers"][0];
            if balancer["inEffect"] == share {
                return balancer.clone();
            }
            assert!(
                Instant::now() < deadline,
                "{share} % was not in effect: {now:#}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The share of the replacement among the next requests is this one, as nearly as chance allows: some load balancers throw
/// dice for each request. One that finds a server unwell for a moment shares among the others, and is given another chance; a
/// side that is to have nothing has nothing at once.
pub async fn arrives(load: &Clients, share: f64) {
    // What was on its way when the share changed.
    load.next(50).await;
    let deviation = (share * (1.0 - share) / 400.0_f64).sqrt();
    let mut chances = if deviation > 0.0 { CHANCES } else { 1 };
    loop {
        let count = load.next(REQUESTS).await;
        assert_eq!(count.failed(), 0, "{count:?}");
        let found = count.share("green");
        if (found - share).abs() <= 4.0 * deviation {
            return;
        }
        chances -= 1;
        assert!(chances > 0, "{found} instead of {share}: {count:?}");
    }
}

const REQUESTS: u64 = 400;

/// So many rows of requests may miss the share.
const CHANCES: u32 = 5;

each!(by_schedule_and_by_hand:
    the_share_that_is_asked_for_arrives_behind_haproxy HaProxy,
    the_share_that_is_asked_for_arrives_behind_nginx Nginx,
    the_share_that_is_asked_for_arrives_behind_envoys_endpoints EnvoyEndpoints,
    the_share_that_is_asked_for_arrives_behind_envoys_clusters EnvoyRuntime,
    the_share_that_is_asked_for_arrives_behind_the_router Router
);

each!(stopped_in_the_middle:
    a_stop_in_mid_shift_gives_the_original_everything_behind_haproxy HaProxy,
    a_stop_in_mid_shift_gives_the_original_everything_behind_nginx Nginx,
    a_stop_in_mid_shift_gives_the_original_everything_behind_envoys_endpoints EnvoyEndpoints,
    a_stop_in_mid_shift_gives_the_original_everything_behind_envoys_clusters EnvoyRuntime,
    a_stop_in_mid_shift_gives_the_original_everything_behind_the_router Router
);

async fn by_schedule_and_by_hand(kind: Kind) {
    let site = Site::up(kind, 2, 2).await;
    let load = site.load();
    let lab = &site.lab;
    let id = lab.ok(&DEPLOY);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    arrives(&load, 0.0).await;
    lab.ok(&["reroute", &id]);
    site.has_in_effect(&id, 10).await;
    arrives(&load, 0.1).await;
    let said = lab.ok(&["weight", &id, "+30", "--why", "looks good"]);
    assert!(said.contains("the replacement is to get 40 %"), "{said}");
    lab.kill_orchestrator();
    let found = site.has_in_effect(&id, 40).await;
    assert_eq!(found["asked"], 40, "{found:#}");
    arrives(&load, 0.4).await;
    let told = lab.run(&["weight", &id, "40"]);
    let told = String::from_utf8(told.stderr).unwrap();
    assert!(told.contains("40 % already"), "{told}");
    lab.ok(&["weight", &id, "100"]);
    site.has_in_effect(&id, 100).await;
    arrives(&load, 1.0).await;
    lab.ok(&["resume", &id]);
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    arrives(&load, 1.0).await;

    // And back by hand, although it has ended: the original is still there.
    let back = lab.ok(&["rollback", &id, "--wait"]);
    let back = back.lines().next().unwrap();
    assert_eq!(lab.show(back)["deploymentInfo"]["creator"], "user");
    arrives(&load, 0.0).await;
    load.nothing_was_lost();
}

async fn stopped_in_the_middle(kind: Kind) {
    let site = Site::up(kind, 2, 2).await;
    let load = site.load();
    let lab = &site.lab;
    let id = lab.ok(&DEPLOY);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    lab.ok(&["reroute", &id]);
    site.has_in_effect(&id, 10).await;
    lab.ok(&["weight", &id, "60"]);
    site.has_in_effect(&id, 60).await;
    lab.ok(&["stop", &id, "--rollback"]);
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    let info = lab.show(&id)["deploymentInfo"]["rollbackInfo"].clone();
    let back = info["rollbackDeploymentId"].as_str().unwrap();
    assert_eq!(lab.wait_for_end(back), "Succeeded");
    arrives(&load, 0.0).await;
    load.nothing_was_lost();
}
