//! Notifications: real orchestrators and agents, and a real HTTP server that is told, hangs, refuses, and comes back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]
#![allow(dead_code, reason = "the lab is shared with other tests")]

#[path = "notify/crash.rs"]
mod crash;
#[path = "notify/hook.rs"]
mod hook;
#[path = "rollout/lab.rs"]
mod lab;
#[path = "notify/receivers.rs"]
mod receivers;
#[path = "notify/rollout.rs"]
mod rollout;
#[path = "notify/setting.rs"]
mod setting;
#[path = "notify/syncs.rs"]
mod syncs;
#[path = "rollout/trace.rs"]
mod trace;
