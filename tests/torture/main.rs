//! Torture of the real processes: an orchestrator and eight agents that are killed, stopped, cut off and robbed of their
//! disks in the middle of rollouts. Afterwards the files alone tell whether everything was kept ([`check`]).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod agent_points;
#[path = "../sources/places.rs"]
mod automatic_places;
mod check;
mod cluster;
mod disk;
#[path = "../traffic/rollouts/fleets/places.rs"]
mod fleet_places;
mod host_log;
mod namespace;
mod network;
mod orchestrator_points;
mod points;
mod project;
mod random;
mod relay;
#[path = "../aws/scaling/places.rs"]
mod scaling_places;
mod seed;
mod supervise;
mod tail;
#[path = "../agent/task_sets/places.rs"]
mod task_places;
mod trace;
