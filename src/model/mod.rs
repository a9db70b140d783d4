//! What things are: plain serde types with CodeDeploy's own names and shapes, and no I/O.
//!
//! `application`, `group`, `configuration`, `routing`, `connections`, `host`, `tags`, `access`, `approval` and `project` are documents an operator keeps in git;
//! `revision`, `source`, `task_set`, `deployment`, `lifecycle`, `traffic`, `alarm` and `diagnostics` are what a rollout is made of; `secret` is what nobody shows, `address` where somebody looks. `yaml` reads
//! documents with their positions.

pub mod access;
pub mod address;
pub mod alarm;
pub mod application;
pub mod approval;
pub mod automatic;
pub mod configuration;
pub mod connections;
pub mod custom_event;
pub mod deployment;
pub mod diagnostics;
pub mod endpoint;
pub mod environment;
pub mod freeze;
pub mod group;
pub mod host;
pub mod lifecycle;
pub mod limits;
pub mod name;
pub mod notification;
pub mod output;
pub mod project;
pub mod revision;
pub mod routing;
pub mod s3;
pub mod secret;
pub mod source;
pub mod tags;
pub mod task_counts;
pub mod task_set;
pub mod timestamp;
pub mod traffic;
pub mod yaml;
