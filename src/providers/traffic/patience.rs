//! For how long whoever speaks to AWS waits for what may pass, before a deployment that needs it now is given up.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So long.
const LONG: Duration = Duration::from_secs(10);

/// Since when nothing was answered but what may pass, and when that was so last.
#[derive(Debug, Default)]
pub(super) struct Patience(Mutex<Option<(Instant, Instant)>>);

impl Patience {
    /// It has answered.
    pub fn renew(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// It has not. Whether that has been so for too long.
    pub fn is_over(&self) -> bool {
        let mut troubled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // What was wrong a while ago was another deployment's.
        let since = match *troubled {
            Some((since, last)) if now - last < LONG => since,
            _ => now,
        };
        *troubled = Some((since, now));
        now - since >= LONG
    }
}
