//! The orchestrator is killed in the middle of what a fleet does: it is asked again, and nothing is made or ended twice.

use super::grounds::Grounds;
use super::places::PLACES;
use crate::load::{Connections, Load};

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_fleet_provisions_and_while_it_terminates() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    let load = Load::start(grounds.haproxy.front, "/?ms=2", 100, Connections::Kept);
    grounds.hold("hold-provision");
    let first = grounds.deploy();
    grounds.until_noted("started", 2);
    lab.kill_orchestrator();
    // The next orchestrator asks again, while the first question is still being answered.
    assert_eq!(lab.status(&first), "InProgress");
    grounds.until_noted("provision-asked", 2);
    grounds.let_go("hold-provision");
    grounds.succeeds(&first);
    assert_eq!(grounds.noted("provision-asked"), [&*first, &*first]);
    assert_eq!(grounds.noted("started"), ["f-1", "f-2"]);

    grounds.hold("hold-terminate");
    let second = grounds.deploy();
    grounds.until_noted("terminate-asked", 2);
    let stop = lab.run(&["stop", &second]);
    let said = String::from_utf8(stop.stderr).unwrap();
    assert!(said.contains("can't be taken back"), "{said}");
    lab.kill_orchestrator();
    assert_eq!(lab.status(&second), "InProgress");
    grounds.until_noted("terminate-asked", 4);
    grounds.let_go("hold-terminate");
    grounds.succeeds(&second);
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-3", "f-4"]);
    let mut terminated = grounds.noted("terminated");
    terminated.dedup();
    assert_eq!(terminated.len(), 2, "{terminated:?}");
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_fleet_provisions_knows_what_came_of_it() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    grounds.hold("hold-provision");
    let id = grounds.deploy();
    grounds.until_noted("started", 2);
    lab.ok(&["stop", &id]);
    assert_eq!(lab.status(&id), "InProgress");
    lab.kill_orchestrator();
    assert_eq!(lab.status(&id), "InProgress");
    grounds.until_noted("provision-asked", 2);
    grounds.let_go("hold-provision");
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-1", "f-2"]);
    let shown = lab.ok(&["show", &id]);
    assert!(
        shown.contains("`cutover hosts terminate f-1 f-2`"),
        "{shown}"
    );
    lab.ok(&["hosts", "terminate", "f-1", "f-2"]);
    assert_eq!(grounds.noted("terminated"), ["f-1", "f-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_each_place_between_an_answer_and_its_entry() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    let mut deployments = Vec::new();
    for place in PLACES {
        lab.kill_orchestrator();
        let deploy = ["deploy", "shop", "swap", "1.0", "--token", place];
        // It dies after it answers, or before: the token finds the deployment either way.
        let mut dies = lab.command(&deploy);
        dies.env("CUTOVER_CRASH_AT", place).output().unwrap();
        lab.wait_until_nobody_orchestrates();
        let id = lab.ok(&deploy);
        grounds.succeeds(&id);
        deployments.push(id);
    }
    let started: Vec<String> = (1..=8).map(|n| format!("f-{n}")).collect();
    assert_eq!(grounds.noted("started"), started, "each once");
    assert_eq!(grounds.noted("terminated"), started[..6], "each once");
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-7", "f-8"]);
    let asked = grounds.noted("provision-asked");
    let times = |id: &String| asked.iter().filter(|one| *one == id).count();
    let times: Vec<usize> = deployments.iter().map(times).collect();
    assert_eq!(
        times,
        [2, 2, 1, 1],
        "again only where the answer was not kept"
    );
}
