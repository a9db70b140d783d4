//! What outlives the process: documents, journals, bundles, output and the audit trail.

pub mod archive;
pub mod audit;
pub mod bundles;
pub mod chain;
pub mod documents;
pub mod fence;
pub mod files;
pub mod journal;
pub mod kept;
pub mod names;
pub mod output;
mod pack;
pub mod state;
pub mod watch;
