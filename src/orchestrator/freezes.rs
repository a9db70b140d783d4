//! Freezes: ordered by people, kept in the journal, told to every deployment in their scope, and over by themselves.

use std::sync::PoisonError;
use std::time::Duration;

use super::checks::{no_application, no_group};
use super::command::{Answer, ApiError};
use super::feed::FeedItem;
use super::{Orchestrator, Request, internal, lock};
use crate::clock;
use crate::engine::Input;
use crate::engine::freeze::{FreezeEvent, FreezeRecord};
use crate::model::freeze::{Freeze, Scope};
use crate::model::group::GroupKey;
use crate::store::journal::Batch;
use crate::text::date_time;

/// The longest freeze, in seconds: a year. Nobody remembers a longer one.
const LONGEST: u64 = 366 * 24 * 60 * 60;

/// The longest reason, in characters.
const REASON: usize = 256;

impl Orchestrator {
    /// The freezes that hold now.
    pub fn freezes(&self) -> Vec<Freeze> {
        let now = clock::steady();
        lock(&self.0.freezes).at(now).cloned().collect()
    }

    /// The freeze that a group is in.
    pub(super) fn freeze_over(&self, group: &GroupKey) -> Option<Freeze> {
        lock(&self.0.freezes).over(group, clock::steady()).cloned()
    }

    /// Which freeze a group is in, in a sentence.
    pub(super) fn frozen(&self, group: &GroupKey) -> Option<String> {
        let freeze = self.freeze_over(group)?;
        Some(format!(
            "{} is frozen until {} by {}: {}",
            freeze.scope,
            date_time(freeze.until),
            freeze.by,
            freeze.why
        ))
    }

    /// Refuses what would be created in a freeze.
    pub(super) fn refuse_frozen(&self, group: &GroupKey) -> Result<(), ApiError> {
        match self.frozen(group) {
            Some(message) => Err(ApiError::new("InvalidOperationException", message)),
            None => Ok(()),
        }
    }

    pub(super) async fn freeze(
        &self,
        scope: Scope,
        why: String,
        seconds: u64,
        by: String,
    ) -> Result<Answer, ApiError> {
        self.known_scope(&scope)?;
        let invalid = |message: String| Err(ApiError::new("InvalidInputException", message));
        if why.trim().is_empty() || why.chars().count() > REASON {
            return invalid(format!(
                "a freeze needs a reason of at most {REASON} characters"
            ));
        }
        if seconds == 0 || seconds > LONGEST {
            return invalid("a freeze lasts for at least a second and at most a year".to_owned());
        }
        let at = clock::steady();
        let until = at + Duration::from_secs(seconds);
        let freeze = Freeze {
            scope,
            by,
            why,
            at,
            until,
        };
        self.refreeze(FreezeEvent::Frozen { freeze }).await
    }

    pub(super) async fn thaw(
        &self,
        scope: Scope,
        why: Option<String>,
        by: String,
    ) -> Result<Answer, ApiError> {
        if !self.freezes().iter().any(|freeze| freeze.scope == scope) {
            let message = format!("{scope} is not frozen as such: `cutover freezes` shows what is");
            return Err(ApiError::new("InvalidOperationException", message));
        }
        self.refreeze(FreezeEvent::Thawed { scope, by, why }).await
    }

    fn known_scope(&self, scope: &Scope) -> Result<(), ApiError> {
        let (project, _) = self.0.documents.current();
        match (&scope.application, &scope.group) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(ApiError::new(
                "InvalidInputException",
                "a deployment group is one of an application: name that too",
            )),
            (Some(name), None) if project.applications.contains_key(name) => Ok(()),
            (Some(name), None) => Err(no_application(&project, name)),
            (Some(application), Some(group)) => {
                let key = GroupKey {
                    application: application.clone(),
                    group: group.clone(),
                };
                let known = project.group(&key).map(|_| ());
                known.ok_or_else(|| no_group(&project, &key))
            }
        }
    }

    /// Makes an entry durable, and then tells everybody.
    async fn refreeze(&self, event: FreezeEvent) -> Result<Answer, ApiError> {
        // Held while a deployment is created, so that none slips in between.
        let ledgers = self.0.ledgers.lock().await;
        let record = FreezeRecord {
            seq: lock(&self.0.freezes).seq + 1,
            at: clock::steady(),
            event,
        };
        let batch = Batch {
            freezes: vec![record.clone()],
            ..Batch::default()
        };
        let written = self.0.journal.append(batch).await;
        written.map_err(|error| internal(&error))?;
        lock(&self.0.freezes).evolve(&record);
        drop(ledgers);
        self.spread_freezes().await;
        self.0.refrozen.notify_one();
        Ok(Answer::Done)
    }

    /// Tells every deployment which freeze it is in, those that wait whether they may begin, and clients what holds.
    async fn spread_freezes(&self) {
        let active: Vec<_> = lock(&self.0.active).values().cloned().collect();
        for handle in active {
            let group = {
                let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
                state.group_key()
            };
            let input = Input::Freeze(self.freeze_over(&group));
            // One that has just ended needs no freeze.
            let _ended = handle.requests.send(Request::Input(input)).await;
        }
        self.admit();
        self.publish(FeedItem::Freezes {
            freezes: self.freezes(),
        });
    }

    /// Sees to it that freezes end by themselves.
    pub(super) fn follow_freezes(self) {
        tokio::spawn(async move {
            loop {
                let now = clock::steady();
                let end = lock(&self.0.freezes).next_end(now);
                let ordered = self.0.refrozen.notified();
                match end {
                    None => ordered.await,
                    Some(end) => tokio::select! {
                        () = ordered => {}
                        () = tokio::time::sleep(end.since(now)) => self.spread_freezes().await,
                    },
                }
            }
        });
    }
}
