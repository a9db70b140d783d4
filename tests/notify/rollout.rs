//! Rollouts of which receivers are told.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::hook::{Act, Hook, Seen};
use crate::lab::until;
use crate::setting::{EVERY_EVENT, all_are, deliveries, lab, webhook};

const WEB: [&str; 2] = ["web-1", "web-2"];

const TOKEN: &str = "tok-canary-7f3a";
const SECRET: &str = "sec-canary-19bc";

const SUCCESS: [&str; 6] = [
    "DeploymentStart",
    "InstanceStart web-1",
    "InstanceSuccess web-1",
    "InstanceStart web-2",
    "InstanceSuccess web-2",
    "DeploymentSuccess",
];

#[test]
fn a_rollout_and_one_that_is_rolled_back_are_told_event_by_event() {
    let hook = Hook::well();
    let receivers = [webhook("hook", &hook.url())];
    let lab = lab(&WEB, &receivers, &[("hook", EVERY_EVENT)]);
    lab.push("1.0", "0", None);
    lab.push("1.1", "0", Some("web-1"));
    let (_, code) = lab.deploy(&["production", "1.0"]);
    assert_eq!(code, 0);
    until("all is told", || hook.seen().len() == SUCCESS.len());
    assert_eq!(hook.events(), SUCCESS);

    let (bad, code) = lab.deploy(&["production", "1.1"]);
    assert_eq!(code, 3, "rolled back");
    let back = lab.created_by("codeDeployRollback");
    let of = |id: &str| -> Vec<String> {
        let seen = hook.seen().into_iter();
        let of = seen.filter(|seen| seen.body()["deploymentId"] == id);
        of.map(|seen| seen.event()).collect()
    };
    until("the rollback is told of too", || of(&back[0]).len() == 6);
    assert_eq!(of(&back[0]), SUCCESS);
    assert_eq!(
        of(&bad),
        [
            "DeploymentStart",
            "InstanceStart web-1",
            "InstanceFailure web-1",
            "DeploymentFailure",
            "DeploymentRollback",
        ]
    );
    let rolled_back = hook.seen().into_iter();
    let mut rolled_back = rolled_back.filter(|seen| seen.event() == "DeploymentRollback");
    let body = rolled_back.next().unwrap().body();
    assert_eq!(
        body["rollbackInformation"]["RollbackDeploymentId"],
        back[0].as_str()
    );
    assert_eq!(body["accountId"], "lab");
}

