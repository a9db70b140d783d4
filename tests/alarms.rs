//! Alarms: every source against the real thing on loopback, and what the polls of a deployment's alarms mean to it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers fail the test"
)]
#![allow(dead_code, reason = "helpers of other tests are used in part")]

#[path = "alarms/alertmanager.rs"]
mod alertmanager;
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
#[path = "alarms/reading.rs"]
mod reading;
#[path = "alarms/rollouts/mod.rs"]
mod rollouts;
#[path = "alarms/server.rs"]
mod server;
#[path = "alarms/silences.rs"]
mod silences;
#[path = "alarms/urls.rs"]
mod urls;
#[path = "alarms/watcher.rs"]
mod watcher;
#[cfg(not(feature = "aws"))]
#[path = "alarms/without_aws.rs"]
mod without_aws;
