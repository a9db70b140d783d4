//! lifecycle.md §11: agents that fall silent, before, between and during events.

use nix::sys::signal::Signal;

use crate::lab::Lab;

/// A lab of one host with these limits, and a revision whose scripts take this long.
fn lab(limits: &str, pause: &str) -> Lab {
    let lab = Lab::up(1);
    lab.project(&["web-1"], limits);
    lab.group("all", "role", "web", "");
    lab.push("1.0", pause, None);
    lab
}

#[test]
fn a_host_that_falls_silent_during_an_event_is_given_up_before_the_event_might_end() {
    let lab = lab("{ silenceSeconds: 2, eventSeconds: 600 }", "20");
    let id = lab.ok(&["deploy", "shop", "all", "1.0"]);
    lab.wait_for(&id, |now| {
        now["targets"][0]["events"][2]["status"] == "InProgress"
    });
    lab.signal_agent("web-1", Signal::SIGSTOP);
    let status = lab.wait_for_end(&id);
    lab.signal_agent("web-1", Signal::SIGCONT);
    assert_eq!(status, "Failed");
    let shown = lab.show(&id);
    let event = &shown["targets"][0]["events"][2];
    assert_eq!(event["status"], "Failed");
    let says = event["diagnostics"]["message"].as_str().unwrap();
    assert!(says.contains("nothing was heard of web-1"), "{says}");
    assert_eq!(
        shown["deploymentInfo"]["errorInformation"]["code"],
        "AGENT_ISSUE"
    );
}

#[test]
fn a_silence_that_ends_in_time_costs_nothing() {
    let lab = lab("{ silenceSeconds: 120 }", "1");
    let id = lab.ok(&["deploy", "shop", "all", "1.0"]);
    lab.wait_for(&id, |now| {
        now["targets"][0]["events"][2]["status"] == "InProgress"
    });
    lab.signal_agent("web-1", Signal::SIGSTOP);
    lab.wait_for(&id, |now| now["targets"][0]["silentSince"].is_i64());
    assert!(lab.ok(&["show", &id]).contains("not heard of since"));
    lab.signal_agent("web-1", Signal::SIGCONT);
    lab.wait_for(&id, |now| now["targets"][0]["silentSince"].is_null());
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
}

#[test]
fn a_host_that_does_not_pick_up_its_first_event_fails() {
    let lab = lab("{ pickUpSeconds: 2 }", "0");
    lab.signal_agent("web-1", Signal::SIGKILL);
    let (id, code) = lab.deploy(&["all", "1.0"]);
    assert_eq!(code, 1);
    let shown = lab.show(&id);
    let target = &shown["targets"][0];
    assert_eq!(target["status"], "Failed");
    let events = target["events"].as_array().unwrap();
    assert!(
        events.iter().all(|event| event["status"] == "Skipped"),
        "{target}"
    );
    let says = target["message"].as_str().unwrap();
    assert!(
        says.contains("did not start the next event within 2.0 s"),
        "{says}"
    );
    assert_eq!(
        shown["deploymentInfo"]["errorInformation"]["code"],
        "AGENT_ISSUE"
    );
}

#[test]
fn a_whole_deployment_has_its_limit() {
    let lab = lab("{ deploymentSeconds: 1 }", "2");
    let (id, code) = lab.deploy(&["all", "1.0"]);
    assert_eq!(code, 1);
    let shown = lab.show(&id);
    assert_eq!(
        shown["deploymentInfo"]["errorInformation"]["code"],
        "TIMEOUT"
    );
    // The running script finished.
    let events = shown["targets"][0]["events"].as_array().unwrap();
    assert!(
        events.iter().all(|event| event["status"] != "Failed"),
        "{events:?}"
    );
}
