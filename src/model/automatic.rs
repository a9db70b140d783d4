//! Automatic deployments: groups that follow a place, and are given what appears there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::group::GroupKey;
use super::name::Name;
use super::s3::{S3Object, is_bucket};
use super::source::{Source, SourceError};
use super::timestamp::Timestamp;

/// The shortest time from one look at a place to the next, in seconds.
pub const SHORTEST: u32 = 5;

/// A group that follows a place: one entry of `automaticDeployments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutomaticDeployment {
    /// The application.
    pub application: Name,
    /// Its deployment group.
    pub group: Name,
    /// Where revisions appear.
    pub from: Place,
    /// Seconds from one look to the next, at least [`SHORTEST`].
    #[serde(default = "minute")]
    pub interval_seconds: u32,
}

/// When the place that a group follows was looked at last, and what came in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// The group.
    pub group: GroupKey,
    /// The place, as the documents said then.
    pub from: String,
    /// When.
    pub at: Timestamp,
    /// Why nothing could be learnt of it, or done with what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

fn minute() -> u32 {
    60
}

impl AutomaticDeployment {
    /// The group's address.
    pub fn key(&self) -> GroupKey {
        GroupKey {
            application: self.application.clone(),
            group: self.group.clone(),
        }
    }
}

/// Where revisions appear. In documents it is a text, as [`Place::from_str`] reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// At this address, one after the other.
    Http(String),
    /// Under keys of this bucket that begin so: `s3://BUCKET/PREFIX`.
    S3 {
        /// The bucket.
        bucket: String,
        /// How the keys begin; all do if it is empty.
        prefix: String,
    },
}

/// A text that is no place where revisions appear.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Nothing appears there.
    #[error("nothing new can appear at {0:?}: write s3://BUCKET/PREFIX or an address, https://…")]
    Fixed(String),
    /// An address that is none.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Place {
    /// What stands for it where `connections.sources` says who is asked, and how.
    pub fn source(&self) -> Source {
        match self {
            Self::Http(address) => Source::Http(address.clone()),
            Self::S3 { bucket, prefix } => Source::S3(S3Object {
                bucket: bucket.clone(),
                key: prefix.clone(),
                version: None,
                e_tag: None,
            }),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let fixed = || PlaceError::Fixed(text.to_owned());
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if !is_bucket(bucket) || prefix.contains(char::is_control) {
                return Err(fixed());
            }
            return Ok(Self::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            });
        }
        match text.parse()? {
            Source::Http(address) => Ok(Self::Http(address)),
            Source::Github(_) | Source::Bitbucket(_) | Source::S3(_) => Err(fixed()),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(address) => f.write_str(address),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for text in [
            "s3://shop-bundles/web/",
            "s3://shop-bundles/",
            "https://artifacts.example/shop/latest.tar.gz",
        ] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        let commit = "github:acme/shop@7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";
        for text in [commit, "s3://", "s3:///web", "./shop", "https://a b/"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