#[test]
fn every_kind_of_receiver_is_told_and_no_secret_is_kept() {
    let (hook, slack) = (Hook::well(), Hook::well());
    let url = hook.url();
    let lab = lab(
        &WEB,
        &[
            format!(
                "{{ name: hook, via: {{ webhook: {{ url: '{url}', token: token, secret: key }} }} }}"
            ),
            "{ name: chat, via: { slack: { url: { secret: slack } } } }".to_owned(),
            "{ name: script, via: { command: { run: [./told.sh, to-file] } } }".to_owned(),
        ],
        &[
            ("hook", EVERY_EVENT),
            ("chat", "DeploymentFailure, InstanceFailure"),
            ("script", "DeploymentStart, DeploymentFailure"),
        ],
    );
    let write = |file: &str, text: &str| {
        let path = lab.folder().join(file);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    };
    write("token", TOKEN);
    write("secret", SECRET);
    write("slack", &slack.url());
    write(
        "told.sh",
        "#!/bin/sh\necho \"$1 $CUTOVER_EVENT $(env | cut -d= -f1 | sort | tr '\\n' ' ')\" >> told\ncat >> told\necho >> told\n",
    );
    lab.push("1.1", "0", Some("web-1"));
    let (id, code) = lab.deploy(&["production", "1.1"]);
    assert_eq!(code, 1);
    until("all is told", || all_are(&lab, &id, "Delivered"));

    assert_eq!(hook.seen().len(), 4);
    hook.seen().iter().for_each(is_signed);
    let said: Vec<String> = slack.seen().iter().map(|seen| seen.text.clone()).collect();
    let instance = format!(
        "{{\"text\":\"shop/production: web-1 failed in deployment {id} of 1.1: ValidateService: "
    );
    assert!(said[0].starts_with(&instance), "{said:?}");
    let counts = " of 1.1 failed (0 of 2 instances succeeded, 1 failed, 1 skipped): ";
    assert!(said[1].contains(counts), "{said:?}");

    let told = std::fs::read_to_string(lab.folder().join("told")).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    // What a shell adds by itself, and nothing of ours but this.
    let environment = "CUTOVER_DELIVERY CUTOVER_EVENT LANG PATH PWD";
    let first = format!("to-file DeploymentStart {environment}");
    assert!(lines[0].starts_with(&first), "{told}");
    assert!(lines[1].contains(&id) && lines.len() == 4, "{told}");

    let state = lab.folder().join(".state");
    for file in ["journal.sqlite", "journal.sqlite-wal", "serve.log"] {
        let bytes = std::fs::read(state.join(file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for canary in [TOKEN, SECRET, slack.url().as_str()] {
            assert!(!text.contains(canary), "{canary} in {file}");
        }
    }
}

/// Who sends it, and which notification it is.
fn is_signed(seen: &Seen) {
    assert_eq!(seen.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(seen.header("idempotency-key"), seen.id());
    assert_eq!(seen.body()["id"], seen.id());
    let mut code = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    code.update(seen.text.as_bytes());
    let digits = code.finalize().into_bytes();
    let digits: Vec<String> = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("sha256={}", digits.concat());
    assert_eq!(seen.header("x-cutover-signature"), signature);
}

#[test]
fn who_hangs_or_is_dead_delays_neither_a_rollout_nor_another_receiver() {
    let (hung, well) = (Hook::start([Act::Hang]), Hook::well());
    let lab = lab(
        &WEB,
        &[
            webhook("hung", &hung.url()),
            "{ name: dead, via: { webhook: { url: 'http://127.0.0.1:9/' } } }".to_owned(),
            webhook("well", &well.url()),
        ],
        &[
            ("hung", EVERY_EVENT),
            ("dead", EVERY_EVENT),
            ("well", EVERY_EVENT),
            ("nobody", "DeploymentStart"),
        ],
    );
    assert!(
        lab.ok(&["check"])
            .contains("no receiver of `connections` in cutover.yaml is called nobody")
    );
    lab.push("1.0", "0", None);
    let (id, code) = lab.deploy(&["production", "1.0"]);
    assert_eq!(code, 0);
    // It ended while its very first notification was still being sent.
    assert_eq!(hung.seen().len(), 1);
    until("the others are told", || well.seen().len() == 6);
    let mut by_receiver: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for one in deliveries(&lab, &id) {
        let receiver = one["receiver"].as_str().unwrap().to_owned();
        let attempts = one["attempts"].as_u64().unwrap();
        let status = one["status"].as_str().unwrap().to_owned();
        by_receiver
            .entry(receiver)
            .or_default()
            .push((status, attempts));
    }
    let pending = |attempts| ("Pending".to_owned(), attempts);
    assert_eq!(by_receiver["nobody"], [("Failed".to_owned(), 1)]);
    assert_eq!(by_receiver["dead"].len(), 6);
    // Nobody is told of the second before the first.
    assert_eq!(by_receiver["dead"][1..], vec![pending(0); 5]);
    assert_eq!(by_receiver["hung"][1..], vec![pending(0); 5]);
    assert_eq!(by_receiver["dead"][0].0, "Pending");
}

#[test]
fn an_error_is_tried_again_before_the_next_is_sent_and_a_refusal_is_final() {
    let busy = Act::Answer(429, vec![("Retry-After", "2".to_owned())]);
    let hook = Hook::start([
        Act::status(500),
        busy,
        Act::status(204),
        Act::status(404),
        Act::status(200),
    ]);
    let lab = lab(
        &WEB[..1],
        &[webhook("hook", &hook.url())],
        &[("hook", EVERY_EVENT)],
    );
    lab.push("1.0", "0", None);
    let (id, _) = lab.deploy(&["production", "1.0"]);
    until("all is told", || hook.seen().len() == 6);
    let ids: Vec<String> = hook.seen().iter().map(Seen::id).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
    assert_eq!(
        hook.events()[2..],
        [
            "DeploymentStart",
            "InstanceStart web-1",
            "InstanceSuccess web-1",
            "DeploymentSuccess"
        ]
    );
    until("it is noted", || {
        deliveries(&lab, &id)
            .iter()
            .all(|one| one["status"] != "Pending")
    });
    let noted: Vec<_> = deliveries(&lab, &id)
        .iter()
        .map(|one| {
            format!(
                "{} {} {}",
                one["status"], one["attempts"], one["lastAnswer"]
            )
        })
        .collect();
    assert_eq!(
        noted,
        [
            "\"Delivered\" 3 \"204 No Content\"",
            "\"Failed\" 1 \"404 Not Found: so it says\"",
            "\"Delivered\" 1 \"200 OK\"",
            "\"Delivered\" 1 \"200 OK\"",
        ]
    );
    let table = lab.ok(&["notifications"]);
    assert!(
        table.lines().count() == 5 && table.contains("InstanceStart"),
        "{table}"
    );
}

#[test]
fn a_test_notification_says_what_came_back() {
    let hook = Hook::start([Act::status(200), Act::status(403), Act::status(302)]);
    let lab = lab(
        &WEB[..1],
        &[
            webhook("hook", &hook.url()),
            "{ name: dead, via: { slack: { url: 'http://127.0.0.1:9/T0/secret' } } }".to_owned(),
        ],
        &[],
    );
    assert_eq!(
        lab.ok(&["notifications", "test", "hook"]),
        "hook took it: 200 OK"
    );
    assert_eq!(hook.events(), ["Test"]);
    assert_eq!(hook.seen()[0].body()["id"], hook.seen()[0].id());
    let refused = |name: &str| {
        let output = lab.run(&["notifications", "test", name]);
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), told.trim().to_owned())
    };
    assert_eq!(
        refused("hook"),
        (
            1,
            "cutover: hook did not take it: 403 Forbidden: so it says".to_owned()
        )
    );
    let (code, told) = refused("hook");
    assert!(
        code == 1 && told.contains("302 Found: write the address that it answers at"),
        "{told}"
    );
    let (code, told) = refused("dead");
    assert!(
        code == 1 && told.contains("refused") && !told.contains("secret"),
        "{told}"
    );
    assert_eq!(
        refused("hok"),
        (
            2,
            "cutover: there is no receiver hok: did you mean \"hook\"?".to_owned()
        )
    );
    let read_only = lab.run(&["--read-only", "notifications", "test", "hook"]);
    assert_eq!(read_only.status.code(), Some(2));
    assert_eq!(hook.seen().len(), 3, "read-only tells nobody");
    // Nothing is kept of a test.
    assert_eq!(lab.ok(&["notifications"]).lines().count(), 1);
}
