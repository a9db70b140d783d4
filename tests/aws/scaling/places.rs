//! The places in what is done with processes of Auto Scaling at which the orchestrator is made to kill itself.

/// Each of them once, in a deployment of its own.
pub const PLACES: [&str; 3] = ["scaling.noted", "scaling.suspended", "scaling.resumed"];

/// Each of them once, in a deployment that copies an Auto Scaling group.
pub const COPYING: [&str; 2] = ["fleets.copied", "fleets.deleted"];

/// Each of them once, while an instance waits for a lifecycle hook.
pub const ANSWERING: [&str; 2] = ["lifecycle.before-answer", "lifecycle.answered"];
