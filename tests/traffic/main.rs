//! Load balancers: every provider against the real program on loopback, with real requests flowing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]
#![allow(dead_code, reason = "each load balancer uses its own part")]

mod backend;
mod load;
mod program;
mod router;

mod support;
