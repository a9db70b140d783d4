//! The real binary on a real network: hosts in network namespaces with addresses of their own, agents that join, and those who
//! come between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod authority;
mod clocks;
mod commands;
mod crowd;
mod evil;
mod fence;
mod joining;
mod moving;
mod namespaces;
mod partitions;
mod relays;
mod rotation;
mod sleeping;
mod strangers;
#[path = "../torture/relay.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod weather;
mod world;
