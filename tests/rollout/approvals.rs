//! A second person's approval: the real binary, run by different users of this machine. It wants root.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::access::Shared;
use crate::lab::until;

/// Users that every Debian system has.
const VIEWER: &str = "games";
const OPERATOR: &str = "bin";
const FIRST: &str = "www-data";
const SECOND: &str = "mail";

/// Two who approve, and what is demanded.
fn demanding(demands: &str) -> String {
    format!(
        "    - {{ user: www-data, role: approver, application: shop }}\n    - {{ user: mail, role: approver }}\n  approvals:\n{demands}"
    )
}

fn created(output: &str) -> String {
    let id = output
        .split_whitespace()
        .find(|word| word.starts_with("d-"));
    id.unwrap().trim_end_matches([':', ',', '.']).to_owned()
}

/// How many approvals a deployment has, as the list says.
fn listed(shared: &Shared, id: &str) -> Value {
    let listed: Value =
        serde_json::from_str(&shared.lab.ok(&["list", "--output", "json"])).unwrap();
    listed["approvals"][id].clone()
}

#[test]
fn a_deployment_begins_when_two_others_have_approved_it_also_after_a_crash() {
    let demands = "    - { application: shop, group: production, before: [start], count: 2 }\n";
    let shared = Shared::up(&["web-1", "web-2"], &demanding(demands));
    let lab = &shared.lab;
    lab.push("1.0", "0", None);
    let planned = lab.ok(&["plan", "shop", "production", "1.0"]);
    assert!(
        planned.contains("before the start, 2 people other than root must approve"),
        "{planned}"
    );

    let id = shared.ok(OPERATOR, &["deploy", "shop", "production", "1.0"]);
    let shown = lab.ok(&["show", &id]);
    assert!(
        shown.contains("waits for approval: 0 of 2, by somebody other than bin"),
        "{shown}"
    );
    assert!(lab.ok(&["list"]).contains("Created, approved 0/2"));
    let told = shared.refused(OPERATOR, &["approve", &id]);
    assert!(
        told.contains("bin created it, and a second person has to approve it"),
        "{told}"
    );
    // Also where no client looks first, and under another's name.
    let forged = format!(
        r#"{{"type":"control","deployment":"{id}","control":{{"what":"approve","by":"root"}}}}"#
    );
    let answer = shared.raw(OPERATOR, "/v1/commands", &forged);
    assert!(answer.contains("bin created it"), "{answer}");
    let told = shared.refused(VIEWER, &["approve", &id]);
    assert!(
        told.contains("it needs the role approver in shop/production"),
        "{told}"
    );

    let told = shared.ok(FIRST, &["approve", &id, "--why", "read the change"]);
    assert!(told.contains("1 of 2 (www-data approved)"), "{told}");
    let told = shared.refused(FIRST, &["approve", &id]);
    assert!(told.contains("www-data has approved it already"), "{told}");
    assert_eq!(listed(&shared, &id)["by"], serde_json::json!([FIRST]));

    // What was approved is known to the next orchestrator, and what is missing, too.
    lab.kill_orchestrator();
    lab.ok(&["list"]);
    assert_eq!(listed(&shared, &id)["by"], serde_json::json!([FIRST]));
    assert_eq!(lab.status(&id), "Created");
    assert!(lab.trace("web-1").is_empty(), "nothing has an effect yet");

    // Root is an admin, and another than who created it.
    let told = lab.ok(&["approve", &id]);
    assert!(
        told.contains(&format!("{id}: approved the start")),
        "{told}"
    );
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    let shown = lab.ok(&["show", &id]);
    assert!(
        shown.contains("www-data approved the start: read the change"),
        "{shown}"
    );
    let told = shared.refused(SECOND, &["approve", &id]);
    assert!(told.contains("has already ended"), "{told}");

    let audit: Value = serde_json::from_str(&lab.ok(&["audit", "--output", "json"])).unwrap();
    let entries = audit["entries"].as_array().unwrap();
    let outcomes = |user: &str| -> Vec<&str> {
        let of = entries
            .iter()
            .filter(|entry| entry["user"] == user && entry["what"]["control"]["what"] == "approve");
        of.map(|entry| entry["outcome"].as_str().unwrap()).collect()
    };
    assert_eq!(outcomes(OPERATOR), ["asked", "refused"], "{audit:#}");
    assert_eq!(outcomes(FIRST), ["asked", "done"]);
    assert_eq!(outcomes("root"), ["asked", "done"]);
    // It is the start that was seen, and nothing that came after it.
    let steps: Vec<&Value> = entries
        .iter()
        .map(|entry| &entry["what"]["control"])
        .filter(|control| control["what"] == "approve" && control["step"] != Value::Null)
        .map(|control| &control["step"])
        .collect();
    assert!(steps.len() >= 3, "{audit:#}");
    assert!(steps.iter().all(|step| **step == "start"), "{audit:#}");
    assert_eq!(outcomes(VIEWER), ["denied"]);
}

