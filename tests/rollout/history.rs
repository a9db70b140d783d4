//! operations.md §9: listing, and what is kept; domain.md §4: revision records that are deleted.

use serde_json::Value;

use crate::lab::{Lab, until};

#[test]
fn old_deployments_go_with_their_output_and_what_is_referred_to_stays() {
    let lab = Lab::up(1);
    lab.project(&["web-1"], "{ deploymentsKept: 1 }");
    lab.group("all", "role", "web", "");
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", Some("web-1"));
    lab.deploy(&["all", "1.0"]);
    // The oldest, and a pair that is linked.
    let (failed, code) = lab.deploy(&["all", "2.0", "--auto-rollback", "failure"]);
    assert_eq!(code, 3);
    let rollback = lab.show(&failed)["deploymentInfo"]["rolledBackBy"].clone();
    let rollback = rollback.as_str().unwrap();
    let output = |id: &str| lab.folder().join(".state/output").join(id);
    let first = lab.list(&[]).pop().unwrap()["deploymentId"].clone();
    let first = first.as_str().unwrap();
    assert!(output(first).is_dir());
    let listed = || lab.list(&["--limit", "100"]);
    let more = |count: usize| {
        for _ in 0..count {
            lab.deploy(&["all", "1.0", "--update-outdated-instances-only"]);
        }
    };
    more(17);
    assert_eq!(listed().len(), 20);
    more(1);
    until("the oldest is gone", || listed().len() == 20);
    let gone = lab.run(&["show", first]);
    assert_eq!(gone.status.code(), Some(2), "{gone:?}");
    until("its output is gone", || !output(first).exists());
    // The pair stays as long as one of it is among the last twenty.
    more(1);
    assert_eq!(
        listed().len(),
        21,
        "the rollback is among them, and keeps what it rolled back"
    );
    lab.show(&failed);
    more(1);
    until("the pair is gone", || listed().len() == 20);
    assert_eq!(lab.run(&["show", rollback]).status.code(), Some(2));

    // What a crash left is removed by the next orchestrator.
    let left = output("d-LEFTOVER1");
    std::fs::create_dir_all(&left).unwrap();
    lab.kill_orchestrator();
    lab.ok(&["list"]);
    until("what was left is gone", || !left.exists());
    assert_eq!(listed().len(), 20);
    assert_eq!(lab.deploy(&["all", "1.0"]).1, 0);
}

