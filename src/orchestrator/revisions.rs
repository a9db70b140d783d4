//! Taking revisions in, and finding them again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::PoisonError;

use super::checks::{no_application, unknown};
use super::command::{Answer, ApiError};
use super::feed::FeedItem;
use super::{Orchestrator, content, internal, lock};
use crate::clock;
use crate::engine::Deployment;
use crate::model::name::Name;
use crate::model::revision::{Digest, RegisteredRevision, Revision};
use crate::model::s3::Destination;
use crate::model::source::Source;
use crate::model::timestamp::Timestamp;
use crate::store::journal::Batch;

/// A digest's beginning counts from this many digits on.
const PREFIX: usize = 8;

/// Where a revision came from.
#[derive(Debug)]
pub struct Origin {
    /// In a sentence.
    pub description: String,
    /// Where it can be had, if it came from elsewhere.
    pub source: Option<Source>,
}

impl Orchestrator {
    /// Registers what is at a path of this machine with an application.
    pub(super) async fn push(
        &self,
        application: &Name,
        path: &Path,
        label: Option<String>,
        to: Option<Destination>,
    ) -> Result<Answer, ApiError> {
        let origin = Origin {
            description: format!("pushed from {}", path.display()),
            source: None,
        };
        match to {
            None => self.register(application, path, label, origin).await,
            Some(to) => self.keep_in_s3(application, path, label, origin, &to).await,
        }
    }

    /// A file for a bundle that comes in at the door. It goes when it is dropped.
    ///
    /// # Errors
    /// If it can't be made.
    pub fn landing(&self) -> Result<tempfile::NamedTempFile, ApiError> {
        self.0.bundles.landing().map_err(|error| internal(&error))
    }

    /// Packs a directory, or takes an archive or an `AppSpec`, and registers it with an application.
    ///
    /// # Errors
    /// If there is no such application, or it is no revision.
    pub async fn register(
        &self,
        application: &Name,
        path: &Path,
        label: Option<String>,
        origin: Origin,
    ) -> Result<Answer, ApiError> {
        let (project, _) = self.0.documents.current();
        let Some(known) = project.applications.get(application) else {
            return Err(no_application(&project, application));
        };
        let platform = known.compute_platform;
        // No bundle is removed between its arrival and its registration.
        let _shelf = self.0.shelf.read().await;
        let (bundles, source) = (self.0.bundles.clone(), path.to_owned());
        let taking = move || content::take(&bundles, platform, &source);
        let (packed, called) = tokio::task::spawn_blocking(taking)
            .await
            .map_err(|error| internal(&error))?
            .map_err(|error| ApiError::new("InvalidRevisionException", error))?;
        let known = lock(&self.0.revisions).get(application).and_then(|known| {
            known
                .iter()
                .find(|r| r.revision.digest == packed.digest)
                .cloned()
        });
        let revision = RegisteredRevision {
            revision: Revision {
                digest: packed.digest,
                label: label.unwrap_or(called),
                size: packed.size,
            },
            description: origin.description,
            source: origin.source,
            register_time: clock::steady(),
            first_used_time: known.as_ref().and_then(|r| r.first_used_time),
            last_used_time: known.and_then(|r| r.last_used_time),
        };
        self.append(Batch {
            revisions: vec![(application.clone(), revision.clone())],
            ..Batch::default()
        })
        .await;
        crate::crash_point::here!("push.after-write");
        self.remember(application, revision.clone());
        Ok(Answer::Registered { revision })
    }

    /// Keeps a revision record that is durable, and tells everybody.
    pub(super) fn remember(&self, application: &Name, revision: RegisteredRevision) {
        let mut revisions = lock(&self.0.revisions);
        let known = revisions.entry(application.clone()).or_default();
        known.retain(|other| other.revision.digest != revision.revision.digest);
        known.push(revision.clone());
        known.sort_by_key(|other| std::cmp::Reverse(other.register_time));
        drop(revisions);
        self.publish(FeedItem::Revision {
            application: application.clone(),
            revision,
        });
    }

