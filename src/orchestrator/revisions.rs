//! Taking revisions in, and finding them again.

use std::path::Path;

use super::command::{Answer, ApiError};
use super::create::unknown;
use super::feed::FeedItem;
use super::{Orchestrator, internal, lock};
use crate::clock;
use crate::model::name::Name;
use crate::model::revision::{RegisteredRevision, Revision};
use crate::store::journal::Batch;

/// A digest's beginning counts from this many digits on.
const PREFIX: usize = 8;

impl Orchestrator {
    /// Packs a directory or takes an archive, and registers it with an application.
    pub(super) async fn push(
        &self,
        application: &Name,
        path: &Path,
        label: Option<String>,
    ) -> Result<Answer, ApiError> {
        let (project, _) = self.0.documents.current();
        if !project.applications.contains_key(application) {
            let names = project.applications.keys().map(AsRef::as_ref);
            return Err(ApiError::new(
                "ApplicationDoesNotExistException",
                unknown("application", application.as_str(), names),
            ));
        }
        let (bundles, source) = (self.0.bundles.clone(), path.to_owned());
        let packed = tokio::task::spawn_blocking(move || bundles.pack(&source))
            .await
            .map_err(|error| internal(&error))?
            .map_err(|error| ApiError::new("InvalidRevisionException", error.to_string()))?;
        let label = label.unwrap_or_else(|| label_of(path));
        let known = lock(&self.0.revisions).get(application).and_then(|known| {
            known
                .iter()
                .find(|r| r.revision.digest == packed.digest)
                .cloned()
        });
        let revision = RegisteredRevision {
            revision: Revision {
                digest: packed.digest,
                label,
                size: packed.size,
            },
            description: format!("pushed from {}", path.display()),
            register_time: clock::now(),
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
                    "{}; push one with `cutover push {application} PATH`",
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

/// `shop-1.8.0.tar.gz` is called `shop-1.8.0`.
fn label_of(path: &Path) -> String {
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    [".tar.gz", ".tgz", ".tar", ".zip"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(&name)
        .to_owned()
}
