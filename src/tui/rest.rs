//! The row on which a cursor rests, where what it is about is told beside the list: a key that is held down passes rows by that
//! nobody reads.

use std::time::Duration;

use crate::model::deployment::DeploymentId;
use crate::model::timestamp::Timestamp;

/// A cursor that has been on a row for so long rests there.
pub(crate) const RESTS: Duration = Duration::from_millis(250);

/// Since when the cursor has been on its row.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    row: Option<DeploymentId>,
    since: Timestamp,
}

impl Rest {
    /// The cursor is on this row; answers whether it rests there.
    pub(crate) fn on(&mut self, row: Option<&DeploymentId>, now: Timestamp) -> bool {
        if self.row.as_ref() != row {
            *self = Self {
                row: row.cloned(),
                since: now,
            };
        }
        // Nobody waits for a clock that went back.
        now < self.since || now.since(self.since) >= RESTS
    }

    /// When it rests.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.row.as_ref().map(|_| self.since + RESTS)
    }
}
