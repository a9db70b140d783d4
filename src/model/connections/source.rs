//! Where revisions come from: who is asked, and with which token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::secret::{SecretRef, TextOrSecret};
use crate::model::source::{Commit, Source};

/// What is known of some of the places that revisions come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceConnection {
    /// What people call it; unique in the project.
    pub name: String,
    /// Which.
    pub from: SourceKind,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourceKind {
    /// Repositories on GitHub.
    Github(Repositories),
    /// Repositories on Bitbucket.
    Bitbucket(Repositories),
    /// Archives at addresses.
    Http(Addresses),
    /// Objects in S3.
    S3(Objects),
}

/// Some of the repositories of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Repositories {
    /// `OWNER` or `OWNER/REPOSITORY`; all when absent. Of several entries the most particular one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Where the server is, if it is one of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Header lines.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The secret that is sent as a bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// The addresses that begin with this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addresses {
    /// How they begin, up to the end of a part of the path. Of several entries the longest one counts.
    pub address: String,
    /// Header lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, TextOrSecret>,
    /// The secret that is sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretRef>,
}

/// Some of the objects in S3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Objects {
    /// `BUCKET` or `BUCKET/PREFIX`, up to the end of a part of the key; all when absent. Of several entries the longest one counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The account that is asked; the only one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether others than the project's owner may keep bundles there (`push --to`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub write: bool,
}

/// No header lines.
static NO_HEADERS: BTreeMap<String, TextOrSecret> = BTreeMap::new();

impl SourceConnection {
    /// Whether others than the project's owner may keep bundles there.
    pub fn may_be_written(&self) -> bool {
        matches!(&self.from, SourceKind::S3(objects) if objects.write)
    }

    /// How particularly this is about a source; not at all if it is none.
    pub(super) fn fits(&self, source: &Source) -> Option<usize> {
        match (&self.from, source) {
            (SourceKind::Github(some), Source::Github(one))
            | (SourceKind::Bitbucket(some), Source::Bitbucket(one)) => some.fits(one),
            (SourceKind::Http(some), Source::Http(address)) => some.fits(address),
            (SourceKind::S3(some), Source::S3(one)) => {
                some.fits(&format!("{}/{}", one.bucket, one.key))
            }
            _ => None,
        }
    }

    /// Header lines of requests.
    pub fn headers(&self) -> &BTreeMap<String, TextOrSecret> {
        match &self.from {
            SourceKind::Github(some) | SourceKind::Bitbucket(some) => &some.headers,
            SourceKind::Http(some) => &some.headers,
            SourceKind::S3(_) => &NO_HEADERS,
        }
    }

    /// The secret that is sent as a bearer token.
    pub fn token(&self) -> Option<&SecretRef> {
        match &self.from {
            SourceKind::Github(some) | SourceKind::Bitbucket(some) => some.token.as_ref(),
            SourceKind::Http(some) => some.token.as_ref(),
            SourceKind::S3(_) => None,
        }
    }

    /// Where the server of repositories is, if it is one of your own.
    pub fn server(&self) -> Option<&str> {
        match &self.from {
            SourceKind::Github(some) | SourceKind::Bitbucket(some) => some.address.as_deref(),
            SourceKind::Http(_) | SourceKind::S3(_) => None,
        }
    }

    /// The AWS account that is asked, if it says which.
    pub fn account(&self) -> Option<&str> {
        match &self.from {
            SourceKind::S3(some) => some.account.as_deref(),
            _ => None,
        }
    }
}

impl Objects {
    /// How particularly this is about what is there, as `BUCKET/KEY`.
    fn fits(&self, place: &str) -> Option<usize> {
        let Some(of) = &self.of else {
            return Some(0);
        };
        let rest = place.strip_prefix(of.as_str())?;
        let whole = of.ends_with('/') || rest.is_empty() || rest.starts_with('/');
        whole.then_some(of.len())
    }
}

impl Repositories {
    /// Neither server minds capital letters.
    fn fits(&self, one: &Commit) -> Option<usize> {
        let Some(of) = &self.of else {
            return Some(0);
        };
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match of.split_once('/') {
            None => same(of, &one.owner).then_some(1),
            Some((owner, repository)) => {
                (same(owner, &one.owner) && same(repository, &one.repository)).then_some(2)
            }
        }
    }
}

impl Addresses {
    fn fits(&self, address: &str) -> Option<usize> {
        let rest = address.strip_prefix(&self.address)?;
        let whole = self.address.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?']);
        whole.then_some(self.address.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Connections;

    const SOURCES: &str = "\
sources:
  - { name: all, from: { github: {} } }
  - { name: acme, from: { github: { of: acme } } }
  - { name: shop, from: { github: { of: Acme/shop } } }
  - { name: files, from: { http: { address: 'https://files.example' } } }
  - { name: ours, from: { http: { address: 'https://files.example/ours/' } } }
  - { name: bucket, from: { s3: { of: bundles, account: prod } } }
  - { name: web, from: { s3: { of: bundles/web/ } } }
";

    #[test]
    fn the_most_particular_entry_counts() {
        let connections: Connections = crate::model::yaml::from_str(SOURCES).unwrap();
        let commit = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";
        let of = |text: &str| {
            let source = text.parse().unwrap();
            connections.source(&source).map(|found| found.name.as_str())
        };
        for (place, name) in [
            ("acme/SHOP", "shop"),
            ("acme/web", "acme"),
            ("other/shop", "all"),
        ] {
            assert_eq!(of(&format!("github:{place}@{commit}")), Some(name));
        }
        assert_eq!(of(&format!("bitbucket:acme/shop@{commit}")), None);
        for (address, name) in [
            ("s3://bundles/x.zip", Some("bucket")),
            ("s3://bundles/web/x.zip?versionId=7", Some("web")),
            ("s3://bundles/website.zip", Some("bucket")),
            ("s3://bundles-2/x.zip", None),
            ("https://files.example/x.zip", Some("files")),
            ("https://files.example?x", Some("files")),
            ("https://files.example/ours/x.zip", Some("ours")),
            ("https://files.example.other/x.zip", None),
            ("https://files.example:8080/x.zip", None),
            ("http://files.example/x.zip", None),
        ] {
            assert_eq!(of(address), name, "{address}");
        }
    }
}
