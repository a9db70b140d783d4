//! Load balancers: every provider against the real program on loopback, with real requests flowing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test's helpers fail the test"
)]
#![allow(dead_code, reason = "each load balancer uses its own part")]

mod agents;
#[path = "../alarms/alertmanager.rs"]
mod alertmanager;
mod backend;
#[path = "../rollout/lab.rs"]
mod lab;
mod load;
mod program;
#[path = "../alarms/reading.rs"]
mod reading;
#[path = "../alarms/server.rs"]
mod server;
mod support;

mod documented;
mod envoy;
mod haproxy;
mod http;
mod nginx;
mod proxies;
mod rollouts;
mod router;