#[test]
fn who_waits_is_told_and_can_stop_and_going_back_needs_no_approval() {
    let demands = "    - { before: [start, reroute] }\n";
    let shared = Shared::up(&["web-1", "web-2"], &demanding(demands));
    let lab = &shared.lab;
    let approved = |label: &str| {
        lab.push(label, "0", None);
        let id = lab.ok(&["deploy", "shop", "production", label]);
        shared.ok(SECOND, &["approve", &id]);
        assert_eq!(lab.wait_for_end(&id), "Succeeded");
        id
    };
    approved("1.0");
    let told = shared.refused("root", &["deploy", "shop", "nowhere", "1.0"]);
    assert!(told.contains("no deployment group"), "{told}");

    // Whoever waits for its end is told what it waits for.
    let mut waiting = lab.command(&["deploy", "shop", "staging", "1.0", "--wait"]);
    let waiting = waiting
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let waiting = waiting.unwrap();
    until("it is created", || {
        lab.list(&["--group", "shop/staging"]).len() == 1
    });
    let staged = lab.list(&["--group", "shop/staging"]).remove(0);
    let staged = staged["deploymentId"].as_str().unwrap().to_owned();
    let told = shared.refused("root", &["approve", &staged]);
    assert!(told.contains("root created it"), "{told}");
    lab.ok(&["stop", &staged]);
    assert_eq!(lab.wait_for_end(&staged), "Stopped");
    let output = waiting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("the start waits for approval: 0 of 1; somebody other than root says"),
        "{told}"
    );

    // By hand, and by itself.
    let second = approved("2.0");
    let back = created(&lab.ok(&["rollback", &second]));
    assert_eq!(lab.wait_for_end(&back), "Succeeded");
    let description = &lab.show(&back)["deploymentInfo"]["description"];
    assert_eq!(
        description.as_str().unwrap(),
        format!("rollback of {second}; it needs no approval")
    );
    // To roll that back is to go forward again, for which somebody else is needed.
    let forward = created(&lab.ok(&["rollback", &back]));
    let shown = lab.ok(&["show", &forward]);
    assert!(
        shown.contains("waits for approval: 0 of 1, by somebody other than root"),
        "{shown}"
    );
    lab.ok(&["stop", &forward]);
    assert_eq!(lab.wait_for_end(&forward), "Stopped");
    let told = shared.refused("root", &["rollback", &forward]);
    assert!(
        told.contains(&format!(
            "{forward} had not begun, so there is nothing to roll back"
        )),
        "{told}"
    );
    lab.push("3.0", "0", Some("web-1"));
    let failing = [
        "deploy",
        "shop",
        "production",
        "3.0",
        "--auto-rollback",
        "failure",
    ];
    let failing = lab.ok(&failing);
    shared.ok(FIRST, &["approve", &failing]);
    assert_eq!(lab.wait_for_end(&failing), "Failed");
    until("it is rolled back", || {
        lab.created_by("codeDeployRollback").len() == 1
    });
    let back = lab.created_by("codeDeployRollback").remove(0);
    assert_eq!(lab.wait_for_end(&back), "Succeeded");
}

/// A router with a route `shop` before `web-1`, which ends with the test.
struct Front(Child);

