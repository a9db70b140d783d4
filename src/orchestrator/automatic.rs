//! Automatic deployments: each group that follows a place is given what appears there, once.
//!
//! What was seen last is in the group's ledger, so that after a restart nothing is deployed twice and nothing that came meanwhile
//! is lost. A revision is fetched and deployed by commands, as if somebody had asked: in a freeze, and while something is being
//! deployed to the group, it waits, and whatever is the newest then is taken.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::command::{Answer, ApiError, Command, Deploy};
use super::feed::FeedItem;
use super::{Orchestrator, lock};
use crate::clock;
use crate::engine::ledger::{Found, LedgerEvent, Watched};
use crate::engine::spec::Options;
use crate::model::application::ComputePlatform;
use crate::model::automatic::{AutomaticDeployment, Look};
use crate::model::deployment::Creator;
use crate::model::group::GroupKey;
use crate::model::revision::Digest;
use crate::providers::sources::Sighting;

/// How often somebody who waits for the next look sees whether it is wanted earlier, or not at all.
const STEP: Duration = Duration::from_secs(1);

/// A place that can't be read so many times on end is noted: a single one passes.
const MISSES: u32 = 3;

/// As whom it deploys.
const BY: &str = "automatic";

/// What need not be known after a restart.
#[derive(Default)]
struct Memory {
    /// What was fetched last: what it was known by, and what it is.
    fetched: Option<(String, Digest)>,
    /// How many times on end something went wrong.
    misses: u32,
}

impl Orchestrator {
    /// Sees to it that every place that a group follows is looked at.
    pub(super) fn follow_places(self) {
        let mut items = self.0.feed.subscribe();
        tokio::spawn(async move {
            let mut looking: BTreeMap<GroupKey, JoinHandle<()>> = BTreeMap::new();
            loop {
                for one in &self.project().automatic_deployments {
                    let key = one.key();
                    if looking.get(&key).is_none_or(JoinHandle::is_finished) {
                        let watch = tokio::spawn(self.clone().watch(key.clone()));
                        looking.insert(key, watch);
                    }
                }
                loop {
                    match items.recv().await {
                        Ok(FeedItem::Project { .. }) | Err(RecvError::Lagged(_)) => break,
                        Ok(_) => {}
                        Err(RecvError::Closed) => return,
                    }
                }
            }
        });
    }

    /// Whether a group follows a place, so that there is always something left to do.
    pub(super) fn follows_places(&self) -> bool {
        !self.project().automatic_deployments.is_empty()
    }

    /// Looks at a group's place until it follows none any more.
    async fn watch(self, key: GroupKey) {
        let mut memory = Memory::default();
        let mut looked = None;
        while let Some(entry) = self.project().automatic_deployment(&key).cloned() {
            let now = clock::steady();
            let interval = Duration::from_secs(entry.interval_seconds.into());
            if looked.is_none_or(|at| now.since(at) >= interval) {
                looked = Some(now);
                let outcome = self.look_at(&entry, &mut memory).await;
                self.show_look(&entry, outcome.as_ref().err());
                if let Err(message) = outcome {
                    memory.misses = memory.misses.saturating_add(1);
                    if memory.misses >= MISSES {
                        self.not_read(&entry, message).await;
                    }
                } else {
                    memory.misses = 0;
                }
            }
            tokio::time::sleep(STEP).await;
        }
    }

    /// Shows everybody that a place was looked at.
    fn show_look(&self, entry: &AutomaticDeployment, trouble: Option<&String>) {
        let look = Look {
            group: entry.key(),
            from: entry.from.to_string(),
            at: clock::now(),
            trouble: trouble.cloned(),
        };
        let mut looks = lock(&self.0.looks);
        looks.insert(look.group.clone(), look.clone());
        // Told in the order in which they were kept.
        self.publish(FeedItem::Look(look));
    }

