//! The host agent: real bundles, a real file system, real scripts, spoken to over HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

#[path = "agent/crash.rs"]
mod crash;
#[path = "agent/disk.rs"]
mod disk;
#[path = "agent/facts.rs"]
mod facts;
#[path = "agent/front.rs"]
mod front;
#[path = "agent/install.rs"]
mod install;
#[path = "agent/names.rs"]
mod names;
#[path = "agent/ordinary.rs"]
mod ordinary;
#[path = "agent/output.rs"]
mod output;
#[path = "agent/program.rs"]
mod program;
#[path = "agent/protocol.rs"]
mod protocol;
#[path = "agent/scripts.rs"]
mod scripts;
#[path = "agent/support.rs"]
mod support;
#[path = "agent/task_sets.rs"]
mod task_sets;
#[path = "agent/users.rs"]
mod users;
#[path = "agent/waiting.rs"]
mod waiting;
