//! Pieces that several panes and layers are made of.

pub(crate) mod duration;
pub(crate) mod field;
pub(crate) mod fuzzy;
pub(crate) mod list;
pub(crate) mod sparkline;
pub(crate) mod wrap;
