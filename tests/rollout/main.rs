//! The real binary: an orchestrator and agents as processes, real bundles, real scripts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod access;
mod approvals;
mod commands;
mod contact;
mod counts;
mod crash;
mod create;
mod documents;
mod edits;
mod foresight;
mod history;
mod hosts;
mod joining;
mod lab;
mod queue;
mod rollbacks;
mod stops;
mod trace;
