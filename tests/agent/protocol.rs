//! Orders, stops, leases, bundles and the stream.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use cutover::agent::protocol::{ExecutionEnd, Order, Problem, What};
use cutover::agent::{AgentError, Config, serve};
use cutover::identity::command::Verb;
use cutover::model::deployment::ExecutionId;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use cutover::model::revision::{Digest, Revision};
use reqwest::StatusCode;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::support::{Host, execution, order, until};

/// A revision whose `BeforeInstall` notes that it ran, and waits for a gate.
async fn gated(host: &Host) -> Revision {
    let (gate, ran) = (host.path("gate"), host.path("ran"));
    let script = format!(
        "#!/bin/sh\necho $LIFECYCLE_EVENT >> {}\nuntil [ -e {} ]; do sleep 0.02; done\n",
        ran.display(),
        gate.display()
    );
    let spec = "version: 0.0\nos: linux\nhooks:\n  BeforeInstall: [{location: run.sh}]\n  AfterInstall: [{location: run.sh}]\n";
    host.push(
        "1",
        &[("appspec.yml", spec, 0o644), ("run.sh", &script, 0o755)],
    )
    .await
}

fn ran(host: &Host) -> String {
    fs::read_to_string(host.path("ran")).unwrap_or_default()
}

#[tokio::test]
async fn the_same_order_again_changes_nothing() {
    let host = Host::started().await;
    let revision = gated(&host).await;
    let order = order(1, &revision);
    let id = execution(&order);
    let first = host.order(&id, &order).await;
    until("the script runs", || !ran(&host).is_empty()).await;
    let again = host.order(&id, &order).await;
    assert_eq!(again.accepted_seq, first.accepted_seq);
    let other = Order {
        ignore_application_stop_failures: true,
        ..order.clone()
    };
    let conflict = host.put(&id, &other).await;
    assert_eq!(conflict.status(), StatusCode::CONFLICT);
    assert!(
        conflict
            .json::<Problem>()
            .await
            .unwrap()
            .message
            .contains("another order")
    );
    fs::write(host.path("gate"), "").unwrap();
    host.finish(&id, &order, 0).await.succeeded();
    let again = host.order(&id, &order).await;
    assert_eq!(again.ended, Some(ExecutionEnd::Finished));
    assert_eq!(
        ran(&host),
        "BeforeInstall\nAfterInstall\n",
        "each script ran once"
    );
}

