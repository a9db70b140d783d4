//! Alarms: every source against the real thing on loopback, and what the polls of a deployment's alarms mean to it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers fail the test"
)]
#![allow(dead_code, reason = "helpers of other tests are used in part")]

#[path = "alarms/command_line.rs"]
mod command_line;
#[path = "alarms/commands.rs"]
mod commands;
#[path = "rollout/lab.rs"]
mod lab;
#[path = "traffic/program.rs"]
mod program;
#[path = "alarms/prometheus.rs"]
mod prometheus;
#[path = "alarms/rollouts/mod.rs"]
mod rollouts;
#[path = "alarms/server.rs"]
mod server;
#[path = "alarms/urls.rs"]
mod urls;
#[path = "alarms/watcher.rs"]
mod watcher;

use std::path::Path;

use cutover::model::alarm::{AlarmState, Reading};
use cutover::model::connections::AlarmConnection;
use cutover::providers::alarms::{AlarmError, Reader};

/// An alarm as the documents write it.
fn alarm(name: &str, source: &str) -> AlarmConnection {
    let text = format!("{{ name: {name}, intervalSeconds: 1, source: {source} }}");
    cutover::model::yaml::from_str(&text).unwrap()
}

/// Reads an alarm once, in this folder.
async fn read(folder: &Path, source: &str) -> Result<Reading, AlarmError> {
    let reader = Reader::new(folder).unwrap();
    reader.read(&alarm("tested", source)).await
}

/// What a reading says: the state, and the message.
fn said(reading: Result<Reading, AlarmError>) -> (AlarmState, String) {
    let reading = reading.unwrap();
    (reading.state, reading.message)
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !holds().await {
        assert!(
            std::time::Instant::now() < deadline,
            "{what}: not within 30 s"
        );
        tokio::time::sleep(server::LOOK).await;
    }
}