#[test]
fn the_list_is_narrowed_by_group_status_and_time() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", Some("web-1"));
    let (first, _) = lab.deploy(&["production", "1.0"]);
    let (second, _) = lab.deploy(&["production", "2.0"]);
    let (third, _) = lab.deploy(&["staging", "1.0", "--file-exists-behavior", "overwrite"]);
    let ids = |arguments: &[&str]| -> Vec<String> {
        let all = lab.list(arguments);
        let ids = all
            .iter()
            .map(|one| one["deploymentId"].as_str().unwrap().to_owned());
        ids.collect()
    };
    assert_eq!(ids(&[]), [&third[..], &second, &first]);
    assert_eq!(ids(&["--limit", "1"]), [&third[..]]);
    assert_eq!(ids(&["--group", "shop/production"]), [&second[..], &first]);
    assert_eq!(ids(&["--status", "failed,Stopped"]), [&second[..]]);
    assert_eq!(ids(&["--since", "1h"]).len(), 3);
    assert_eq!(ids(&["--until", "1h"]).len(), 0);
    let created = lab.show(&second)["deploymentInfo"]["createTime"]
        .as_i64()
        .unwrap();
    let at = jiff::Timestamp::from_millisecond(created)
        .unwrap()
        .to_string();
    assert_eq!(ids(&["--since", &at]), [&third[..], &second]);
    assert_eq!(ids(&["--until", &at]), [&first[..]]);
    for wrong in [
        ["--status", "Broken"],
        ["--since", "yesterday"],
        ["--group", "shop"],
    ] {
        let output = lab.run(&[&["list"], &wrong[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    let output = lab.run(&["list", "--group", "shop/producton"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("did you mean \"shop/production\"?"), "{told}");
    let output = lab.run(&["list", "groups", "--status", "Failed"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_revision_is_deleted_only_when_nobody_needs_it() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    let same = lab.revision("2.0", "0.5", None);
    lab.ok(&["push", "shop", same.to_str().unwrap(), "--label", "2.0"]);
    lab.ok(&["push", "search", same.to_str().unwrap(), "--label", "7.0"]);
    let delete = |application: &str, label: &str| {
        let output = lab.run(&["revision", "delete", application, label]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), said)
    };
    lab.deploy(&["production", "1.0"]);
    let (code, said) = delete("shop", "1.0");
    assert!(
        code == 1 && said.contains("target revision of shop/production"),
        "{said}"
    );
    let id = lab.ok(&["deploy", "shop", "production", "2.0"]);
    let (code, said) = delete("shop", "2.0");
    assert!(code == 1 && said.contains(&id), "{said}");
    assert_eq!(lab.wait_for_end(&id), "Succeeded");

    let listed = || -> Value {
        serde_json::from_str(&lab.ok(&["list", "revisions", "--output", "json"])).unwrap()
    };
    let digest = |application: &str, label: &str| {
        let known = listed()["revisions"][application].clone();
        let mut found = known.as_array().unwrap().clone();
        found.retain(|one| one["revision"]["label"] == label);
        found[0]["revision"]["digest"].as_str().unwrap().to_owned()
    };
    let bundle = |digest: &str| lab.folder().join(".state/bundles").join(digest);
    let (one, two) = (digest("shop", "1.0"), digest("search", "7.0"));
    assert_eq!(two, digest("shop", "2.0"));
    assert_eq!(delete("shop", "1.0").0, 0);
    assert!(!bundle(&one).exists());
    assert_eq!(delete("shop", "1.0").0, 2, "it is gone");
    // The other application's record goes; the bundle is still needed.
    assert_eq!(delete("search", "7.0").0, 0);
    assert!(bundle(&two).exists());
    lab.kill_orchestrator();
    assert_eq!(listed()["revisions"]["shop"].as_array().unwrap().len(), 1);
    // To go back to 1.0 is no longer possible, and is said.
    let output = lab.run(&["rollback", &id]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn deployments_are_compared_reported_and_replayed_by_their_ids() {
    let lab = Lab::up(1);
    lab.push("1.0", "0", None);
    lab.push("2.0", "0", Some("web-1"));
    let (first, _) = lab.deploy(&["production", "1.0"]);
    let (second, code) = lab.deploy(&["production", "2.0"]);
    assert_eq!(code, 1);

    let compared = lab.ok(&["compare", &first, &second]);
    let line = |what: &str| -> Vec<String> {
        let line = compared
            .lines()
            .find(|line| line.trim_start_matches(['*', '!', ' ']).starts_with(what));
        let line = line.unwrap_or_else(|| panic!("{what} in {compared}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(line("revision"), ["*", "revision", "1.0", "2.0"]);
    assert_eq!(
        line("group"),
        ["group", "shop/production", "shop/production"]
    );
    assert_eq!(line("failed"), ["!", "failed", "0", "1"]);
    let json = lab.ok(&["compare", &second, &first, "--output", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["before"], second.as_str());
    let lines = json["lines"].as_array().unwrap();
    let failed = lines.iter().find(|line| line["what"] == "failed").unwrap();
    assert_eq!(
        (&failed["part"], &failed["change"]),
        (&"instances".into(), &"better".into())
    );
    let markdown = lab.ok(&["compare", &first, &second, "--output", "markdown"]);
    assert!(
        markdown.contains("| revision | 1.0 | **2.0** | different |"),
        "{markdown}"
    );
    let unknown = lab.run(&["compare", &first, "d-000000000"]);
    assert_eq!(unknown.status.code(), Some(2));

    let report = lab.ok(&["report", &second]);
    for part in [
        &format!("# {second} to shop/production: Failed")[..],
        "- **What:** 2.0 (",
        "## What failed",
        "on web-1",
        "## What happened (UTC)",
        "created it: 2.0 to shop/production",
        &format!("`cutover logs {second} web-1`"),
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }

    // A recording is made and read before a terminal is asked for.
    for replayed in [&first, &second] {
        let said = lab.run(&["replay", replayed]);
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(2));
        assert!(error.contains("the cockpit needs a terminal"), "{error}");
    }
    let said = lab.run(&["replay", "d-000000000"]);
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        error.contains("d-000000000") && !error.contains("terminal"),
        "{error}"
    );
    let said = lab.run(&["replay", "none.trace"]);
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(error.contains("none.trace can't be read"), "{error}");
}
