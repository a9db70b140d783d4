//! How long things may take (lifecycle.md §11: the published limits of `CodeDeploy`).

use std::time::Duration;

/// A host must start the next event within this time after the previous one ended, or after it was told to begin.
pub const PICK_UP: Duration = Duration::from_mins(5);

/// One lifecycle event, all scripts and overhead included.
pub const EVENT: Duration = Duration::from_mins(70);
