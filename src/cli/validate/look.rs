//! What is looked at: a revision of servers with all that it names, or an AppSpec of Lambda or ECS, which is the whole revision.

use std::fs::File;
use std::path::Path;

use color_eyre::eyre::WrapErr as _;

use super::super::context::UsageError;
use crate::agent::inspect::{self, Inspection};
use crate::appspec::{self, FILE_NAMES, Finding, Review, ecs, lambda};
use crate::model::application::ComputePlatform;
use crate::store::archive::{ArchiveError, Format};

/// What there is at the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    Bundle,
    /// An `AppSpec` without its revision.
    Alone,
}

impl Kind {
    pub(super) fn of(path: &Path) -> color_eyre::Result<Self> {
        let shown = path.display();
        let metadata = path
            .metadata()
            .map_err(|error| UsageError(format!("{shown}: {error}")))?;
        if metadata.is_dir() {
            return Ok(Self::Folder);
        }
        if !metadata.is_file() {
            return Err(UsageError(format!("{shown} is neither a file nor a folder")).into());
        }
        let file = File::open(path).wrap_err_with(|| format!("{shown} can't be read"))?;
        match Format::of(&file) {
            // What is packed otherwise is refused as a bundle, which says more than reading it as an AppSpec.
            Ok(_) | Err(ArchiveError::OtherFormat { .. }) => Ok(Self::Bundle),
            Err(ArchiveError::NotAnArchive { .. }) => Ok(Self::Alone),
            Err(error) => Err(error).wrap_err_with(|| format!("{shown} can't be read")),
        }
    }
}

/// What is to be looked at, and as what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub path: &'a Path,
    pub kind: Kind,
    /// The AppSpec's name that was asked for.
    pub requested: Option<&'a str>,
    /// The platform that was asked for.
    pub platform: Option<ComputePlatform>,
}

impl Subject<'_> {
    /// Everything that there is to say, and for which platform; none if nothing says.
    pub(super) fn inspect(self) -> color_eyre::Result<(Option<ComputePlatform>, Inspection)> {
        let shown = self.path.display();
        let context = || format!("{shown} can't be read");
        let usage = |message: &str| Err(UsageError(format!("{shown} {message}")).into());
        let server = Some(ComputePlatform::Server);
        let inspection = match self.kind {
            Kind::Alone if self.requested.is_some() => {
                return usage(
                    "is an AppSpec itself: --appspec-filename names one in a folder or bundle",
                );
            }
            Kind::Bundle
                if self
                    .platform
                    .is_some_and(|platform| Some(platform) != server) =>
            {
                return usage(
                    "is a bundle, which only the Server platform has: give the AppSpec itself",
                );
            }
            Kind::Bundle => {
                let found = inspect::bundle(self.path, self.requested);
                return Ok((server, found.wrap_err_with(context)?));
            }
            Kind::Alone => self.alone(self.path).wrap_err_with(context)?,
            Kind::Folder => match self.named() {
                Some(name) => self.alone(&self.path.join(name)).wrap_err_with(context)?,
                None => None,
            },
        };
        match (inspection, self.kind) {
            (Some(found), _) => Ok(found),
            (None, Kind::Alone) => {
                let found = inspect::file(self.path).wrap_err_with(context)?;
                Ok((server, found))
            }
            (None, _) => {
                let found = inspect::folder(self.path, self.requested).wrap_err_with(context)?;
                Ok((server, found))
            }
        }
    }

    /// The name of a folder's AppSpec.
    fn named(&self) -> Option<&str> {
        let mut names = self.requested.into_iter().chain(FILE_NAMES);
        names.find(|name| self.path.join(name).is_file())
    }

    /// What there is to say about a file, unless it is an AppSpec of servers.
    fn alone(&self, file: &Path) -> std::io::Result<Option<(Option<ComputePlatform>, Inspection)>> {
        let bytes = inspect::content(file)?;
        let name = file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let inspection = |errors, warnings| Inspection {
            appspec: name,
            errors,
            warnings,
            complete: true,
        };
        let text = match (appspec::decode(&bytes), self.platform) {
            (Ok(text), _) => text,
            (Err(error), Some(platform)) if platform != ComputePlatform::Server => {
                let error = Finding { id: "L01", ..error };
                return Ok(Some((Some(platform), inspection(vec![error], Vec::new()))));
            }
            (Err(_), _) => return Ok(None),
        };
        let platform = self.platform.or_else(|| appspec::platform(&text));
        let (errors, warnings) = match platform {
            Some(ComputePlatform::Server) => return Ok(None),
            Some(ComputePlatform::Lambda) => findings(lambda::review(&text)),
            Some(ComputePlatform::Ecs) => findings(ecs::review(&text)),
            None => match appspec::undecided(&text) {
                Some(error) => (vec![error], Vec::new()),
                None => return Ok(None),
            },
        };
        Ok(Some((platform, inspection(errors, warnings))))
    }
}

fn findings<A>(review: Review<A>) -> (Vec<Finding>, Vec<Finding>) {
    (review.errors, review.warnings)
}