impl Drop for Front {
    fn drop(&mut self) {
        // It may have ended.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn traffic_waits_for_an_approval_and_moves_at_once_when_it_comes() {
    let demands = "    - { application: shop, group: sides, before: [reroute] }\n";
    let shared = Shared::up(&["web-1", "web-2"], "");
    let lab = &shared.lab;
    let free = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [admin, listen, blue, green] = free.each_ref().map(|it| it.local_addr().unwrap());
    drop(free);
    let config = lab.folder().join("front.yaml");
    let text = format!(
        "admin: {admin}\nroutes:\n  - name: shop\n    listen: {listen}\n    servers:\n      - {{ name: web-1, endpoint: '{blue}', service: In }}\n      - {{ name: web-2, endpoint: '{green}', service: Out }}\n"
    );
    std::fs::write(&config, text).unwrap();
    let front = Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["router", "--config"])
        .arg(&config)
        .stderr(Stdio::null())
        .spawn();
    let _front = Front(front.unwrap());
    until("the router answers", || {
        std::net::TcpStream::connect(admin).is_ok()
    });
    let mut text = std::fs::read_to_string(shared.document()).unwrap();
    for (host, at) in [("web-1", blue), ("web-2", green)] {
        let tags = format!("tags: {{ role: web, name: {host} }}");
        text = text.replace(&tags, &format!("endpoints: {{ shop: '{at}' }}, {tags}"));
    }
    text.push_str(&demanding(demands));
    let connections = format!(
        "connections:\n  loadBalancers:\n    - name: shop\n      provider: {{ router: {{ admin: \"http://{admin}\", route: shop }} }}\n"
    );
    text.push_str(&connections);
    std::fs::write(shared.document(), text).unwrap();
    let mut live = String::new();
    for ready in [
        "{ actionOnTimeout: CONTINUE_DEPLOYMENT }",
        "{ actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 60 }",
    ] {
        lab.group(
            "sides",
            "name",
            "web-1",
            &format!("deploymentStyle: {{ deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }}\nloadBalancerInfo: {{ targetGroupInfoList: [{{ name: shop }}] }}\nblueGreenDeploymentConfiguration:\n  deploymentReadyOption: {ready}\n  terminateBlueInstancesOnDeploymentSuccess: {{ action: KEEP_ALIVE }}\n"),
        );
        let stops = ready.contains("STOP");
        let (label, replacement) = if stops {
            ("2.0", "name=web-1")
        } else {
            ("1.0", "name=web-2")
        };
        lab.push(label, "0", None);
        let deploy = [
            "deploy",
            "shop",
            "sides",
            label,
            "--replacement",
            replacement,
        ];
        let id = lab.ok(&deploy);
        lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
        if stops {
            let told = lab.ok(&["reroute", &id]);
            assert!(told.contains("to be rerouted once approved"), "{told}");
            let told = shared.refused(OPERATOR, &["reroute", &id]);
            assert!(told.contains("root has asked for it"), "{told}");
        }
        let shown = lab.ok(&["show", &id]);
        assert!(
            shown.contains("waits for approval of the reroute: 0 of 1"),
            "{shown}"
        );
        lab.kill_orchestrator();
        lab.ok(&["list"]);
        assert_eq!(lab.status(&id), "Ready");
        let shown = lab.show(&id);
        let mut events = shown["targets"].as_array().unwrap().iter();
        let moved = events.any(|target| {
            let mut events = target["events"].as_array().unwrap().iter();
            events.any(|one| one["event"] == "AllowTraffic" && one["status"] != "Pending")
        });
        assert!(!moved, "{shown:#}");
        let told = shared.refused("root", &["approve", &id]);
        assert!(told.contains("root created it"), "{told}");
        shared.ok(FIRST, &["approve", &id]);
        assert_eq!(lab.wait_for_end(&id), "Succeeded");
        live = id;
    }

    what_never_began_is_no_reason_to_install_anew(&shared, &live);
}

/// One that was never approved is no reason to install anything anew when what is `live` is rolled back.
fn what_never_began_is_no_reason_to_install_anew(shared: &Shared, live: &str) {
    let lab = &shared.lab;
    let text = std::fs::read_to_string(shared.document()).unwrap();
    let text = text.replace("before: [reroute]", "before: [start, reroute]");
    std::fs::write(shared.document(), text).unwrap();
    lab.push("3.0", "0", None);
    let deploy = ["deploy", "shop", "sides", "3.0"];
    let unapproved = lab.ok(&deploy);
    assert_eq!(lab.status(&unapproved), "Created");
    lab.ok(&["stop", &unapproved]);
    assert_eq!(lab.wait_for_end(&unapproved), "Stopped");
    let told = shared.refused("root", &["rollback", &unapproved]);
    assert!(told.contains("had not begun"), "{told}");
    let back = created(&lab.ok(&["rollback", live]));
    assert_eq!(lab.wait_for_end(&back), "Succeeded");
    let shown = lab.show(&back);
    let targets = shown["targets"].as_array().unwrap();
    let mut events = targets
        .iter()
        .flat_map(|it| it["events"].as_array().unwrap());
    assert!(
        events.all(|event| event["event"] != "Install"),
        "nothing is installed: {shown:#}"
    );
    assert_eq!(
        shown["deploymentInfo"]["description"],
        format!("rollback of {live}; it needs no approval")
    );

    // Once more, which has to be installed anew, for something has begun since. To undo that is to go forward again.
    let anew = created(&lab.ok(&["rollback", live]));
    lab.wait_for(&anew, |now| now["deploymentInfo"]["status"] == "Ready");
    lab.ok(&["reroute", &anew]);
    assert_eq!(lab.wait_for_end(&anew), "Succeeded");
    let forward = created(&lab.ok(&["rollback", &anew]));
    let shown = lab.ok(&["show", &forward]);
    assert!(
        shown.contains("waits for approval: 0 of 1, by somebody other than root"),
        "{shown}"
    );
    shared.ok(FIRST, &["approve", &forward]);
    lab.wait_for(&forward, |now| now["deploymentInfo"]["status"] == "Ready");
    lab.ok(&["reroute", &forward]);
    shared.ok(FIRST, &["approve", &forward]);
    assert_eq!(lab.wait_for_end(&forward), "Succeeded");
}
