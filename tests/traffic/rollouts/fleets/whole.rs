//! Whole rollouts: provision, install, reroute, drain, terminate.

use super::grounds::Grounds;
use crate::load::{Connections, Load};

#[tokio::test(flavor = "multi_thread")]
async fn the_replacement_is_provisioned_and_the_next_one_ends_it() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    let kept = Load::start(grounds.haproxy.front, "/?ms=2", 200, Connections::Kept);
    let new = Load::start(grounds.haproxy.front, "/?ms=2", 100, Connections::New);
    assert!((kept.next(50).await.share("web") - 1.0).abs() < f64::EPSILON);
    let refused = lab.run(&["deploy", "shop", "swap", "1.0", "--replacement", "role=web"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("is provisioned: name no instances"), "{said}");
    let planned = lab.ok(&["plan", "shop", "swap", "1.0"]);
    let first = "the fleet pool is asked to provision 2 instances first";
    assert!(planned.contains(first), "{planned}");

    let first = grounds.deploy();
    grounds.succeeds(&first);
    let served = kept.next(100).await;
    assert!(
        (served.share("f-") - 1.0).abs() < f64::EPSILON,
        "{served:?}"
    );
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-1", "f-2"]);
    // Hosts of cutover.yaml are nobody's but the operator's.
    assert_eq!(grounds.noted("terminate-asked"), [""; 0]);
    let shown = lab.ok(&["show", &first]);
    assert!(
        shown.contains("not terminated, for no fleet provisioned them: web-1, web-2"),
        "{shown}"
    );
    let checked = lab.ok(&["check"]);
    assert!(
        checked.contains("they are not terminated, but kept"),
        "{checked}"
    );
    let asked = std::fs::read_to_string(grounds.fleet().join(format!("asked-{first}.json")));
    let asked: serde_json::Value = serde_json::from_str(&asked.unwrap()).unwrap();
    assert_eq!(asked["version"], 1);
    assert_eq!(asked["fleet"], "pool");
    assert_eq!(asked["count"], 2);
    assert_eq!(
        asked["autoScalingGroup"],
        format!("CodeDeploy_swap_{first}")
    );
    assert_eq!(asked["originals"][1]["name"], "web-2");

    let second = grounds.deploy();
    grounds.succeeds(&second);
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-3", "f-4"]);
    assert_eq!(grounds.noted("terminated"), ["f-1", "f-2"]);
    let shown = lab.ok(&["show", &second]);
    assert!(shown.contains("terminated: f-1, f-2"), "{shown}");
    let table = lab.ok(&["hosts"]);
    assert!(table.contains("(fleet pool)"), "{table}");
    let details = lab.ok(&["hosts", "f-3"]);
    assert!(
        details.contains(&format!("pool, provisioned for {second}")),
        "{details}"
    );
    let moved = kept.next(100).await;
    let works = |name: &str| moved.answers.get(name).is_some_and(|count| *count > 0);
    assert!(works("f-3") && works("f-4"), "{moved:?}");
    assert!(
        (moved.share("f-3") + moved.share("f-4") - 1.0).abs() < 0.001,
        "{moved:?}"
    );
    for load in [&kept, &new] {
        let count = load.count();
        assert_eq!(count.failed(), 0, "{count:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traffic_returns_while_the_original_is_there_and_what_is_left_is_ended_by_hand() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    grounds.group("TERMINATE", 60);
    grounds.reread();
    let first = grounds.deploy();
    lab.wait_for(&first, |now| {
        now["outlook"]["waits"][0]["what"] == "continue"
    });
    let running = lab.run(&["hosts", "terminate", "f-1"]);
    let said = String::from_utf8(running.stderr).unwrap();
    assert!(said.contains(&format!("{first} runs on f-1")), "{said}");
    lab.ok(&["stop", &first, "--rollback"]);
    assert_eq!(lab.wait_for_end(&first), "Stopped");
    let back = lab.show(&first)["deploymentInfo"]["rollbackInfo"]["rollbackDeploymentId"].clone();
    grounds.succeeds(back.as_str().unwrap());
    let load = Load::start(grounds.haproxy.front, "/", 100, Connections::New);
    let served = load.next(50).await;
    assert!(
        (served.share("web") - 1.0).abs() < f64::EPSILON,
        "{served:?}"
    );

    let shown = lab.ok(&["show", &first]);
    let remedy = "`cutover hosts terminate f-1 f-2` ends them";
    assert!(shown.contains(remedy), "{shown}");
    for (host, why) in [
        (
            "web-1",
            "is a host of cutover.yaml, which no fleet provisioned",
        ),
        ("f-9", "there is no host"),
    ] {
        let refused = lab.run(&["hosts", "terminate", "f-1", host]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(grounds.noted("terminate-asked"), [""; 0], "all or none");
    let refused = lab.run(&["--read-only", "hosts", "terminate", "f-1"]);
    assert!(!refused.status.success());
    let said = lab.ok(&["hosts", "terminate", "f-1", "f-2"]);
    assert_eq!(said, "f-1 is terminated\nf-2 is terminated");
    assert_eq!(grounds.hosts(), ["web-1", "web-2"]);
    assert!(!lab.ok(&["show", &first]).contains("left  "));
    // Also after a restart.
    lab.kill_orchestrator();
    assert_eq!(grounds.hosts(), ["web-1", "web-2"]);
    // The next one is a new one, and its own when it has the traffic.
    grounds.group("KEEP_ALIVE", 0);
    grounds.reread();
    let next = grounds.deploy();
    grounds.succeeds(&next);
    let refused = lab.run(&["hosts", "terminate", "f-3"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("f-3 belongs to shop/swap"), "{said}");
}
