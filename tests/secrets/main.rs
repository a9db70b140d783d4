//! Secrets by reference: real orchestrators and agents with a unique value in every place that can have a secret. Each arrives
//! where it is meant to, and is found nowhere else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]
#![allow(dead_code, reason = "the lab is shared with other tests")]

mod canaries;
mod check;
mod hooks;
mod host;
#[path = "../rollout/lab.rs"]
mod lab;
mod listener;
mod nowhere;
mod rollout;
#[path = "../cockpit/terminal.rs"]
mod terminal;
