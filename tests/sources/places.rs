//! Where the orchestrator may die while it follows a place.

pub const PLACE: &str = "automatic.before-note";
