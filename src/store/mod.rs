//! What outlives the process: documents, journals, bundles and output.

pub mod documents;
