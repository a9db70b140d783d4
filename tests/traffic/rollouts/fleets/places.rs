//! The places in what is done with fleets at which the orchestrator is made to kill itself.

/// Each of them once, in a deployment of its own.
pub const PLACES: [&str; 4] = [
    "fleets.answered",
    "fleets.before-write",
    "fleets.after-write",
    "fleets.terminated",
];
