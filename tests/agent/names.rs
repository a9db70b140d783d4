//! Under which name a revision's `AppSpec` is found, and which events it may name.

use cutover::agent::protocol::{ExecutionEnd, Order, OutputSource};
use cutover::model::custom_event::CustomEvent;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};

use crate::support::{Host, Member, Run, order};

/// An `AppSpec` whose script runs in one event.
fn hook(event: &str) -> String {
    format!("version: 0.0\nos: linux\nhooks:\n  {event}:\n    - location: run.sh\n")
}

const SCRIPT: Member<'_> = ("run.sh", "#!/bin/sh\necho \"$LIFECYCLE_EVENT\"\n", 0o755);
const BROKEN: Member<'_> = ("appspec.yml", "files: [", 0o644);

fn said(run: &Run) -> Vec<&str> {
    run.lines(OutputSource::Stdout)
}

#[tokio::test]
async fn either_spelling_works_in_every_event() {
    let host = Host::started().await;
    let spec = hook("ApplicationStop");
    let members = [("appspec.yaml", &*spec, 0o644), SCRIPT];
    let revision = host.push("1", &members).await;
    let first = host.run(&order(1, &revision)).await;
    first.succeeded();
    let second = host.run(&order(2, &revision)).await;
    second.succeeded();
    assert_eq!(said(&second), ["ApplicationStop"]);
}

#[tokio::test]
async fn the_name_that_was_asked_for_is_kept_with_the_archive() {
    let host = Host::started().await;
    let spec = hook("ApplicationStop");
    let old = [("deploy/prod.yml", &*spec, 0o644), BROKEN, SCRIPT];
    let old = host.push("1", &old).await;
    let asking = Order {
        appspec_filename: Some("deploy/prod.yml".to_owned()),
        ..order(1, &old)
    };
    host.run(&asking).await.succeeded();

    // The next deployment asks for no name, or for another one: the old revision's scripts run all the same.
    let new = [("appspec.yml", "version: 0.0\nos: linux\n", 0o644)];
    let new = host.push("2", &new).await;
    let run = host.run(&order(2, &new)).await;
    run.succeeded();
    assert_eq!(said(&run), ["ApplicationStop"]);
}

#[tokio::test]
async fn a_folder_of_the_name_is_passed_over_and_the_file_is_judged_at_once() {
    let host = Host::started().await;
    let members = [
        ("appspec.yml/not-a-file", "", 0o644),
        ("appspec.yaml", "", 0o644),
    ];
    let revision = host.push("1", &members).await;
    let run = host.run(&order(1, &revision)).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let message = run.diagnostics(E::DownloadBundle).message;
    assert_eq!(message, "appspec.yaml: E01 the AppSpec is empty");
}

#[tokio::test]
async fn an_order_may_be_strict_about_events() {
    let host = Host::started().await;
    let spec = hook("AplicationStart");
    let revision = host
        .push("1", &[("appspec.yml", &spec, 0o644), SCRIPT])
        .await;
    let strict = Order {
        possible_events: Some(E::SERVER.to_vec()),
        ..order(1, &revision)
    };
    let run = host.run(&strict).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    let message = run.diagnostics(E::DownloadBundle).message;
    assert_eq!(
        message,
        "appspec.yml: E18 line 4, column 3: \"AplicationStart\" is none of the events that may have scripts (did you mean \"ApplicationStart\"?)"
    );
    assert_eq!(run.status(E::Install), EventStatus::Skipped);

    // Otherwise it is a warning.
    let run = host.run(&order(2, &revision)).await;
    run.succeeded();
    let remarks = run.lines(OutputSource::Agent);
    assert!(
        remarks.iter().any(|line| line.starts_with("warning: W30 ")),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn an_event_of_ones_own_runs_if_the_appspec_names_it() {
    let host = Host::started().await;
    let warm = E::Custom(CustomEvent::named("WarmTheCaches"));
    let with = |deployment, revision| {
        let mut order = order(deployment, revision);
        order.events.push(warm);
        order
    };
    let spec = hook("WarmTheCaches");
    let revision = host
        .push("1", &[("appspec.yml", &spec, 0o644), SCRIPT])
        .await;
    let run = host.run(&with(1, &revision)).await;
    run.succeeded();
    assert_eq!(said(&run), ["WarmTheCaches"]);
    let remarks = run.lines(OutputSource::Agent);
    assert!(
        !remarks.iter().any(|line| line.contains("W30")),
        "{remarks:?}"
    );

    let spec = hook("ApplicationStart");
    let revision = host
        .push("2", &[("appspec.yml", &spec, 0o644), SCRIPT])
        .await;
    let run = host.run(&with(2, &revision)).await;
    assert_eq!(run.end(), ExecutionEnd::Failed);
    assert_eq!(
        run.diagnostics(E::DownloadBundle).message,
        "appspec.yml: E19 the event WarmTheCaches is to run, but hooks does not name it"
    );
}