    /// Deletes a revision's record, and its bundle if no other application has the same (domain.md §4).
    pub(super) async fn delete_revision(
        &self,
        application: &Name,
        wanted: &str,
    ) -> Result<Answer, ApiError> {
        // No deployment is created meanwhile, and no bundle taken in.
        let _shelf = self.0.shelf.write().await;
        let ledgers = self.0.ledgers.lock().await;
        let found = self.revision(application, wanted)?.revision;
        let in_use = |what: String| {
            let message = format!("{} is {what}", found.label);
            Err(ApiError::new("RevisionInUseException", message))
        };
        let (project, _) = self.0.documents.current();
        for (key, ledger) in ledgers.iter() {
            let target = ledger.target_revision.as_ref().map(|r| &r.digest);
            let ours = &key.application == application && project.group(key).is_some();
            if ours && target == Some(&found.digest) {
                return in_use(format!(
                    "the target revision of {key}: deploy another one there first"
                ));
            }
        }
        if let Some(id) = self.user_of(application, &found.digest) {
            return in_use(format!("being deployed by {id}: wait for it, or stop it"));
        }
        self.append(Batch {
            forgotten: vec![(application.clone(), found.digest.clone())],
            ..Batch::default()
        })
        .await;
        let elsewhere = {
            let mut revisions = lock(&self.0.revisions);
            if let Some(known) = revisions.get_mut(application) {
                known.retain(|other| other.revision.digest != found.digest);
            }
            revisions
                .values()
                .flatten()
                .any(|other| other.revision.digest == found.digest)
        };
        self.publish(FeedItem::RevisionDeleted {
            application: application.clone(),
            digest: found.digest.clone(),
        });
        if !elsewhere && let Err(error) = self.0.bundles.remove(&found.digest) {
            // The record is gone; the next start tries again.
            tracing::warn!(%error, "a bundle that nobody needs can't be removed");
        }
        Ok(Answer::Done)
    }

    /// A deployment that runs, or waits, with this revision of an application.
    fn user_of(
        &self,
        application: &Name,
        digest: &Digest,
    ) -> Option<crate::model::deployment::DeploymentId> {
        let active = lock(&self.0.active);
        active.iter().find_map(|(id, handle)| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            let spec = &state.spec;
            let uses = spec.revision.digest == *digest
                && spec.group.application_name == *application
                && !state.status.is_terminal();
            uses.then(|| id.clone())
        })
    }

    /// Removes bundles that no application has registered: a crash left them.
    pub(super) async fn sweep_bundles(&self) {
        let _shelf = self.0.shelf.write().await;
        let mut needed: BTreeSet<Digest> = lock(&self.0.revisions)
            .values()
            .flatten()
            .map(|known| known.revision.digest.clone())
            .collect();
        needed.extend(lock(&self.0.active).values().map(|handle| {
            let state = handle.state.read().unwrap_or_else(PoisonError::into_inner);
            state.spec.revision.digest.clone()
        }));
        let found = match self.0.bundles.list() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "the bundles can't be looked through");
                return;
            }
        };
        for digest in found.into_iter().filter(|digest| !needed.contains(digest)) {
            if let Err(error) = self.0.bundles.remove(&digest) {
                tracing::warn!(%error, "a bundle that nobody needs can't be removed");
            }
        }
    }

    /// Whether an application has a revision of this digest.
    pub(super) fn is_registered(&self, application: &Name, digest: &Digest) -> bool {
        let revisions = lock(&self.0.revisions);
        let mut known = revisions.get(application).into_iter().flatten();
        known.any(|known| known.revision.digest == *digest)
    }

    /// What is known of a deployment's revision once it is deployed again.
    pub(super) fn used(
        &self,
        deployment: &Deployment,
        now: Timestamp,
    ) -> Option<(Name, RegisteredRevision)> {
        let application = &deployment.spec.group.application_name;
        let revisions = lock(&self.0.revisions);
        let mut known = revisions.get(application)?.iter();
        let mut known = known
            .find(|known| known.revision.digest == deployment.spec.revision.digest)?
            .clone();
        known.first_used_time.get_or_insert(now);
        known.last_used_time = Some(now);
        Some((application.clone(), known))
    }

    /// The revision that a label, a digest or its beginning means; the newest registration of a label.
    pub(super) fn revision(
        &self,
        application: &Name,
        wanted: &str,
    ) -> Result<RegisteredRevision, ApiError> {
        let revisions = lock(&self.0.revisions);
        let known = revisions.get(application).map_or(&[][..], Vec::as_slice);
        let by_label = known.iter().find(|r| r.revision.label == wanted);
        let by_digest: Vec<_> = known
            .iter()
            .filter(|r| wanted.len() >= PREFIX && r.revision.digest.as_str().starts_with(wanted))
            .collect();
        match (by_label, by_digest.as_slice()) {
            (Some(revision), _) => Ok(revision.clone()),
            (None, [revision]) => Ok((*revision).clone()),
            (None, []) => Err(ApiError::new(
                "RevisionDoesNotExistException",
                format!(
                    "{} (`cutover push {application} PATH` registers one)",
                    unknown(
                        "revision",
                        wanted,
                        known.iter().map(|r| r.revision.label.as_str())
                    )
                ),
            )),
            (None, several) => Err(ApiError::new(
                "RevisionDoesNotExistException",
                format!(
                    "{wanted} is the beginning of {} digests: give more digits",
                    several.len()
                ),
            )),
        }
    }
}
