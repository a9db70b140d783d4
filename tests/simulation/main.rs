//! The simulation, at the size of a test: a few hundred worlds, the same seed twice, and every run that once found a bug.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod regressions;
mod worlds;
