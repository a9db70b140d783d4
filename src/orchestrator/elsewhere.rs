//! Revisions that come from elsewhere, and bundles that are kept in S3, too.

use std::path::Path;

use super::checks::no_application;
use super::command::{Answer, ApiError};
use super::revisions::Origin;
use super::{Orchestrator, content, internal, lock};
use crate::model::application::ComputePlatform;
use crate::model::connections::SourceConnection;
use crate::model::name::Name;
use crate::model::s3::Destination;
use crate::model::source::Source;
use crate::providers::sources::SourceError;
use crate::store::bundles::{Bundles, label_of};
use crate::text::date_time;

impl Orchestrator {
    /// Gets an archive from elsewhere, and registers it with an application.
    pub(super) async fn fetch(
        &self,
        application: &Name,
        source: Source,
        label: Option<String>,
    ) -> Result<Answer, ApiError> {
        let (project, _) = self.0.documents.current();
        let Some(of) = project.applications.get(application) else {
            return Err(no_application(&project, application));
        };
        let file = self.landing()?;
        let into = file.reopen().map_err(|error| internal(&error))?;
        let known = project.connections.source(&source);
        let fetching = self.0.sources.fetch(&source, known, into.into());
        let source = fetching.await.map_err(|error| no_archive(&error))?;
        // An AppSpec has its name in itself.
        let is_bundle = of.compute_platform == ComputePlatform::Server;
        let called = is_bundle.then(|| label_of(Path::new(&source.label())));
        let label = label.or(called);
        let place = source.to_string();
        let origin = Origin {
            description: format!("fetched from {place}{}", self.changed(application, &source)),
            source: Some(source),
        };
        let registered = self.register(application, file.path(), label, origin).await;
        registered.map_err(|error| {
            // Nobody knows the file that it landed in.
            let landed = file.path().display().to_string();
            ApiError::new(&error.code, error.message.replace(&landed, &place))
        })
    }

    /// Packs what is at a path, keeps it in S3, and registers what is there with an application.
    ///
    /// # Errors
    /// If there is no such application, it is no revision, or S3 does not take it: nothing is registered then.
    pub async fn keep_in_s3(
        &self,
        application: &Name,
        path: &Path,
        label: Option<String>,
        origin: Origin,
        to: &Destination,
    ) -> Result<Answer, ApiError> {
        let (project, _) = self.0.documents.current();
        let Some(known) = project.applications.get(application) else {
            return Err(no_application(&project, application));
        };
        let platform = known.compute_platform;
        // Apart from the bundles that are kept, for it may take long, and come to nothing.
        let folder = self.0.bundles.aside().map_err(|error| internal(&error))?;
        let (aside, from) = (folder.path().to_owned(), path.to_owned());
        let taking = move || {
            let bundles = Bundles::open(aside).map_err(|error| error.to_string())?;
            let (packed, called) = content::take(&bundles, platform, &from)?;
            Ok((bundles.path(&packed.digest), called))
        };
        let taken = tokio::task::spawn_blocking(taking).await;
        let (file, called) = taken
            .map_err(|error| internal(&error))?
            .map_err(|error: String| ApiError::new("InvalidRevisionException", error))?;
        let known = project.connections.source(&Source::S3(to.object.clone()));
        let of_source = known.and_then(SourceConnection::account);
        let account = to.account.as_deref().or(of_source);
        let storing = self.0.sources.store(&file, &to.object, account);
        let stored = storing.await.map_err(|error| no_archive(&error))?;
        let origin = Origin {
            description: format!("{}, and kept at {stored}", origin.description),
            source: Some(Source::S3(stored)),
        };
        self.register(application, &file, label.or(Some(called)), origin)
            .await
    }

    /// That there was something else under the same key of S3 when it was fetched before, if there was.
    fn changed(&self, application: &Name, source: &Source) -> String {
        let Source::S3(now) = source else {
            return String::new();
        };
        let revisions = lock(&self.0.revisions);
        // The newest first.
        let mut known = revisions.get(application).into_iter().flatten();
        let before = known.find_map(|known| match &known.source {
            Some(Source::S3(before)) if before.newest() == now.newest() => Some((before, known)),
            _ => None,
        });
        match before {
            Some((before, known)) if before.e_tag != now.e_tag => format!(
                "; the object has changed: it was {} ({}) on {}",
                known.revision.label,
                known.revision.digest.short(),
                date_time(known.register_time)
            ),
            _ => String::new(),
        }
    }
}

/// Why an archive was not had, or not taken.
fn no_archive(error: &SourceError) -> ApiError {
    let code = match error {
        SourceError::Missing(_) => "RevisionDoesNotExistException",
        SourceError::Refused(_) => "InvalidRevisionException",
        SourceError::NotNow(_) => "ServiceUnavailable",
    };
    ApiError::new(code, error.to_string())
}
