//! A fleet by HTTP: a server of the test's own, which starts and ends agents.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::grounds::Grounds;

struct Server {
    fleet: PathBuf,
    questions: AtomicU32,
}

/// The first question is not heard, the second one is answered later; the token has to be right.
async fn answer(
    State(server): State<Arc<Server>>,
    Path(action): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Vec<u8>) {
    let authorized = headers
        .get("authorization")
        .map(axum::http::HeaderValue::as_bytes);
    if authorized != Some(b"Bearer open sesame") {
        return (StatusCode::UNAUTHORIZED, b"who is there?".to_vec());
    }
    match server.questions.fetch_add(1, Ordering::Relaxed) {
        0 => return (StatusCode::BAD_GATEWAY, Vec::new()),
        1 => return (StatusCode::ACCEPTED, b"they boot".to_vec()),
        _ => {}
    }
    let asked: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(asked["action"], action);
    let token = asked["token"].as_str().unwrap_or_default();
    let key = headers.get("idempotency-key");
    assert_eq!(key.map_or("", |key| key.to_str().unwrap()), token);
    let hosts = asked["hosts"].as_array().into_iter().flatten();
    let names: Vec<&str> = hosts.map(|host| host["name"].as_str().unwrap()).collect();
    let mut program = tokio::process::Command::new(server.fleet.join("fleet.sh"))
        .env("CUTOVER_ACTION", &action)
        .env("CUTOVER_TOKEN", token)
        .env("CUTOVER_COUNT", asked["count"].to_string())
        .env("CUTOVER_HOSTS", names.join(" "))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(&body).await.ok();
    let output = program.wait_with_output().await.unwrap();
    assert!(output.status.success());
    (StatusCode::OK, output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_by_http_is_asked_until_it_answers() {
    let grounds = Grounds::up().await;
    let lab = &grounds.lab;
    let server = Arc::new(Server {
        fleet: grounds.fleet(),
        questions: AtomicU32::new(0),
    });
    let routes = axum::Router::new()
        .route("/{action}", post(answer))
        .with_state(Arc::clone(&server));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let provider = format!(
        "http: {{ provision: 'http://{at}/provision', terminate: 'http://{at}/terminate', token: token }}"
    );
    grounds.project(&provider, "      timeoutSeconds: 60\n");
    grounds.reread();
    let token = lab.folder().join("token");
    std::fs::write(&token, "a guess\n").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let id = grounds.deploy();
    assert_eq!(lab.wait_for_end(&id), "Failed");
    let shown = lab.ok(&["show", &id]);
    assert!(shown.contains("401 Unauthorized: who is there?"), "{shown}");
    assert!(!shown.contains("a guess"), "{shown}");

    std::fs::write(&token, "open sesame\n").unwrap();
    let first = grounds.deploy();
    grounds.succeeds(&first);
    assert_eq!(server.questions.load(Ordering::Relaxed), 3);
    assert_eq!(grounds.noted("started"), ["f-1", "f-2"]);
    let second = grounds.deploy();
    grounds.succeeds(&second);
    assert_eq!(grounds.hosts(), ["web-1", "web-2", "f-3", "f-4"]);
    assert_eq!(grounds.noted("terminated"), ["f-1", "f-2"]);
    serving.abort();
}
