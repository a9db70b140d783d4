//! The places in what is done with processes of Auto Scaling at which the orchestrator is made to kill itself.

/// Each of them once, in a deployment of its own.
pub const PLACES: [&str; 3] = ["scaling.noted", "scaling.suspended", "scaling.resumed"];
