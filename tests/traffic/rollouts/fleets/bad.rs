//! Fleets that fail, hang, talk rubbish, or answer what can't be used.

use super::grounds::Grounds;

const MAKE: &str = "command: { provision: [../fleet/bad.sh], terminate: [../fleet/bad.sh] }";

/// How a deployment ends whose fleet is this program: the code and the message.
fn end(grounds: &Grounds, program: &str) -> (String, String) {
    grounds.script("bad.sh", &format!("#!/bin/sh\n{program}\n"));
    let id = grounds.deploy();
    assert_eq!(grounds.lab.wait_for_end(&id), "Failed", "{program}");
    let shown = grounds.lab.show(&id);
    let error = &shown["deploymentInfo"]["errorInformation"];
    let text = |key: &str| error[key].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

fn answer(hosts: &[(&str, u16)]) -> String {
    let hosts: Vec<String> = hosts
        .iter()
        .map(|(name, port)| {
            format!(
                r#"{{"name": "{name}", "address": "http://127.0.0.1:{port}", "endpoints": {{"web": "127.0.0.1:1"}}}}"#
            )
        })
        .collect();
    format!("echo '{{\"hosts\": [{}]}}'", hosts.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fleet_gets_wrong_fails_the_deployment_with_a_message_and_is_put_right() {
    let grounds = Grounds::up().await;
    grounds.project(MAKE, "      timeoutSeconds: 1\n");
    grounds.reread();
    let refused = "AUTOSCALING_VALIDATION_ERROR";
    for (program, code, message) in [
        (
            "echo 'no quota left' >&2; exit 3",
            refused,
            "exit status: 3: no quota left",
        ),
        (
            "sleep 60",
            "TIMEOUT",
            "did not end within 1 s, and was ended",
        ),
        ("echo sorry", refused, "no list of hosts"),
        (
            "yes '{\"hosts\": [' | head -c 3000000",
            refused,
            "more than 1048576 bytes",
        ),
        ("true", refused, "answered nothing"),
        (
            &answer(&[("f-1", 1)]),
            refused,
            "answered 1 instances, and 2 were asked for",
        ),
        (
            &answer(&[("f-1", 1), ("f-1", 2)]),
            refused,
            "two instances called f-1",
        ),
        (
            &answer(&[("f-1", 1), ("web-2", 2)]),
            refused,
            "web-2 is an instance of the original",
        ),
        (
            &answer(&[("f-1", 1), ("f-2", 2)]).replace("127.0.0.1:2\"", "192.0.2.1:2\""),
            refused,
            "is not the loopback",
        ),
        (
            &answer(&[("f-1", 1), ("f-2", 2)]).replace("\"web\"", "\"other\""),
            refused,
            "nothing says where f-1 serves the traffic of web",
        ),
    ] {
        let (got, said) = end(&grounds, program);
        assert_eq!(got, code, "{program}: {said}");
        assert!(said.contains(message), "{program}: {said}");
    }
    std::fs::remove_file(grounds.fleet().join("bad.sh")).unwrap();
    let id = grounds.deploy();
    assert_eq!(grounds.lab.wait_for_end(&id), "Failed");
    let shown = grounds.lab.ok(&["show", &id]);
    assert!(shown.contains("can't be started"), "{shown}");
    assert_eq!(grounds.hosts(), ["web-1", "web-2"]);
    // Nothing of it stands in the way of one that does its work.
    grounds.project(&MAKE.replace("bad.sh", "fleet.sh"), "");
    grounds.reread();
    let id = grounds.deploy();
    grounds.succeeds(&id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_does_not_terminate_leaves_the_success_and_says_what_is_left() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    grounds.succeeds(&grounds.deploy());
    grounds.script("bad.sh", "#!/bin/sh\necho 'not today' >&2\nexit 1\n");
    let half = "command: { provision: [../fleet/fleet.sh], terminate: [../fleet/bad.sh] }";
    grounds.project(half, "");
    grounds.reread();
    let id = grounds.deploy();
    grounds.succeeds(&id);
    let shown = lab.ok(&["show", &id]);
    assert!(
        shown.contains("not every original instance was terminated: pool: "),
        "{shown}"
    );
    assert!(shown.contains("not today"), "{shown}");
    assert!(
        shown.contains("`cutover hosts terminate f-1 f-2`"),
        "{shown}"
    );
    let refused = lab.run(&["hosts", "terminate", "f-1"]);
    assert!(!refused.status.success());
    assert_eq!(
        grounds.hosts(),
        ["web-1", "web-2", "f-1", "f-2", "f-3", "f-4"]
    );
    // A host of cutover.yaml can't have the name of one that a fleet provisioned.
    let path = lab.folder().join("cutover.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let wrong = text.replace("name: web-2", "name: f-1");
    std::fs::write(&path, wrong).unwrap();
    let ours = "and the fleet pool provisioned it for";
    crate::lab::until("the clash is told", || {
        let log = std::fs::read_to_string(lab.folder().join(".state/serve.log")).unwrap();
        log.contains(ours)
    });
    std::fs::write(&path, text).unwrap();
    grounds.project(&half.replace("bad.sh", "fleet.sh"), "");
    grounds.reread();
    lab.ok(&["hosts", "terminate", "f-1", "f-2"]);
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-3", "f-4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_never_report_fail_the_deployment() {
    let grounds = Grounds::up().await;
    grounds.project(MAKE, "");
    let path = grounds.lab.folder().join("cutover.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let limited = "settings:\n  limits: { provisioningSeconds: 2 }\n";
    std::fs::write(&path, text.replacen("settings:\n", limited, 1)).unwrap();
    grounds.reread();
    let (code, said) = end(&grounds, &answer(&[("f-1", 1), ("f-2", 2)]));
    assert_eq!(code, "AGENT_ISSUE", "{said}");
    assert_eq!(
        grounds.hosts(),
        ["web-1", "web-2", "f-1", "f-2"],
        "known all the same"
    );
}
