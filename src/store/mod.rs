//! What outlives the process: documents, journals, bundles and output.

pub mod archive;
pub mod bundles;
pub mod documents;
pub mod journal;
pub mod output;
mod pack;
pub mod state;
