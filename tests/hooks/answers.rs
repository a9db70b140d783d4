//! What is answered to those who report, and what comes of it.

use serde_json::json;

use crate::hook::Act;
use crate::lab::until;
use crate::world::{JSON, TARGET, World, id};

const COMPLETED: &str = "LifecycleEventAlreadyCompletedException";
const INVALID_ID: &str = "InvalidLifecycleEventHookExecutionIdException";
const INVALID_STATUS: &str = "InvalidLifecycleEventHookExecutionStatusException";

#[test]
fn a_hook_is_told_where_to_report_and_its_report_counts_once() {
    let world = World::usual(&[0]);
    let call = world.called(&id(0));
    assert_eq!(call.report_to, format!("http://127.0.0.1:{}", world.port));
    world.until_event(&id(0), "InProgress");
    let answer = world.report(&id(0), &call.ticket, "Succeeded");
    assert_eq!(answer.status, 200, "{answer:?}");
    let same = json!({ "lifecycleEventHookExecutionId": call.ticket });
    assert_eq!(answer.body, same);
    assert!(answer.head.contains(&format!("content-type: {JSON}")));
    assert!(answer.head.contains("x-amzn-requestid: "));
    assert_eq!(world.event(&id(0)), "Succeeded");

    for status in ["Succeeded", "Failed"] {
        let again = world.report(&id(0), &call.ticket, status);
        assert_eq!((again.status, again.kind()), (400, COMPLETED), "{again:?}");
        let kind = format!("x-amzn-errortype: {COMPLETED}").to_lowercase();
        assert!(again.head.contains(&kind), "{}", again.head);
    }
    assert_eq!(world.event(&id(0)), "Succeeded");
    let (hook, place) = (format!("hook {}", crate::world::HOOK), id(0));
    assert_eq!(
        world.audit(),
        [
            format!("{hook} {place} asked"),
            format!("{hook} {place} done"),
            // Whoever repeats it on and on does not fill the disk.
            format!("a hook {place} denied"),
        ]
    );
}

#[test]
fn a_hook_that_failed_fails_its_deployment() {
    let world = World::usual(&[0]);
    let call = world.called(&id(0));
    let answer = world.report(&id(0), &call.ticket, "Failed");
    assert_eq!(answer.status, 200, "{answer:?}");
    until("it has failed", || {
        world.json(&["show", &id(0)])["deploymentInfo"]["status"] == "Failed"
    });
    let shown = world.json(&["show", &id(0)]);
    let why = &shown["deploymentInfo"]["errorInformation"]["code"];
    assert_eq!(why, "HOOK_EXECUTION_FAILURE", "{shown:#}");
}

#[test]
fn a_report_may_come_before_the_hook_has_taken_its_call() {
    let world = World::new(&[0], 4200, Act::Hang, "");
    let call = world.called(&id(0));
    let answer = world.report(&id(0), &call.ticket, "Succeeded");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.event(&id(0)), "Succeeded");
}

#[test]
fn what_nobody_waits_for_changes_nothing() {
    let world = World::usual(&[0, 1]);
    let (ours, theirs) = (world.called(&id(0)), world.called(&id(1)));
    world.until_event(&id(0), "InProgress");
    let forged = format!("{}0", &ours.ticket[..ours.ticket.len() - 1]);
    let other = format!("{}1", &ours.ticket[..ours.ticket.len() - 1]);
    // One of them may be the ticket itself.
    let forged = if forged == ours.ticket { other } else { forged };
    let good = "Succeeded";
    for (deployment, ticket, status, kind) in [
        (id(0), forged.as_str(), good, INVALID_ID),
        (id(0), theirs.ticket.as_str(), good, INVALID_ID),
        (id(0), "made up", good, INVALID_ID),
        (id(0), "", good, INVALID_ID),
        (id(9), &ours.ticket, good, "DeploymentDoesNotExistException"),
        (
            "d-1".to_owned(),
            &ours.ticket,
            good,
            "InvalidDeploymentIdException",
        ),
        (
            String::new(),
            &ours.ticket,
            good,
            "DeploymentIdRequiredException",
        ),
        (id(0), &ours.ticket, "Pending", INVALID_STATUS),
        (id(0), &ours.ticket, "InProgress", INVALID_STATUS),
        (id(0), &ours.ticket, "Skipped", INVALID_STATUS),
        (id(0), &ours.ticket, "Unknown", INVALID_STATUS),
        (id(0), &ours.ticket, "succeeded", INVALID_STATUS),
        (id(0), &ours.ticket, "", INVALID_STATUS),
    ] {
        let answer = world.report(&deployment, ticket, status);
        let found = (answer.status, answer.kind());
        assert_eq!(
            found,
            (400, kind),
            "{deployment} {ticket} {status}: {answer:?}"
        );
        assert!(answer.body["message"].as_str().unwrap().len() > 10);
    }
    for number in [0, 1] {
        assert_eq!(world.event(&id(number)), "InProgress");
    }
    // Nothing of what strangers write is kept.
    assert_eq!(world.audit(), [format!("a hook {} denied", id(0))]);
    let trail = world.run(&["audit"]).stdout;
    assert!(!String::from_utf8(trail).unwrap().contains(&forged));

    // Members that are missing, or null, are the same; others are not looked at.
    let body = json!({ "deploymentId": null, "status": good });
    let answer = world.post(TARGET, &body.to_string());
    assert_eq!(answer.kind(), "DeploymentIdRequiredException");
    let body = json!({
        "deploymentId": id(1), "lifecycleEventHookExecutionId": theirs.ticket, "status": good, "more": [1],
    });
    let answer = world.post(TARGET, &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.event(&id(0)), "InProgress");
}

