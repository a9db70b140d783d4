//! Archives as bundles: what real programs make is unpacked as those programs unpack it, and what is hostile is refused as
//! a whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]
#![allow(missing_docs, reason = "a test says what it proves by its name")]

mod differential;
mod good;
mod host;
mod hostile;
mod make;
mod programs;
mod refused;
mod space;
