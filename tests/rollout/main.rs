//! The real binary: an orchestrator and agents as processes, real bundles, real scripts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod commands;
mod counts;
mod crash;
mod documents;
mod hosts;
mod lab;
