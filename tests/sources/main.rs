//! Revisions from elsewhere: a real orchestrator, and servers that answer as GitHub and Bitbucket do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]
#![allow(dead_code, reason = "the lab is shared with other tests")]

mod automatic;
mod fetched;
#[path = "../rollout/lab.rs"]
mod lab;
mod places;
mod refused;
mod server;
mod world;
