//! The places at which an agent is killed while it begins or ends a task set.

/// Before its tasks have been seen running.
pub const BEGINNING: [&str; 6] = [
    "task-set.before-order",
    "task-set.ordered",
    "task.before-start",
    "task.after-start",
    "task.running",
    "task.settled",
];

/// After it was told to end it.
pub const ENDING: [&str; 3] = ["task-set.before-end", "task-set.ended", "task.gone"];
