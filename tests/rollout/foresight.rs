//! Plans and steering from the command line, with real agents.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Output;

use cutover::engine::event::{Event, Record};
use cutover::store::journal::Journal;
use serde_json::{Value, json};

use crate::lab::Lab;

const ONE: &str = "CodeDeployDefault.OneAtATime";

fn push(lab: &Lab, label: &str, pause: &str) {
    let path = lab.revision(label, pause, None);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", label]);
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What a command that must be refused says.
fn refused(lab: &Lab, arguments: &[&str], code: i32) -> String {
    let output: Output = lab.run(arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {output:?}"
    );
    String::from_utf8(output.stderr).unwrap()
}

fn journal(lab: &Lab, id: &str) -> Vec<Record> {
    let journal = Journal::open(&lab.folder().join(".state/journal.sqlite")).unwrap();
    journal.records(&id.parse().unwrap()).unwrap()
}

/// A deployment one instance at a time, with its first instance in flight.
fn deploy(lab: &Lab, revision: &str) -> String {
    let id = lab.ok(&["deploy", "shop", "production", revision, "--config", ONE]);
    lab.wait_for(&id, |now| now["targets"][0]["status"] == "InProgress");
    id
}

#[test]
fn a_plan_says_what_would_happen_and_deploys_nothing() {
    let lab = Lab::up(3);
    push(&lab, "1.0", "0");
    let plan = ["plan", "shop", "production", "1.0", "--config", ONE];
    let text = lab.ok(&plan);
    assert!(
        text.contains("3 instances, 1 at a time, at least 2 stay healthy"),
        "{text}"
    );
    assert!(text.contains("unhealthy, nothing known to run"), "{text}");
    assert!(
        text.contains("No estimate: no deployment of this group has succeeded yet"),
        "{text}"
    );
    assert!(
        text.contains("If every host does its work well: Succeeded; 3 on 1.0"),
        "{text}"
    );
    assert!(!text.contains("warning"), "{text}");
    let listed = json_of(&lab.ok(&["list", "--output", "json"]));
    assert_eq!(listed["deployments"], json!([]));

    let id = lab.ok(&["deploy", "shop", "production", "1.0", "--wait"]);
    let took: Vec<i64> = lab.show(&id)["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["endTime"].as_i64().unwrap() - t["startTime"].as_i64().unwrap())
        .collect();
    let text = lab.ok(&plan);
    assert!(
        text.contains("by the medians of the last deployment of this group"),
        "{text}"
    );
    assert!(text.contains("healthy, current revision"), "{text}");

    let mut asked = plan.to_vec();
    asked.extend(["--fail", "web-1,web-2", "--output", "json"]);
    let planned = json_of(&lab.ok(&asked));
    assert_eq!(planned["plan"]["window"]["concurrency"], 1);
    assert_eq!(planned["estimated"], true);
    assert_eq!(planned["past"]["instances"]["web-1"], took[0]);
    let rehearsal = &planned["rehearsal"];
    // The first failure leaves two that can be healthy, and more than two must.
    assert_eq!(rehearsal["end"]["status"], "Failed");
    assert_eq!(rehearsal["end"]["untouched"], 2);
    assert_eq!(rehearsal["took"], took[0]);
    assert_eq!(rehearsal["moments"][0]["started"], json!(["web-1"]));
    assert_eq!(rehearsal["moments"][0]["healthy"], 2);

    let mut wrong = plan.to_vec();
    wrong.extend(["--fail", "wen-2"]);
    let told = refused(&lab, &wrong, 2);
    assert!(
        told.contains("wen-2 is no instance") && told.contains("did you mean \"web-2\"?"),
        "{told}"
    );
    let told = refused(&lab, &["plan", "shop", "production", "9.9"], 2);
    assert!(told.contains("there is no revision called 9.9"), "{told}");
}

#[test]
fn a_plan_warns_of_what_is_wrong_before_anything_starts() {
    let lab = Lab::up(2);
    let folder = lab.revision("broken", "0", None);
    std::fs::remove_file(folder.join("hook.sh")).unwrap();
    lab.ok(&[
        "push",
        "shop",
        folder.to_str().unwrap(),
        "--label",
        "broken",
    ]);
    let text = lab.ok(&["plan", "shop", "production", "broken"]);
    assert!(
        text.contains("warning: AppSpec:") && text.contains("hook.sh"),
        "{text}"
    );
    push(&lab, "1.0", "0.3");
    let id = deploy(&lab, "1.0");
    let output = lab.run(&["plan", "shop", "production", "1.0"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(&format!("not now: {id} is still running")),
        "{text}"
    );
    lab.ok(&["stop", &id]);
    lab.wait_for_end(&id);
}

#[test]
fn pause_skip_next_and_resume() {
    let lab = Lab::up(4);
    push(&lab, "1.0", "0.4");
    let id = deploy(&lab, "1.0");
    let dry = lab.ok(&["pause", &id, "--dry-run"]);
    assert!(dry.contains("web-1 finishes, nothing new starts"), "{dry}");
    assert_eq!(lab.show(&id)["paused"], Value::Null);

    let said = lab.ok(&["pause", &id, "--why", "disk check"]);
    assert!(said.contains(&format!("{id}: paused")), "{said}");
    assert!(said.contains("(disk check): web-1 finishes"), "{said}");
    let told = refused(&lab, &["pause", &id], 1);
    assert!(told.contains("has paused it already"), "{told}");
    let shown = lab.wait_for(&id, |now| now["targets"][0]["status"] == "Succeeded");
    assert_eq!(shown["targets"][1]["status"], "Pending");
    assert_eq!(shown["paused"]["why"], "disk check");
    let text = lab.ok(&["show", &id]);
    let outlook = text.lines().find(|line| line.starts_with("outlook "));
    assert!(
        outlook
            .unwrap()
            .ends_with("(disk check): nothing until resumed"),
        "{text}"
    );

    // A decision made on an old picture does nothing.
    let seen = shown["decided"].as_u64().unwrap();
    let old = (seen - 1).to_string();
    let told = refused(&lab, &["skip", &id, "web-2", "--seen", &old], 1);
    assert!(told.contains("has changed since you looked"), "{told}");
    let seen = seen.to_string();
    // One instance is healthy by now, none of the others was: without web-3 three can be, and more than three must.
    let told = refused(&lab, &["skip", &id, "web-3", "--seen", &seen], 1);
    assert!(told.contains("would break the minimum"), "{told}");
    lab.ok(&["next", &id, "web-4", "--why", "the canary"]);
    let said = lab.ok(&["resume", &id]);
    assert!(said.contains("waiting for web-4 to start"), "{said}");
    assert_eq!(lab.wait_for_end(&id), "Succeeded");

    // Now that all are healthy, one may be left out.
    push(&lab, "2.0", "0.2");
    let id = deploy(&lab, "2.0");
    let said = lab.ok(&["skip", &id, "web-3", "--why", "new disk"]);
    assert!(
        said.starts_with("4 of 4 can be healthy, more than 3 must"),
        "{said}"
    );
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    let shown = lab.show(&id);
    assert_eq!(shown["targets"][2]["status"], "Skipped");
    let message = shown["targets"][2]["message"].as_str().unwrap();
    assert!(
        message.starts_with("left out by ") && message.ends_with(": new disk"),
        "{message}"
    );
    let text = lab.ok(&["show", &id]);
    let told = text.matches(message).count();
    assert_eq!(told, 1, "{text}");
    let version = std::fs::read_to_string(lab.root("web-3").join("srv/app/version")).unwrap();
    assert_eq!(version, "1.0");
}

#[test]
fn a_stop_is_foreseen_as_every_command_is() {
    let lab = Lab::up(2);
    push(&lab, "1.0", "0.4");
    let id = deploy(&lab, "1.0");
    lab.wait_for(&id, |now| now["targets"][0]["status"] == "InProgress");
    let dry = lab.ok(&["stop", &id, "--dry-run"]);
    assert!(
        dry.starts_with("at once ") && dry.contains("Stopped"),
        "{dry}"
    );
    assert_eq!(lab.show(&id)["stop"], Value::Null);
    let said = json_of(&lab.ok(&["stop", &id, "--no-rollback", "--output", "json"]));
    assert_eq!(said["deploymentId"], id);
    assert_eq!(said["foreseen"]["end"]["status"], "Stopped");
    assert!(said["outlook"]["standing"]["type"].is_string(), "{said}");
    assert_eq!(lab.wait_for_end(&id), "Stopped");
    let told = refused(&lab, &["stop", &id, "--dry-run"], 1);
    assert!(told.contains("has already ended: Stopped"), "{told}");
}

#[test]
fn a_retry_saves_a_deployment_that_holds() {
    let lab = Lab::up(3);
    let folder = lab.revision("1.0", "0.2", Some("web-1"));
    let hook = folder.join("hook.sh");
    // It fails for as long as the host is broken.
    let script = std::fs::read_to_string(&hook).unwrap();
    let script = script.replace("&& exit 7", "&& [ -e \"$INSTALL_ROOT/broken\" ] && exit 7");
    std::fs::write(&hook, script).unwrap();
    lab.ok(&["push", "shop", folder.to_str().unwrap(), "--label", "1.0"]);
    std::fs::create_dir_all(lab.root("web-1")).unwrap();
    let broken = lab.root("web-1").join("broken");
    std::fs::write(&broken, "").unwrap();

    let hold = |lab: &Lab| {
        let request = json!({
            "type": "deploy",
            "group": {"application": "shop", "group": "production"},
            "revision": "1.0",
            "configuration": ONE,
            "options": {"onFailure": "hold"},
            "by": "ana",
        });
        let answer = command(lab, &request);
        let id = answer["deployment"].as_str().unwrap().to_owned();
        lab.wait_for(&id, |now| now["held"] != Value::Null);
        id
    };
    let id = hold(&lab);
    let text = lab.ok(&["show", &id]);
    assert!(text.contains("retry web-1, give up, or stop"), "{text}");
    let told = refused(&lab, &["retry", &id, "web-2"], 1);
    assert!(
        told.contains("only a failed instance can be tried again"),
        "{told}"
    );
    let told = refused(&lab, &["retry", &id, "web-11"], 2);
    assert!(told.contains("did you mean \"web-1\"?"), "{told}");
    let dry = lab.ok(&["give-up", &id, "--dry-run"]);
    assert!(
        dry.contains("it fails") && dry.contains("2 are skipped, 1 failed; Failed"),
        "{dry}"
    );

    std::fs::remove_file(&broken).unwrap();
    let said = lab.ok(&["retry", &id, "web-1", "--why", "disk replaced"]);
    assert!(
        said.contains("web-1 is tried again") && said.contains("then it goes on with web-2"),
        "{said}"
    );
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    let records = journal(&lab, &id);
    let retried = records.iter().find_map(|record| match &record.event {
        Event::Retried { target, by, why } => Some((target.clone(), by.clone(), why.clone())),
        _ => None,
    });
    let (target, by, why) = retried.unwrap();
    assert_eq!(
        (target.as_str(), why.as_deref()),
        ("web-1", Some("disk replaced"))
    );
    assert!(!by.is_empty());

    std::fs::write(&broken, "").unwrap();
    let id = hold(&lab);
    lab.ok(&["give-up", &id, "--why", "no spare disk"]);
    assert_eq!(lab.wait_for_end(&id), "Failed");
    assert!(journal(&lab, &id).iter().any(|record| matches!(
        &record.event,
        Event::GivenUp { why: Some(why), .. } if why == "no spare disk"
    )));
    let told = refused(&lab, &["resume", &id], 1);
    assert!(told.contains("has already ended: Failed"), "{told}");
}

/// Sends a command to the orchestrator's socket, as other programs do.
fn command(lab: &Lab, command: &Value) -> Value {
    // It may have ended meanwhile: any command starts it.
    lab.ok(&["list"]);
    let run = lab.folder().parent().unwrap().join("run/cutover");
    let socket = std::fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "sock"))
        .unwrap();
    let body = command.to_string();
    let mut stream = UnixStream::connect(socket).unwrap();
    write!(
        stream,
        "POST /v1/commands HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    json_of(body)
}