    /// Looks once, and does what is to be done.
    async fn look_at(
        &self,
        entry: &AutomaticDeployment,
        memory: &mut Memory,
    ) -> Result<(), String> {
        let project = self.project();
        if project.settings.read_only {
            return Ok(());
        }
        let before = self.watched(entry).await;
        let source = entry.from.source();
        let known = project.connections.source(&source);
        let mark = before.as_ref().and_then(|before| before.mark.as_deref());
        let looking = self.0.sources.newest(&entry.from, known, mark);
        let sighting = looking.await.map_err(|error| error.to_string())?;
        let Some(before) = before else {
            // What is there when it begins is not new.
            self.note_sighting(entry, sighting.as_ref(), None, Found::Nothing)
                .await;
            return Ok(());
        };
        let news = sighting.filter(|sighting| is_news(sighting, &before));
        let Some(sighting) = news else {
            if let Found::Unread { .. } = before.found {
                self.note_again(before, Found::Nothing, entry).await;
            }
            return Ok(());
        };
        if self.has_to_wait(&entry.key()).await {
            return Ok(());
        }
        match self.take(entry, &before, &sighting, memory).await {
            Ok(Some((digest, found))) => {
                self.note_sighting(entry, Some(&sighting), Some(digest), found)
                    .await;
            }
            Ok(None) => {}
            Err(error) if error.code == "InvalidRevisionException" => {
                let message = error.message;
                tracing::warn!(group = %entry.key(), from = %entry.from, reason = %message, "what appeared is not deployed");
                self.note_sighting(entry, Some(&sighting), None, Found::Broken { message })
                    .await;
            }
            // Something else came first.
            Err(_) if self.has_to_wait(&entry.key()).await => {}
            Err(error) => return Err(error.message),
        }
        Ok(())
    }

    /// Whether nothing may be deployed to a group now.
    async fn has_to_wait(&self, key: &GroupKey) -> bool {
        let ledgers = self.0.ledgers.lock().await;
        let taken = ledgers
            .get(key)
            .is_some_and(|ledger| ledger.active.is_some());
        taken || self.freeze_over(key).is_some()
    }

    /// Fetches what appeared, and deploys it unless the group has it. Nothing is said if nobody knows what came of it.
    async fn take(
        &self,
        entry: &AutomaticDeployment,
        before: &Watched,
        sighting: &Sighting,
        memory: &mut Memory,
    ) -> Result<Option<(Digest, Found)>, ApiError> {
        let key = entry.key();
        let fetched = memory.fetched.take();
        let fetched = fetched.filter(|(mark, digest)| {
            *mark == sighting.mark && self.is_registered(&key.application, digest)
        });
        let digest = if let Some((_, digest)) = fetched {
            digest
        } else {
            let fetch = Command::Fetch {
                application: key.application.clone(),
                source: sighting.source.clone(),
                label: None,
            };
            let Answer::Registered { revision } = Box::pin(self.command(fetch)).await? else {
                return Ok(None);
            };
            revision.revision.digest
        };
        memory.fetched = Some((sighting.mark.clone(), digest.clone()));
        let has_it = {
            let ledgers = self.0.ledgers.lock().await;
            let target = ledgers
                .get(&key)
                .and_then(|ledger| ledger.target_revision.as_ref());
            target.is_some_and(|target| target.digest == digest)
        };
        // One that was rolled back is known, too.
        if has_it || before.digest.as_ref() == Some(&digest) {
            return Ok(Some((digest, Found::Had)));
        }
        let project = self.project();
        let application = project.applications.get(&key.application);
        let on_hosts = application.is_none_or(|it| it.compute_platform == ComputePlatform::Server);
        let place: String = entry.from.to_string().chars().take(200).collect();
        let deploy = Command::Deploy(Deploy {
            group: key,
            revision: digest.to_string(),
            target_instances: None,
            configuration: None,
            description: format!("new at {place}"),
            options: Options::default(),
            token: Some(token(before, sighting, &digest)),
            verify_artifact: true,
            creator: Creator::CodeDeploy,
            by: BY.to_owned(),
            uid: None,
        });
        match Box::pin(self.command(deploy)).await {
            Ok(Answer::Created { deployment }) => {
                Ok(Some((digest, Found::Deployed { deployment })))
            }
            Ok(_) => Ok(None),
            // It was whole when it was registered: the documents lack what it names, and may have that later.
            Err(error) if !on_hosts => {
                Err(ApiError::new("InvalidOperationException", error.message))
            }
            Err(error) => Err(error),
        }
    }

