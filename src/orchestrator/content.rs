//! Revisions that are an `AppSpec` and nothing else (`AppSpecContent`): what is deployed on the platforms without hosts.

use std::path::{Path, PathBuf};

use super::command::ApiError;
use crate::agent::inspect;
use crate::appspec::{self, FILE_NAMES, Finding, ecs, lambda, sentence};
use crate::model::application::ComputePlatform;
use crate::model::revision::Revision;
use crate::store::bundles::{Bundles, Packed, label_of};

/// How the `AppSpec` of a platform is read.
type Parse<T> = fn(&str) -> Result<T, Vec<Finding>>;

/// Takes in what is a revision on this platform: for servers a folder or an archive, elsewhere an `AppSpec`. Answers what it is
/// called if nobody says.
///
/// # Errors
/// A sentence about what is wrong with it.
pub(super) fn take(
    bundles: &Bundles,
    platform: ComputePlatform,
    path: &Path,
) -> Result<(Packed, String), String> {
    let kept = |packed: Result<Packed, _>, label| match packed {
        Ok(packed) => Ok((packed, label)),
        Err(error) => Err(ToString::to_string(&error)),
    };
    match platform {
        ComputePlatform::Server => kept(bundles.pack(path), label_of(path)),
        ComputePlatform::Lambda => {
            let file = alone(path);
            let function = parsed(&file, lambda::parse)?.function;
            let label = format!("{}:{}", function.name, function.target_version);
            kept(bundles.adopt(&file), label)
        }
        ComputePlatform::Ecs => {
            let file = alone(path);
            let service = parsed(&file, ecs::parse)?.service;
            kept(bundles.adopt(&file), service.definition_name().to_owned())
        }
    }
}

/// What a revision asks of a function.
///
/// # Errors
/// If its `AppSpec` is not here, or is none for functions.
pub(super) fn function(
    bundles: &Bundles,
    revision: &Revision,
) -> Result<lambda::AppSpec, ApiError> {
    registered(bundles, revision, lambda::parse)
}

/// What a revision asks of a service.
///
/// # Errors
/// If its `AppSpec` is not here, or is none for services.
pub(super) fn service(bundles: &Bundles, revision: &Revision) -> Result<ecs::AppSpec, ApiError> {
    registered(bundles, revision, ecs::parse)
}

fn registered<T>(bundles: &Bundles, revision: &Revision, parse: Parse<T>) -> Result<T, ApiError> {
    let text = read(&bundles.path(&revision.digest));
    let parsed = text.and_then(|text| parse(&text).map_err(|findings| sentence(&findings)));
    parsed.map_err(|why| {
        ApiError::new(
            "InvalidRevisionException",
            format!("revision {} can't be deployed: {why}", revision.label),
        )
    })
}

/// The `AppSpec` in a folder, or the file itself.
fn alone(path: &Path) -> PathBuf {
    let mut inside = FILE_NAMES.into_iter().map(|name| path.join(name));
    inside
        .find(|file| file.is_file())
        .unwrap_or(path.to_owned())
}

fn parsed<T>(file: &Path, parse: Parse<T>) -> Result<T, String> {
    let parsed = parse(&read(file)?);
    parsed.map_err(|findings| format!("{}: {}", file.display(), sentence(&findings)))
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = inspect::content(file)
        .map_err(|error| format!("{} can't be read: {error}", file.display()))?;
    let text = appspec::decode(&bytes);
    let text = text.map_err(|finding| {
        sentence(&[Finding {
            id: "L01",
            ..finding
        }])
    })?;
    Ok(text.into_owned())
}
