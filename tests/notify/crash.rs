//! `kill -9` of the orchestrator loses no notification, and none becomes another.

use std::collections::BTreeMap;

use crate::hook::{Act, Hook, Seen};
use crate::lab::until;
use crate::setting::{EVERY_EVENT, all_are, lab, webhook};

#[test]
fn what_was_written_and_not_delivered_arrives_from_the_next_orchestrator() {
    let hook = Hook::start([Act::Hang]);
    let lab = lab(
        &["web-1"],
        &[webhook("hook", &hook.url())],
        &[("hook", EVERY_EVENT)],
    );
    lab.push("1.0", "0", None);
    let (id, _) = lab.deploy(&["production", "1.0"]);
    // The first is under way, the others are written alone.
    until("the first is under way", || hook.seen().len() == 1);
    lab.kill_orchestrator();
    hook.now_does([Act::status(200)]);
    lab.ok(&["list"]);
    until("all is told", || hook.seen().len() == 5);
    let seen = hook.seen();
    assert_eq!(seen[0].id(), seen[1].id(), "the same twice");
    assert_eq!(seen[0].text, seen[1].text);
    assert_eq!(
        hook.events()[1..],
        [
            "DeploymentStart",
            "InstanceStart web-1",
            "InstanceSuccess web-1",
            "DeploymentSuccess"
        ]
    );
    until("it is noted", || all_are(&lab, &id, "Delivered"));
}

/// Entries that are written have their notifications beside them, whatever comes next.
#[test]
fn an_orchestrator_that_dies_right_after_a_write_has_lost_nothing() {
    let hook = Hook::well();
    let receivers = [webhook("hook", &hook.url())];
    let lab = lab(&["web-1", "web-2"], &receivers, &[("hook", EVERY_EVENT)]);
    lab.push("1.0", "0", None);
    // The start, what the first instance reported (all of it, if it is written together), the end.
    for place in [
        "task.before-publish:1",
        "task.before-publish:2",
        "closing.after-write",
    ] {
        lab.kill_orchestrator();
        let deploy = ["deploy", "shop", "production", "1.0", "--token", place];
        // It dies before it answers, or after: the token finds the deployment either way.
        let mut dies = lab.command(&deploy);
        dies.env("CUTOVER_CRASH_AT", place).output().unwrap();
        lab.wait_until_nobody_orchestrates();
        assert!(lab.socket().exists(), "{place}: it ended of its own accord");
        let id = lab.ok(&deploy);
        assert_eq!(lab.wait_for_end(&id), "Succeeded");
        until("all is delivered", || all_are(&lab, &id, "Delivered"));
        let seen = hook.seen().into_iter();
        let mut events: Vec<String> = seen
            .filter(|seen| seen.body()["deploymentId"] == id.as_str())
            .map(|seen| seen.event())
            .collect();
        // Twice is as good as once.
        events.dedup();
        assert_eq!(
            events,
            [
                "DeploymentStart",
                "InstanceStart web-1",
                "InstanceSuccess web-1",
                "InstanceStart web-2",
                "InstanceSuccess web-2",
                "DeploymentSuccess"
            ],
            "{place}"
        );
    }
}

#[test]
fn orchestrators_killed_again_and_again_tell_everything_in_order() {
    let hosts = ["web-1", "web-2", "web-3"];
    let hook = Hook::well();
    let lab = lab(
        &hosts,
        &[webhook("hook", &hook.url())],
        &[("hook", EVERY_EVENT)],
    );
    lab.push("1.0", "0.1", None);
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    // Whenever something was told, and once more at the end.
    for told in 0..8 {
        until("more is told", || {
            lab.ok(&["list"]);
            hook.seen().len() > told
        });
        lab.kill_orchestrator();
    }
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    until("all is delivered", || all_are(&lab, &id, "Delivered"));
    let mut by_id: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for seen in hook.seen() {
        if !by_id.contains_key(&seen.id()) {
            order.push(seen.event());
        }
        by_id.entry(seen.id()).or_default().push(seen);
    }
    let mut expected = vec!["DeploymentStart".to_owned()];
    for host in hosts {
        expected.push(format!("InstanceStart {host}"));
        expected.push(format!("InstanceSuccess {host}"));
    }
    expected.push("DeploymentSuccess".to_owned());
    assert_eq!(order, expected);
    for (id, times) in by_id {
        assert!(times.iter().all(|seen| seen.text == times[0].text), "{id}");
    }
}