#[tokio::test]
async fn a_stop_ends_after_the_current_event() {
    let host = Host::started().await;
    let revision = gated(&host).await;
    let first = order(1, &revision);
    let second = order(2, &revision);
    let (id, behind) = (execution(&first), execution(&second));
    host.order(&id, &first).await;
    host.order(&behind, &second).await;
    until("the script runs", || !ran(&host).is_empty()).await;
    let state = host.stop(&id).await;
    assert_eq!(state.ended, None, "a running script is not killed");
    let state = host.stop(&behind).await;
    assert_eq!(
        state.ended,
        Some(ExecutionEnd::Stopped),
        "what has not begun ends at once"
    );
    fs::write(host.path("gate"), "").unwrap();
    let run = host.finish(&id, &first, 0).await;
    assert_eq!(run.end(), ExecutionEnd::Stopped);
    assert_eq!(run.status(E::BeforeInstall), EventStatus::Succeeded);
    assert_eq!(run.status(E::Install), EventStatus::Skipped);
    assert_eq!(
        host.stop(&id).await,
        run.state,
        "stopping again changes nothing"
    );
    let unknown = host.ask_to_stop(&ExecutionId("unknown".into())).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

/// A host was given up while its order was under way, and the order of the rollback overtook it.
#[tokio::test]
async fn an_order_that_comes_too_late_starts_nothing() {
    let host = Host::started().await;
    let spec = "version: 0.0\nos: linux\n";
    let revision = host.push("1", &[("appspec.yml", spec, 0o644)]).await;
    host.run(&order(2, &revision)).await.succeeded();

    let late = order(1, &revision);
    let id = execution(&late);
    let accepted = host.place(&id, &late).await;
    // Had it been allowed to begin, it would be what has run when the next one of its group has.
    host.run(&order(3, &revision)).await.succeeded();
    let run = host.finish(&id, &late, accepted.accepted_seq - 1).await;
    assert_eq!(run.state.ended, Some(ExecutionEnd::Stopped));
    let said: Vec<_> = run.messages.iter().map(|message| &message.what).collect();
    let end = What::Ended {
        end: ExecutionEnd::Stopped,
    };
    assert_eq!(said, [&What::Accepted, &end]);
}

/// The stop of an order that is still under way overtakes it.
#[tokio::test]
async fn what_was_stopped_before_it_was_ordered_does_not_run() {
    let mut host = Host::started().await;
    let revision = gated(&host).await;
    let order = order(1, &revision);
    let id = execution(&order);
    for _ in 0..2 {
        let answer = host.ask_to_stop(&id).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
    // The agent remembers it over a restart.
    host.shut_down().await;
    host.start().await;
    let state = host.order(&id, &order).await;
    assert_eq!(state.ended, Some(ExecutionEnd::Stopped));
    assert!(
        state
            .events
            .iter()
            .all(|event| event.status == EventStatus::Skipped)
    );
    let run = host.finish(&id, &order, state.accepted_seq - 1).await;
    let said: Vec<_> = run.messages.iter().map(|message| &message.what).collect();
    let end = What::Ended {
        end: ExecutionEnd::Stopped,
    };
    assert_eq!(said, [&What::Accepted, &end]);
    assert_eq!(ran(&host), "");
    let other = crate::support::order(2, &revision);
    fs::write(host.path("gate"), "").unwrap();
    host.run(&other).await.succeeded();
}

#[tokio::test]
async fn without_a_lease_no_further_event_starts() {
    let mut host = Host::new();
    host.config.lease = Duration::from_millis(300);
    host.start().await;
    let revision = gated(&host).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    until("the script runs", || !ran(&host).is_empty()).await;
    // The lease ends while the script waits.
    sleep(host.config.lease * 2).await;
    fs::write(host.path("gate"), "").unwrap();
    let mut stream = host.stream(0).await;
    stream
        .wait_for(|what| {
            matches!(
                what,
                What::EventEnded {
                    event: E::BeforeInstall,
                    ..
                }
            )
        })
        .await;
    // Nothing can be waited for here: that nothing happens is what is to be seen.
    sleep(host.config.lease * 2).await;
    let held = host.info().await.seq;
    host.renew(&id).await;
    let next = stream.next().await;
    assert_eq!(next.what, What::EventStarted { event: E::Install });
    assert_eq!(next.seq, held + 1, "nothing happened without a lease");
    host.finish(&id, &order, 0).await.succeeded();
}

#[tokio::test]
async fn a_stop_also_holds_without_a_lease() {
    let mut host = Host::new();
    host.config.lease = Duration::ZERO;
    host.start().await;
    let revision = gated(&host).await;
    let order = order(1, &revision);
    let id = execution(&order);
    host.order(&id, &order).await;
    host.stop(&id).await;
    let mut stream = host.stream(0).await;
    let end = stream
        .wait_for(|what| matches!(what, What::Ended { .. }))
        .await;
    assert_eq!(
        end.what,
        What::Ended {
            end: ExecutionEnd::Stopped
        }
    );
    assert_eq!(ran(&host), "");
}

#[tokio::test]
async fn a_stream_goes_on_where_another_was_lost() {
    let mut host = Host::new();
    host.config.heartbeat = Duration::from_millis(50);
    host.start().await;
    let spec = "version: 0.0\nos: linux\nhooks:\n  BeforeInstall: [{location: run.sh}]\n";
    let script = "#!/bin/sh\nseq 1 5000\n";
    let revision = host
        .push(
            "1",
            &[("appspec.yml", spec, 0o644), ("run.sh", script, 0o755)],
        )
        .await;
    let order = order(1, &revision);
    host.order(&execution(&order), &order).await;
    let mut seen = Vec::new();
    let mut last = 0;
    // Every stream is dropped after a few messages.
    'all: loop {
        let mut stream = host.stream(last).await;
        for _ in 0..700 {
            let message = stream.next().await;
            last = message.seq;
            let ended = matches!(message.what, What::Ended { .. });
            seen.push(message);
            if ended {
                break 'all;
            }
        }
    }
    let numbers: Vec<_> = seen.iter().map(|message| message.seq).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    let lines = seen.iter().filter_map(|message| match &message.what {
        What::Output { text, source, .. }
            if *source == cutover::agent::protocol::OutputSource::Stdout =>
        {
            text.parse().ok()
        }
        _ => None,
    });
    assert_eq!(lines.collect::<Vec<u32>>(), (1..=5000).collect::<Vec<_>>());
    let mut idle = host.stream(last).await;
    assert!(idle.line().await.is_empty(), "blank lines keep it alive");
    assert_eq!(host.info().await.seq, last);
}

#[tokio::test]
async fn bundles_are_verified_on_arrival() {
    let host = Host::started().await;
    let digest = Digest::from_bytes(&[9; 32]);
    let url = format!("{}/v1/bundles/{digest}", host.address);
    let answer = host
        .client
        .put(&url)
        .body("something else")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        host.client.head(&url).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    let revision = host
        .push("1", &[("appspec.yml", "version: 0.0\nos: linux\n", 0o644)])
        .await;
    let known = format!("{}/v1/bundles/{}", host.address, revision.digest);
    assert_eq!(
        host.client.head(known).send().await.unwrap().status(),
        StatusCode::OK
    );

    let absent = Revision { digest, ..revision };
    let run = host.run(&order(1, &absent)).await;
    let message = run.diagnostics(E::DownloadBundle).message;
    assert!(message.contains("does not have the bundle"), "{message}");
}

/// What is too large or no JSON is refused where it arrives.
#[tokio::test]
async fn what_arrives_has_limits() {
    let mut host = Host::new();
    host.config.unpacking.limits.compressed = 100_000;
    host.start().await;
    let put = async |path: &str, kind: &str, body: Vec<u8>| {
        let url = format!("{}{path}", host.address);
        let request = host.client.put(url).header("content-type", kind).body(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let bundle = format!("/v1/bundles/{}", "0".repeat(64));
    let (status, said) = put(&bundle, "application/zip", vec![0; 100_001]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(said.contains("raise max_bundle_bytes"), "{said}");
    let (status, _) = put(&bundle, "application/zip", vec![0; 100_000]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    let json = "application/json; charset=utf-8";
    let long = format!("/v1/executions/{}", "x".repeat(401));
    let order = "/v1/executions/x";
    for (path, kind, body, expected) in [
        (
            order,
            json,
            vec![b' '; 1_048_577],
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        (order, json, vec![b' '; 1_048_576], StatusCode::BAD_REQUEST),
        (
            order,
            json,
            b"{}".to_vec(),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            order,
            "text/plain",
            b"{}".to_vec(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (&long, json, b"{}".to_vec(), StatusCode::BAD_REQUEST),
    ] {
        let (status, said) = put(path, kind, body).await;
        assert_eq!(status, expected, "{said}");
        assert!(said.contains("message"), "{said}");
    }
    assert_eq!(host.info().await.name.as_str(), "web-1");
}

#[tokio::test]
async fn a_bundle_that_changed_on_the_disk_is_not_used() {
    let host = Host::started().await;
    let revision = host
        .push("1", &[("appspec.yml", "version: 0.0\nos: linux\n", 0o644)])
        .await;
    let file = host
        .config
        .root
        .join(format!("bundles/{}", revision.digest));
    fs::write(file, "damaged").unwrap();
    let run = host.run(&order(1, &revision)).await;
    let message = run.diagnostics(E::DownloadBundle).message;
    assert!(message.contains("is damaged"), "{message}");
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused() {
    let host = Host::started().await;
    let revision = host
        .push("1", &[("appspec.yml", "version: 0.0\nos: linux\n", 0o644)])
        .await;
    let good = order(1, &revision);
    let bad = [
        Order {
            deployment_group_id: "../up".to_owned(),
            ..good.clone()
        },
        Order {
            deployment_group_id: "log".to_owned(),
            ..good.clone()
        },
        Order {
            events: Vec::new(),
            ..good.clone()
        },
        Order {
            events: vec![E::Install, E::Install],
            ..good.clone()
        },
        Order {
            events: vec![E::AllowTraffic],
            ..good.clone()
        },
    ];
    let mut messages = BTreeSet::new();
    for order in bad {
        let answer = host.put(&execution(&order), &order).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        messages.insert(answer.json::<Problem>().await.unwrap().message);
    }
    assert_eq!(messages.len(), 5, "{messages:?}");
    assert_eq!(host.info().await.seq, 0, "nothing was taken");
}

#[tokio::test]
async fn agents_listen_on_the_loopback_only_and_alone() {
    let host = Host::started().await;
    let _ = host.info().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = serve(host.config.clone(), listener, std::future::pending()).await;
    assert!(matches!(second, Err(AgentError::Locked(_))), "{second:?}");
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let config = Config::new("web-2".parse().unwrap(), host.path("second"));
    let open = serve(config, listener, std::future::pending()).await;
    assert!(
        open.unwrap_err()
            .to_string()
            .contains("not a loopback address, and this host has not joined")
    );
}

/// Whoever asks may be killed while the agent makes the order durable: the order is taken all the same, and carried out.
#[tokio::test]
async fn an_order_whose_sender_hangs_up_is_carried_out() {
    use tokio::io::AsyncWriteExt as _;
    let host = Host::started().await;
    let spec = "version: 0.0\nos: linux\n";
    let revision = host.push("1", &[("appspec.yml", spec, 0o644)]).await;
    let authority = host.address.trim_start_matches("http://").to_owned();
    for number in 1..=40 {
        let order = order(number, &revision);
        let id = execution(&order);
        let body = host.signed(Verb::Order, &id.0, &order);
        let body = String::from_utf8(body).unwrap();
        let request = format!(
            "PUT /v1/executions/{id} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = tokio::net::TcpStream::connect(&authority).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        drop(connection);
        host.run(&order).await.succeeded();
    }
}