#[test]
fn one_operation_is_served_and_nothing_else() {
    let world = World::usual(&[]);
    let unknown = "UnknownOperationException";
    let post = |head: &str, body: &str| {
        let length = body.len();
        let text = format!("{head}Host: x\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = world.send(&text);
        (answer.status, answer.kind().to_owned())
    };
    let typed = format!("X-Amz-Target: {TARGET}\r\nContent-Type: {JSON}\r\n");
    let refused = |kind: &str| (400, kind.to_owned());
    for head in [
        "GET / HTTP/1.1\r\n".to_owned(),
        "POST /v1/commands HTTP/1.1\r\n".to_owned(),
        format!("POST /v1/commands HTTP/1.1\r\n{typed}"),
        format!("PUT / HTTP/1.1\r\n{typed}"),
        format!("POST / HTTP/1.1\r\nContent-Type: {JSON}\r\n"),
        format!("POST / HTTP/1.1\r\nX-Amz-Target: {TARGET}\r\nContent-Type: text/plain\r\n"),
        format!("POST / HTTP/1.1\r\nX-Amz-Target: {TARGET}s\r\nContent-Type: {JSON}\r\n"),
        format!(
            "POST / HTTP/1.1\r\nX-Amz-Target: CodeDeploy_20141006.StopDeployment\r\nContent-Type: {JSON}\r\n"
        ),
    ] {
        assert_eq!(post(&head, "{}"), refused(unknown), "{head}");
    }
    let head = format!("POST / HTTP/1.1\r\n{typed}");
    for body in ["", "[", "[]", "{\"status\": 1}", "\u{feff}"] {
        assert_eq!(
            post(&head, body),
            refused("SerializationException"),
            "{body}"
        );
    }
    let page = format!("{head}Origin: https://elsewhere.example\r\n");
    assert_eq!(post(&page, "{}"), refused("AccessDeniedException"));
    let large = " ".repeat(17 * 1024);
    assert_eq!(post(&head, &large), refused("SerializationException"));
    // Signatures are not looked at.
    let signed = format!("{head}Authorization: AWS4-HMAC-SHA256 Credential=x\r\n");
    assert_eq!(
        post(&signed, "{}"),
        refused("DeploymentIdRequiredException")
    );
}

#[test]
fn a_late_report_is_told_that_it_is() {
    let mut world = World::new(&[0], 1, Act::status(200), "");
    let call = world.called(&id(0));
    world.until_event(&id(0), "Failed");
    for restarts in [false, true] {
        if restarts {
            world.kill();
            world.serve();
        }
        let late = world.report(&id(0), &call.ticket, "Succeeded");
        assert_eq!((late.status, late.kind()), (400, COMPLETED), "{late:?}");
        let stranger = world.report(&id(0), "made up", "Succeeded");
        assert_eq!(stranger.kind(), INVALID_ID, "{stranger:?}");
    }
    assert_eq!(world.event(&id(0)), "Failed");
}

#[test]
fn a_report_is_taken_by_the_orchestrator_that_comes_after() {
    let mut world = World::usual(&[0]);
    let call = world.called(&id(0));
    world.until_event(&id(0), "InProgress");
    world.kill();
    world.serve();
    let answer = world.report(&id(0), &call.ticket, "Succeeded");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.event(&id(0)), "Succeeded");
    world.kill();
    world.serve();
    let again = world.report(&id(0), &call.ticket, "Failed");
    assert_eq!(again.kind(), COMPLETED, "{again:?}");
    assert_eq!(world.event(&id(0)), "Succeeded");
    assert_eq!(world.hook.seen().len(), 1, "called once");
}

#[test]
fn the_address_of_a_proxy_is_what_hooks_are_told() {
    let url = ", url: 'https://deploy.example/hooks/'";
    let world = World::new(&[0], 4200, Act::status(200), url);
    let call = world.called(&id(0));
    assert_eq!(call.report_to, "https://deploy.example/hooks/");
}

#[test]
fn nothing_is_taken_while_the_project_is_read_only() {
    let world = World::usual(&[0]);
    let call = world.called(&id(0));
    world.until_event(&id(0), "InProgress");
    world.document("", ", readOnly: true");
    let refused = world.report(&id(0), &call.ticket, "Succeeded");
    assert_eq!((refused.status, refused.kind()), (400, "ReadOnlyException"));
    assert_eq!(world.event(&id(0)), "InProgress");
    world.document("", "");
    let taken = world.report(&id(0), &call.ticket, "Succeeded");
    assert_eq!(taken.status, 200, "{taken:?}");
}

/// Whoever has the port keeps nobody from steering deployments.
#[test]
fn a_port_that_somebody_has_is_named_with_its_setting_and_waited_for() {
    let mut world = World::usual(&[]);
    let other = tempfile::tempdir().unwrap();
    let document = world.project().join("cutover.yaml");
    std::fs::copy(document, other.path().join("cutover.yaml")).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = crate::lab::cutover(other.path());
        command.arg("--project").arg(other.path()).args(arguments);
        command
    };
    let log = other.path().join("log");
    let mut serve = command(&["serve"]);
    let mut serve = serve
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let words = format!(
        "settings.hooks.listen of cutover.yaml: can't listen on 127.0.0.1:{}",
        world.port
    );
    until("the port is named", || {
        std::fs::read_to_string(&log).unwrap().contains(&words)
    });
    assert!(command(&["list"]).status().unwrap().success());
    world.kill();
    until("it listens", || {
        std::net::TcpStream::connect(("127.0.0.1", world.port)).is_ok()
    });
    serve.kill().unwrap();
    serve.wait().unwrap();
}
