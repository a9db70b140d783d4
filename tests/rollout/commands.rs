//! The command line, from push to rollback, with its exit codes.

use serde_json::Value;

use crate::lab::{Lab, until};

fn push(lab: &Lab, label: &str, pause: &str, failing: Option<&str>) {
    let path = lab.revision(label, pause, failing);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", label]);
}

#[test]
fn a_rollout_from_push_to_history() {
    let lab = Lab::up(3);
    push(&lab, "1.0", "0", None);
    let output = lab.run(&["deploy", "shop", "production", "1.0", "--wait"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();

    let shown = lab.show(&id);
    assert_eq!(
        shown["deploymentInfo"]["deploymentOverview"]["Succeeded"],
        3
    );
    assert_eq!(shown["targets"][0]["events"].as_array().unwrap().len(), 7);
    for host in ["web-1", "web-2", "web-3"] {
        let version = std::fs::read_to_string(lab.root(host).join("srv/app/version")).unwrap();
        assert_eq!(version, "1.0");
        // The first deployment to a host has no revision to stop.
        let events: Vec<String> = lab
            .trace(host)
            .iter()
            .map(|line| line.replace(&format!("{id} "), ""))
            .collect();
        assert_eq!(
            events,
            [
                "BeforeInstall",
                "AfterInstall",
                "ApplicationStart",
                "ValidateService"
            ]
        );
    }
    let logs = lab.ok(&["logs", &id, "web-2"]);
    assert!(logs.contains("1.0 runs AfterInstall"), "{logs}");

    let listed: Value = serde_json::from_str(&lab.ok(&["list", "--output", "json"])).unwrap();
    assert_eq!(listed["deployments"][0]["deploymentId"], id.as_str());
    let groups = lab.ok(&["list", "groups"]);
    assert!(
        groups.contains("shop/production") && groups.contains("1.0"),
        "{groups}"
    );
}

#[test]
fn a_failure_is_reported_and_rolled_back_by_hand() {
    let lab = Lab::up(2);
    push(&lab, "1.0", "0", None);
    push(&lab, "2.0", "0", Some("web-1"));
    lab.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let output = lab.run(&["deploy", "shop", "production", "2.0", "--wait"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("web-1 ValidateService failed"), "{told}");

    let shown = lab.show(&id);
    assert_eq!(
        shown["deploymentInfo"]["errorInformation"]["code"],
        "HEALTH_CONSTRAINTS"
    );
    let failed = &shown["targets"][0];
    assert_eq!(failed["status"], "Failed");
    let diagnostics = &failed["events"][6]["diagnostics"];
    assert_eq!(diagnostics["errorCode"], "ScriptFailed");
    assert_eq!(diagnostics["scriptName"], "hook.sh");
    assert!(
        diagnostics["logTail"]
            .as_str()
            .unwrap()
            .contains("no cache")
    );
    assert_eq!(shown["targets"][1]["status"], "Skipped");

    let output = lab.run(&["rollback", &id, "--wait"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let version = std::fs::read_to_string(lab.root("web-1").join("srv/app/version")).unwrap();
    assert_eq!(version, "1.0");
}

#[test]
fn a_failure_is_rolled_back_by_itself_where_configured() {
    let lab = Lab::up(2);
    push(&lab, "1.0", "0", None);
    push(&lab, "2.0", "0", Some("web-1"));
    lab.ok(&["deploy", "shop", "staging", "1.0", "--wait"]);
    let output = lab.run(&["deploy", "shop", "staging", "2.0", "--wait"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let shown = lab.show(&id);
    assert_eq!(shown["deploymentInfo"]["status"], "Failed");
    let rollback = shown["deploymentInfo"]["rolledBackBy"].as_str().unwrap();
    let rolled = lab.show(rollback);
    assert_eq!(rolled["deploymentInfo"]["creator"], "codeDeployRollback");
    assert_eq!(rolled["deploymentInfo"]["rollsBack"], id.as_str());
    assert_eq!(rolled["deploymentInfo"]["status"], "Succeeded");
}

#[test]
fn a_stop_from_a_second_terminal() {
    let lab = Lab::up(3);
    push(&lab, "1.0", "2", None);
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    // The script that is followed below has begun, so that a stop lets it finish.
    lab.wait_for(&id, |now| {
        now["targets"][0]["events"][2]["status"] != "Pending"
    });
    // A second deployment of the group is refused while this one runs.
    let second = lab.run(&["deploy", "shop", "production", "1.0"]);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(String::from_utf8(second.stderr).unwrap().contains(&id));

    // Following ends with the instance, also for one that never starts.
    let followers = ["web-1", "web-3"].map(|host| {
        let mut follower = lab.command(&["logs", &id, host, "--follow"]);
        follower
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    });
    let stopped = lab.run(&["stop", &id, "--no-rollback", "--wait"]);
    assert_eq!(stopped.status.code(), Some(3), "{stopped:?}");
    assert_eq!(lab.status(&id), "Stopped");
    for (follower, lines) in followers.into_iter().zip([1, 0]) {
        let output = follower.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(
            text.matches("1.0 runs BeforeInstall").count(),
            lines,
            "{text}"
        );
    }
    // Nothing succeeded before, so that there is nothing to go back to.
    let rollback = lab.run(&["rollback", &id]);
    assert_eq!(rollback.status.code(), Some(2), "{rollback:?}");
}

#[test]
fn wrong_usage_has_its_exit_code_and_a_hint() {
    let lab = Lab::up(1);
    let message = |arguments: &[&str]| {
        let output = lab.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(message(&["deploy", "shp", "production", "1.0"]).contains("did you mean shop?"));
    assert!(message(&["deploy", "shop", "prodction", "1.0"]).contains("did you mean production?"));
    assert!(message(&["deploy", "shop", "production", "9.9"]).contains("cutover push shop"));
    assert!(message(&["show", "d-ZZZZZZZZZ"]).contains("there is no deployment"));
    assert!(message(&["push", "shop", "/nowhere"]).contains("/nowhere"));
    assert!(message(&["cockpit"]).contains("needs a terminal"));
    assert!(message(&["open", "shop/production"]).contains("needs a terminal"));
    assert!(message(&["open", "shop/prodction"]).contains("did you mean"));
    assert!(message(&["open", "d-ZZZZZZZZZ/web-1"]).contains("there is no deployment"));
    assert!(message(&["open", "a/b/c"]).contains("is no address: write home"));
    assert!(
        message(&[
            "agent",
            "--name",
            "a",
            "--listen",
            "0.0.0.0:0",
            "--root",
            "/nowhere"
        ])
        .contains("loopback")
    );
    assert!(message(&["--read-only", "deploy", "shop", "production", "1.0"]).contains("read-only"));
}

#[test]
fn ending_a_lab_leaves_nothing_running() {
    let lab = Lab::up(2);
    // Longer than anybody waits for it, and it leaves a child behind.
    push(&lab, "1.0", "300 & sleep 300", None);
    let id = lab.ok(&["deploy", "shop", "production", "1.0"]);
    lab.wait_for(&id, |now| {
        now["targets"][0]["events"][2]["status"] == "InProgress"
    });
    let folder = lab.folder().to_str().unwrap().to_owned();
    assert!(!lab_processes(&folder).is_empty());
    drop(lab);
    assert_eq!(lab_processes(&folder), Vec::<String>::new());
}

/// Command lines and environments that name the lab's folder, but for this test's own.
fn lab_processes(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let command = std::fs::read(entry.path().join("cmdline")).ok()?;
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let all =
                String::from_utf8_lossy(&[command.clone(), environment].concat()).into_owned();
            all.contains(folder)
                .then(|| String::from_utf8_lossy(&command).replace('\0', " "))
        })
        .collect()
}

/// Documents are read again when they change; one with an error leaves the last good version in force.
#[test]
fn edits_are_noticed_without_a_restart() {
    let lab = Lab::up(1);
    let groups = || lab.ok(&["list", "groups"]);
    assert!(!groups().contains("shop/canary"));
    let orchestrator = lab.orchestrator();
    let folder = lab.folder().join("applications/shop");
    let staging = std::fs::read_to_string(folder.join("staging.yaml")).unwrap();
    let canary = staging.replace(
        "deploymentGroupName: staging",
        "deploymentGroupName: canary",
    );
    std::fs::write(folder.join("canary.yaml"), canary).unwrap();
    until("the new group is listed", || {
        groups().contains("shop/canary")
    });

    std::fs::write(folder.join("staging.yaml"), "deploymentGroupName: [").unwrap();
    std::fs::remove_file(folder.join("canary.yaml")).unwrap();
    until("the error is known", || {
        let log = std::fs::read_to_string(lab.folder().join(".state/serve.log")).unwrap();
        log.contains("staging.yaml")
    });
    assert!(groups().contains("shop/canary") && groups().contains("shop/staging"));
    assert_eq!(lab.orchestrator(), orchestrator);
}

/// A lab that is only a fleet, or that an older version started, has no checkout, and says so.
#[test]
fn a_lab_without_checkout_says_so() {
    let lab = Lab::up(1);
    let folder = lab.folder();
    let of_lab = |part: &[&str]| {
        let arguments = [&["lab"], part, &["--dir", folder.to_str().unwrap()]].concat();
        lab.run(&arguments)
    };
    let status = of_lab(&["status"]);
    assert!(status.status.success(), "{status:?}");
    let said = String::from_utf8(status.stdout).unwrap();
    assert!(said.contains("checkout  none in this lab"), "{said}");
    let alarm = of_lab(&["alarm", "on"]);
    assert_eq!(alarm.status.code(), Some(2), "{alarm:?}");
    let said = String::from_utf8(alarm.stderr).unwrap();
    assert!(said.contains("this lab has no checkout"), "{said}");
}

/// What a shell would offer for the last of these words.
fn completed(lab: &Lab, words: &[&str]) -> Vec<String> {
    let folder = lab.folder();
    let mut command = lab.command(&[]);
    command.env("COMPLETE", "fish").current_dir(&folder);
    // The words of the line come behind those with which the program is called.
    let arguments = ["--", "cutover"].iter().chain(words);
    let output = std::process::Command::new(command.get_program())
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(&folder)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text
        .lines()
        .map(|line| line.split('\t').next().unwrap_or_default());
    names.map(str::to_owned).collect()
}

#[test]
fn shells_complete_what_the_project_and_its_journal_know_without_an_orchestrator() {
    let lab = Lab::up(2);
    push(&lab, "1.0", "0", None);
    push(&lab, "1.1", "0", None);
    let (first, _) = lab.deploy(&["production", "1.0"]);
    let (second, _) = lab.deploy(&["production", "1.1"]);
    lab.kill_orchestrator();

    let deployments = completed(&lab, &["show", "d-"]);
    assert_eq!(deployments, [second.clone(), first]);
    assert!(completed(&lab, &["deploy", ""]).contains(&"shop".to_owned()));
    let groups = completed(&lab, &["deploy", "shop", ""]);
    assert!(groups.contains(&"production".to_owned()), "{groups:?}");
    let revisions = completed(&lab, &["deploy", "shop", "production", ""]);
    let revisions: Vec<&str> = revisions.iter().map(String::as_str).collect();
    assert!(revisions.starts_with(&["1.1", "1.0"]), "{revisions:?}");
    assert_eq!(
        completed(&lab, &["retry", &second, "web-"]),
        ["web-1", "web-2"]
    );
    assert!(completed(&lab, &["docto"]).contains(&"doctor".to_owned()));
    // Nobody was started for it.
    lab.wait_until_nobody_orchestrates();
}
