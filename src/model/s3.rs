//! Objects in S3, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an address in S3 begins with.
const SCHEME: &str = "s3://";

/// What a version follows.
const VERSION: &str = "versionId=";

/// What an `ETag` follows.
const TAG: &str = "etag=";

/// An object: `s3://BUCKET/KEY`, with `?versionId=VERSION` if one version of it is meant, and `?etag=ETAG`, or `&etag=ETAG`
/// behind a version, if it is to have that content. Keys are written as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct S3Object {
    /// The bucket's name.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The version; the newest when absent.
    pub version: Option<String>,
    /// What its content is known by, without quotes; any content when absent.
    pub e_tag: Option<String>,
}

/// Where in S3 a bundle is to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Under which key.
    pub object: S3Object,
    /// In which account of `connections.aws`; in that of the entry of `connections.sources` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// The text is no object in S3.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no object in S3: write s3://BUCKET/KEY, and ?versionId=VERSION behind it for one version"
)]
pub struct S3ObjectError(String);

impl S3Object {
    /// Whether a text is meant for one, whatever is wrong with it.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The newest under the same key, whatever its content.
    #[must_use]
    pub fn newest(&self) -> Self {
        Self {
            version: None,
            e_tag: None,
            ..self.clone()
        }
    }

    /// The last part of its key.
    pub fn file_name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}

/// Whether this may be the name of a bucket.
pub fn is_bucket(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !name.is_empty() && name.chars().all(good)
}

/// The key, the version and the `ETag` of what is behind the bucket. A question mark that nothing of this follows is of the key.
fn parts(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let Some((key, query)) = text.rsplit_once('?') else {
        return (text, None, None);
    };
    if let Some(version) = query.strip_prefix(VERSION) {
        return match version.split_once('&') {
            None => (key, Some(version), None),
            Some((version, rest)) => match rest.strip_prefix(TAG) {
                Some(tag) => (key, Some(version), Some(tag)),
                None => (text, None, None),
            },
        };
    }
    match query.strip_prefix(TAG) {
        Some(tag) => (key, None, Some(tag)),
        None => (text, None, None),
    }
}

impl FromStr for S3Object {
    type Err = S3ObjectError;

    fn from_str(text: &str) -> Result<Self, S3ObjectError> {
        let wrong = || S3ObjectError(text.to_owned());
        let rest = text.strip_prefix(SCHEME).ok_or_else(wrong)?;
        let (bucket, rest) = rest.split_once('/').ok_or_else(wrong)?;
        let (key, version, e_tag) = parts(rest);
        // One that ends with a slash is a folder, to people.
        let whole =
            !key.is_empty() && !key.ends_with('/') && version != Some("") && e_tag != Some("");
        if !is_bucket(bucket) || !whole || text.chars().any(char::is_control) {
            return Err(wrong());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: version.map(str::to_owned),
            e_tag: e_tag.map(str::to_owned),
        })
    }
}

impl TryFrom<String> for S3Object {
    type Error = S3ObjectError;

    fn try_from(text: String) -> Result<Self, S3ObjectError> {
        text.parse()
    }
}

impl From<S3Object> for String {
    fn from(object: S3Object) -> Self {
        object.to_string()
    }
}

impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)?;
        let mut sign = '?';
        for (name, value) in [(VERSION, &self.version), (TAG, &self.e_tag)] {
            if let Some(value) = value {
                write!(f, "{sign}{name}{value}")?;
                sign = '&';
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_and_written() {
        for text in [
            "s3://shop-bundles/1.8.0.zip",
            "s3://shop/a/b c/what?.zip",
            "s3://shop/1.8.0.zip?versionId=3HL4kqtJvjVBH40N",
            "s3://shop/1.8.0.zip?etag=9b2cf535f27731c974343645a3985328-3",
            "s3://shop/what?.zip?versionId=3HL4&etag=9b2cf535",
        ] {
            assert_eq!(text.parse::<S3Object>().unwrap().to_string(), text);
        }
        let one: S3Object = "s3://shop/a/b.zip?versionId=7".parse().unwrap();
        assert_eq!((&*one.key, one.version.as_deref()), ("a/b.zip", Some("7")));
        let one: S3Object = "s3://shop/a/b.zip?versionId=7&etag=9b2c".parse().unwrap();
        assert_eq!(
            (one.version.as_deref(), one.e_tag.as_deref()),
            (Some("7"), Some("9b2c"))
        );
        assert_eq!(one.newest().to_string(), "s3://shop/a/b.zip");
        assert_eq!(one.file_name(), "b.zip");
        for text in [
            "shop/1.8.0.zip",
            "s3://shop",
            "s3://shop/",
            "s3://shop/folder/",
            "s3:///1.8.0.zip",
            "s3://a b/1.8.0.zip",
            "s3://shop/1.8.0.zip?versionId=",
            "s3://shop/1.8.0.zip?etag=",
        ] {
            assert!(text.parse::<S3Object>().is_err(), "{text}");
        }
    }
}
