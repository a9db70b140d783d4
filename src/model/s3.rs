//! Objects in S3, as people write them.

use std::fmt;
use std::str::FromStr;

/// What an address in S3 begins with.
const SCHEME: &str = "s3://";

/// What a version follows.
const VERSION: &str = "?versionId=";

/// An object: `s3://BUCKET/KEY`, with `?versionId=VERSION` if one version of it is meant. Keys are written as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct S3Object {
    /// The bucket's name.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The version; the newest when absent.
    pub version: Option<String>,
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
}

impl FromStr for S3Object {
    type Err = S3ObjectError;

    fn from_str(text: &str) -> Result<Self, S3ObjectError> {
        let wrong = || S3ObjectError(text.to_owned());
        let rest = text.strip_prefix(SCHEME).ok_or_else(wrong)?;
        let (bucket, key) = rest.split_once('/').ok_or_else(wrong)?;
        let (key, version) = match key.rsplit_once(VERSION) {
            Some((key, version)) => (key, Some(version)),
            None => (key, None),
        };
        let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let named = !bucket.is_empty() && bucket.chars().all(good);
        // One that ends with a slash is a folder, to people.
        let whole = !key.is_empty() && !key.ends_with('/') && version != Some("");
        if !named || !whole || text.chars().any(char::is_control) {
            return Err(wrong());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            version: version.map(str::to_owned),
        })
    }
}

impl fmt::Display for S3Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.bucket, self.key)?;
        match &self.version {
            Some(version) => write!(f, "{VERSION}{version}"),
            None => Ok(()),
        }
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
        ] {
            assert_eq!(text.parse::<S3Object>().unwrap().to_string(), text);
        }
        let one: S3Object = "s3://shop/a/b.zip?versionId=7".parse().unwrap();
        assert_eq!((&*one.key, one.version.as_deref()), ("a/b.zip", Some("7")));
        for text in [
            "shop/1.8.0.zip",
            "s3://shop",
            "s3://shop/",
            "s3://shop/folder/",
            "s3:///1.8.0.zip",
            "s3://a b/1.8.0.zip",
            "s3://shop/1.8.0.zip?versionId=",
        ] {
            assert!(text.parse::<S3Object>().is_err(), "{text}");
        }
    }
}
