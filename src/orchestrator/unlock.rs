//! Unlocking an environment: nothing changes here. What counts is that the audit trail has it before anything follows.

use std::time::Duration;

use super::Orchestrator;
use super::command::{Answer, ApiError};
use crate::clock;
use crate::model::environment::LONGEST;
use crate::model::name::Name;

/// The longest reason, in characters.
const REASON: usize = 256;

impl Orchestrator {
    /// Answers until when an environment is unlocked for whoever asks.
    pub(super) fn unlock(
        &self,
        environment: Name,
        why: &str,
        seconds: Option<u64>,
    ) -> Result<Answer, ApiError> {
        let invalid = |message: String| Err(ApiError::new("InvalidInputException", message));
        if why.trim().is_empty() || why.chars().count() > REASON {
            return invalid(format!(
                "to unlock {environment} takes a reason of at most {REASON} characters"
            ));
        }
        let longest = self
            .project()
            .environments
            .get(&environment)
            .map_or(LONGEST, |known| known.unlock_minutes);
        let longest = Duration::from_mins(longest.into());
        let asked = seconds.map(Duration::from_secs);
        if asked.is_some_and(|asked| asked.is_zero() || asked > longest) {
            return invalid(format!(
                "{environment} stays unlocked for {} min at most: unlockMinutes in cutover.yaml",
                longest.as_secs() / 60
            ));
        }
        Ok(Answer::Unlocked {
            environment,
            until: asked.map(|asked| clock::now() + asked),
        })
    }
}
