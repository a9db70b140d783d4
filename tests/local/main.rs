//! `cutover local`, the real program, on the real file system: options, events, output, exit codes, and what it leaves on
//! the host.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod deployments;
mod failures;
mod host;
mod interruptions;
