//! Where a local deployment takes its bundle from.

use std::fs;
use std::path::{Path, PathBuf};

use super::Refusal;
use super::failure::Kind;
use crate::agent::revision;
use crate::appspec::sentence;
use crate::store::bundles::{BundleError, Bundles, Packed};

/// What `--type` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Type {
    Tgz,
    Tar,
    Zip,
    #[default]
    Directory,
}

/// A bundle that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    path: PathBuf,
    is_directory: bool,
}

impl Source {
    /// Checks that the location is what its type says. Whether an archive is a tar or a zip archive is read from its
    /// content.
    ///
    /// # Errors
    ///
    /// When nothing is there, or something else than the type says.
    pub fn find(location: &str, of: Type, appspec: Option<&str>) -> Result<Self, Refusal> {
        let no = |kind, message: String| Err(Refusal { kind, message });
        if let Some((scheme, _)) = location.split_once("://") {
            let message = format!(
                "{location}: bundles are not fetched by {scheme} yet. Fetch the file first, and give its path"
            );
            return no(Kind::LocationUnsupported, message);
        }
        let path = match Path::new(location).canonicalize() {
            Ok(path) => path,
            Err(error) => return no(Kind::LocationNotFound, format!("{location}: {error}")),
        };
        let is_directory = path.is_dir();
        match (of, is_directory) {
            (Type::Directory, false) => no(
                Kind::LocationNotFound,
                format!("{location} is not a folder: say what it is, such as --type zip"),
            ),
            (Type::Tgz | Type::Tar | Type::Zip, true) => no(
                Kind::LocationNotFound,
                format!("{location} is a folder: leave out --type, or give --type directory"),
            ),
            (Type::Directory, true) => {
                let found = revision::review(&path, appspec);
                if found.name.is_some() {
                    Ok(Self { path, is_directory })
                } else {
                    no(Kind::AppspecMissing, sentence(&found.review.errors))
                }
            }
            (_, false) => match fs::File::open(&path) {
                Ok(_) => Ok(Self { path, is_directory }),
                Err(error) => no(Kind::LocationNotFound, format!("{location}: {error}")),
            },
        }
    }

    /// Keeps the bundle.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written.
    pub fn keep(&self, bundles: &Bundles) -> Result<Packed, BundleError> {
        if self.is_directory {
            bundles.pack_tree(&self.path)
        } else {
            bundles.adopt(&self.path)
        }
    }
}
