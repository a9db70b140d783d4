//! operations.md §1.3 and §1.4: deployments wait for their turn, and look again when it comes.

use serde_json::Value;

use crate::lab::{Lab, until};

const ONE: &str = "{ concurrentDeployments: 1 }";

/// A lab in which one deployment runs at a time, with the groups `a`, `b` and `c` of one host each.
fn lab() -> Lab {
    let lab = Lab::up(3);
    let hosts = ["web-1", "web-2", "web-3"];
    lab.project(&hosts, ONE);
    for (group, host) in ["a", "b", "c"].into_iter().zip(hosts) {
        lab.group(group, "name", host, "");
    }
    lab
}

fn info(lab: &Lab, id: &str) -> Value {
    lab.show(id)["deploymentInfo"].clone()
}

fn queued(lab: &Lab, group: &str, label: &str) -> String {
    let id = lab.ok(&["deploy", "shop", group, label]);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Queued");
    id
}

#[test]
fn they_begin_in_order_when_one_ends_also_with_another_orchestrator() {
    let lab = lab();
    lab.push("slow", "1.5", None);
    lab.push("quick", "0", None);
    let first = lab.ok(&["deploy", "shop", "a", "slow"]);
    lab.wait_for(&first, |now| {
        now["deploymentInfo"]["status"] == "InProgress"
    });
    let second = queued(&lab, "b", "quick");
    let third = queued(&lab, "c", "quick");
    let says = info(&lab, &third)["deploymentStatusMessages"][0].clone();
    let says = says.as_str().unwrap();
    assert!(
        !says.contains(first.as_str()),
        "it may be another's affair: {says}"
    );
    assert!(
        says.contains("concurrentDeployments of cutover.yaml is 1"),
        "{says}"
    );
    assert!(says.ends_with("another one is before it"), "{says}");
    // A group's queued deployment is its active one.
    let busy = lab.run(&["deploy", "shop", "b", "quick"]);
    assert_eq!(busy.status.code(), Some(1), "{busy:?}");

    lab.kill_orchestrator();
    assert_eq!(info(&lab, &second)["status"], "Queued");
    for id in [&first, &second, &third] {
        assert_eq!(lab.wait_for_end(id), "Succeeded");
    }
    let time = |id: &str, field: &str| info(&lab, id)[field].as_i64().unwrap();
    assert!(time(&second, "startTime") >= time(&first, "completeTime"));
    assert!(time(&third, "startTime") >= time(&second, "completeTime"));
}

#[test]
fn one_that_waits_is_stopped_at_once_and_a_higher_limit_lets_the_rest_begin() {
    let lab = lab();
    lab.push("slow", "3", None);
    lab.push("quick", "0", None);
    let first = lab.ok(&["deploy", "shop", "a", "slow"]);
    lab.wait_for(&first, |now| {
        now["deploymentInfo"]["status"] == "InProgress"
    });
    let second = queued(&lab, "b", "quick");
    let third = queued(&lab, "c", "quick");
    // §2: nothing is running, so that the answer is Succeeded, and the deployment Stopped.
    let answer = lab.ok(&["stop", &second]);
    assert!(answer.starts_with("Succeeded: "), "{answer}");
    let stopped = info(&lab, &second);
    assert_eq!(stopped["status"], "Stopped");
    assert_eq!(stopped["errorInformation"]["code"], "MANUAL_STOP");
    assert_eq!(stopped["deploymentOverview"]["Skipped"], 1);
    assert!(lab.trace("web-2").is_empty());

    lab.project(&["web-1", "web-2", "web-3"], "{ concurrentDeployments: 2 }");
    assert_eq!(lab.wait_for_end(&third), "Succeeded");
    assert_eq!(info(&lab, &first)["status"], "InProgress");
}

/// §1.3, step 5, and §8: what a deployment needs is gone when its turn comes.
#[test]
fn what_is_gone_when_it_begins_fails_it() {
    let lab = lab();
    lab.push("slow", "2", None);
    lab.push("quick", "0", None);
    let search = lab.revision("7.1", "0", None);
    lab.ok(&["push", "search", search.to_str().unwrap(), "--label", "7.1"]);
    let first = lab.ok(&["deploy", "shop", "a", "slow"]);
    lab.wait_for(&first, |now| {
        now["deploymentInfo"]["status"] == "InProgress"
    });
    let group = queued(&lab, "b", "quick");
    let revision = queued(&lab, "c", "quick");
    let application = lab.ok(&["deploy", "search", "production", "7.1"]);
    lab.kill_orchestrator();
    // No command deletes the record of a revision that waits to be deployed; a journal put back by hand may lack it.
    let journal = rusqlite::Connection::open(lab.folder().join(".state/journal.sqlite")).unwrap();
    let quick = "DELETE FROM revisions WHERE body LIKE '%\"quick\"%'";
    assert_eq!(journal.execute(quick, []).unwrap(), 1);
    drop(journal);
    std::fs::remove_file(lab.folder().join("applications/shop/b.yaml")).unwrap();
    std::fs::remove_dir_all(lab.folder().join("applications/search")).unwrap();

    let failed = |id: &str, code: &str, says: &str| {
        assert_eq!(lab.wait_for_end(id), "Failed");
        let error = info(&lab, id)["errorInformation"].clone();
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
    };
    failed(&group, "DEPLOYMENT_GROUP_MISSING", "shop/b");
    failed(&revision, "REVISION_MISSING", "quick");
    failed(&application, "APPLICATION_MISSING", "search");
    assert!(lab.trace("web-2").is_empty() && lab.trace("web-3").is_empty());
    assert_eq!(info(&lab, &first)["status"], "Succeeded");
}

/// §8: what is deleted while a deployment runs changes nothing about it.
#[test]
fn a_group_that_is_deleted_while_it_is_deployed_to_is_deployed_to_the_end() {
    let lab = lab();
    lab.push("slow", "0.7", None);
    let id = lab.ok(&["deploy", "shop", "a", "slow", "--auto-rollback", "failure"]);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "InProgress");
    std::fs::remove_dir_all(lab.folder().join("applications/shop")).unwrap();
    until("the deletion is noticed", || {
        !lab.ok(&["list", "groups"]).contains("shop/a")
    });
    assert_eq!(info(&lab, &id)["status"], "InProgress");
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    assert_eq!(lab.list(&["--group", "shop/a"]).len(), 1);
}
