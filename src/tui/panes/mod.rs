//! The panes of the screen. Each draws its place from the model, and changes nothing.

pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod instances;
pub(crate) mod lists;
pub(crate) mod output;
pub(crate) mod rollout;
pub(crate) mod tiny;
mod trouble;
