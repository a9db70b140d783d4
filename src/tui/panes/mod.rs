//! The panes of the screen. Each draws its place from the model, and changes nothing.

pub(crate) mod alarms;
mod follows;
pub(crate) mod footer;
mod gauge;
pub(crate) mod header;
pub(crate) mod instances;
pub(crate) mod lists;
mod next;
mod note;
pub(crate) mod output;
pub(crate) mod rollout;
mod schedule;
mod seat;
mod stages;
mod tasks;
pub(crate) mod tiny;
mod traffic;
mod trouble;
