//! Blue/green with a replacement that is provisioned and an original that is terminated: real agents, which the fleet starts
//! and ends.

mod bad;
mod crash;
mod grounds;
mod http;
mod places;
mod whole;
