//! Hooks that call back over HTTP: a real orchestrator, a real webhook, and the clients of `CodeDeploy`'s API as they are.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]
#![allow(
    dead_code,
    reason = "the lab and the server are shared with other tests"
)]

mod answers;
mod client;
#[path = "../notify/hook.rs"]
mod hook;
#[path = "../rollout/lab.rs"]
mod lab;
#[path = "../traffic/program.rs"]
mod program;
mod world;
