//! The pure core: the specification's test vectors, and properties that must hold whatever happens.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod alarms;
mod approvals;
mod blue_green;
mod controls;
mod deadlines;
mod foresight;
mod freezes;
mod functions;
mod health;
mod journals;
mod notices;
mod operations;
mod properties;
mod provision;
mod random_traffic;
mod rollback;
mod services;
mod shift;
mod traffic;
mod vectors;
mod world;
mod zones;