    /// What was seen last at the place that a group follows.
    async fn watched(&self, entry: &AutomaticDeployment) -> Option<Watched> {
        let ledgers = self.0.ledgers.lock().await;
        let watched = ledgers.get(&entry.key())?.watched.as_ref();
        let from = entry.from.to_string();
        watched.filter(|watched| watched.from == from).cloned()
    }

    /// A place can't be read, or what is there can't be deployed for a reason that is not its own: noted when it is news.
    async fn not_read(&self, entry: &AutomaticDeployment, message: String) {
        let before = self.watched(entry).await;
        let found = Found::Unread { message };
        match before {
            Some(before) if before.found == found => {}
            Some(before) => self.note_again(before, found, entry).await,
            // Nothing begins before it can be read; whoever runs it is told.
            None => {
                tracing::warn!(group = %entry.key(), from = %entry.from, ?found, "it can't be followed");
            }
        }
    }

    /// Notes what was seen, and what came of it.
    async fn note_sighting(
        &self,
        entry: &AutomaticDeployment,
        sighting: Option<&Sighting>,
        digest: Option<Digest>,
        found: Found,
    ) {
        let watched = Watched {
            from: entry.from.to_string(),
            mark: sighting.map(|sighting| sighting.mark.clone()),
            modified: sighting.and_then(|sighting| sighting.modified),
            digest,
            found,
            at: clock::steady(),
        };
        self.write_watched(&entry.key(), watched).await;
    }

    async fn write_watched(&self, key: &GroupKey, watched: Watched) {
        crate::crash_point::here!("automatic.before-note");
        self.note(key, LedgerEvent::Watched { watched }).await;
    }

    /// Notes that something else came of what was seen before.
    async fn note_again(&self, before: Watched, found: Found, entry: &AutomaticDeployment) {
        if let Found::Unread { message } = &found {
            tracing::warn!(group = %entry.key(), from = %entry.from, reason = %message, "it can't be followed");
        }
        let watched = Watched {
            found,
            at: clock::steady(),
            ..before
        };
        self.write_watched(&entry.key(), watched).await;
    }
}

/// Whether something else is there than before. An older object is what is left when a newer one is deleted, and nothing new.
fn is_news(sighting: &Sighting, before: &Watched) -> bool {
    before.mark.as_ref() != Some(&sighting.mark) && sighting.modified >= before.modified
}

/// What the deployment is known by, so that there is only one, even if this process ends before it has noted it.
fn token(before: &Watched, sighting: &Sighting, digest: &Digest) -> String {
    let text = format!(
        "{}\n{}\n{}\n{digest}",
        before.from, before.at.0, sighting.mark
    );
    let hash = Digest::from_bytes(&Sha256::digest(text.as_bytes()));
    format!("automatic-{}", hash.short())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::timestamp::Timestamp;

    #[test]
    fn what_is_left_of_what_was_there_before_is_no_news() {
        let before = |mark: Option<&str>, modified: Option<i64>| Watched {
            from: "s3://shop/".to_owned(),
            mark: mark.map(str::to_owned),
            modified: modified.map(Timestamp),
            digest: None,
            found: Found::Nothing,
            at: Timestamp(1),
        };
        let seen = |mark: &str, modified: Option<i64>| Sighting {
            source: "https://files.example/x".parse().unwrap(),
            mark: mark.to_owned(),
            modified: modified.map(Timestamp),
        };
        let two = before(Some("two"), Some(2));
        assert!(is_news(&seen("three", Some(3)), &two));
        assert!(is_news(&seen("three", Some(2)), &two));
        assert!(!is_news(&seen("two", Some(2)), &two));
        assert!(!is_news(&seen("one", Some(1)), &two));
        assert!(is_news(&seen("one", Some(1)), &before(None, None)));
        // What is at an address may go back, too.
        assert!(is_news(&seen("one", None), &before(Some("two"), None)));
        let digest = Digest::from_bytes(&[1; 32]);
        let sighting = seen("one", None);
        let first = token(&two, &sighting, &digest);
        assert_eq!(first, token(&two, &sighting, &digest));
        let later = Watched {
            at: Timestamp(2),
            ..two.clone()
        };
        assert_ne!(first, token(&later, &sighting, &digest));
    }
}
