//! Where revisions come from that are not on this machine: written as one word, such as `github:acme/shop@7fd1…`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::s3::{S3Object, S3ObjectError};

/// Where the archive of a revision is. In commands and messages it is a text, as [`Source::from_str`] reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Source {
    /// A commit on GitHub: `github:OWNER/REPOSITORY@COMMIT`.
    Github(Commit),
    /// A commit on Bitbucket: `bitbucket:WORKSPACE/REPOSITORY@COMMIT`.
    Bitbucket(Commit),
    /// An object in S3: `s3://BUCKET/KEY`, with `?versionId=VERSION` if one version is meant.
    S3(S3Object),
    /// An archive at this address, `http://` or `https://`.
    Http(String),
}

/// A commit of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Whose repository: a user, an organization or a workspace.
    pub owner: String,
    /// The repository's name.
    pub repository: String,
    /// All of its digits.
    pub commit: String,
}

/// A text that says nothing about where a revision is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It does not begin like any.
    #[error(
        "{0:?} is no source: write github:OWNER/REPOSITORY@COMMIT, bitbucket:WORKSPACE/REPOSITORY@COMMIT, s3://BUCKET/KEY or https://…"
    )]
    Unknown(String),
    /// A repository without a commit, or the other way round.
    #[error("{0:?} names no commit of a repository: write {1}:OWNER/REPOSITORY@COMMIT")]
    NoCommit(String, &'static str),
    /// Branches and tags move, and so do abbreviations, in the end.
    #[error(
        "{0:?} is no whole commit: write all of its hexadecimal digits, which `git rev-parse {0}` prints"
    )]
    NotWhole(String),
    /// An address that is none, or that holds what does not belong into one.
    #[error("this is no address of an archive: {0}")]
    Address(&'static str),
    /// No object in S3.
    #[error(transparent)]
    S3(#[from] S3ObjectError),
}

const GITHUB: &str = "github";
const BITBUCKET: &str = "bitbucket";
const S3: &str = "s3";

impl Source {
    /// Whether a text is meant as a source, and not as a path of this machine.
    pub fn is_meant(text: &str) -> bool {
        let schemes = [GITHUB, BITBUCKET, S3, "http", "https"];
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| schemes.iter().any(|one| one.eq_ignore_ascii_case(scheme)))
    }

    /// What a revision from there is called if nobody says so: `shop-7fd1a60`, or the file's name.
    pub fn label(&self) -> String {
        match self {
            Self::Github(one) | Self::Bitbucket(one) => {
                let short: String = one.commit.chars().take(7).collect();
                format!("{}-{short}", one.repository)
            }
            Self::S3(object) => object.file_name().to_owned(),
            Self::Http(address) => {
                let path = path_of(address);
                let name = path.rsplit('/').find(|part| !part.is_empty());
                name.unwrap_or("revision").to_owned()
            }
        }
    }

    /// `RevisionLocation`, where `CodeDeploy` has a word for it.
    pub fn location(&self) -> Option<Value> {
        match self {
            Self::Github(one) => {
                let repository = format!("{}/{}", one.owner, one.repository);
                Some(json!({
                    "revisionType": "GitHub",
                    "gitHubLocation": { "repository": repository, "commitId": one.commit },
                }))
            }
            Self::S3(object) => Some(json!({
                "revisionType": "S3",
                "s3Location": s3_location(object),
            })),
            Self::Bitbucket(_) | Self::Http(_) => None,
        }
    }
}

/// `S3Location`, with what is known.
fn s3_location(object: &S3Object) -> Value {
    let name = object.file_name().to_lowercase();
    let kinds = [
        (".tar.gz", "tgz"),
        (".tgz", "tgz"),
        (".tar", "tar"),
        (".zip", "zip"),
        (".json", "JSON"),
        (".yaml", "YAML"),
        (".yml", "YAML"),
    ];
    let kind = kinds.into_iter().find(|(ending, _)| name.ends_with(ending));
    let all = [
        ("bucket", Some(object.bucket.as_str())),
        ("key", Some(object.key.as_str())),
        ("bundleType", kind.map(|(_, kind)| kind)),
        ("version", object.version.as_deref()),
        ("eTag", object.e_tag.as_deref()),
    ];
    let known = all.into_iter();
    known
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl Commit {
    fn read(text: &str, scheme: &'static str) -> Result<Self, SourceError> {
        let none = || SourceError::NoCommit(text.to_owned(), scheme);
        let (place, commit) = text.rsplit_once('@').ok_or_else(none)?;
        let (owner, repository) = place.split_once('/').ok_or_else(none)?;
        if !is_name(owner) || !is_name(repository) || commit.is_empty() {
            return Err(none());
        }
        let whole =
            [40, 64].contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit());
        if !whole {
            return Err(SourceError::NotWhole(commit.to_owned()));
        }
        Ok(Self {
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            commit: commit.to_ascii_lowercase(),
        })
    }
}

/// A name that is one part of a path, and nothing else.
fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    !text.is_empty() && text.bytes().all(letter) && !text.bytes().all(|b| b == b'.')
}

/// What is behind the host, up to the query.
fn path_of(address: &str) -> &str {
    let behind = address.split_once("://").map_or("", |(_, behind)| behind);
    let behind = behind.split(['?', '#']).next().unwrap_or_default();
    behind.split_once('/').map_or("", |(_, path)| path)
}

/// What is wrong with an address, if anything is. Nothing in it may mean another place than it seems to.
fn wrong(address: &str) -> Option<&'static str> {
    let Some((_, behind)) = address.split_once("://") else {
        return Some("write one such as https://artifacts.example/shop-1.8.0.tar.gz");
    };
    let authority = behind.split(['/', '?', '#']).next().unwrap_or_default();
    // As some servers read it: a slash may be encoded, and what comes behind a semicolon is not of the name.
    let path = path_of(address).to_lowercase();
    let path = path.replace("%2e", ".").replace("%2f", "/");
    let path = path.replace("%5c", "/").replace("%3b", ";");
    let step = |part: &str| {
        let name = part.split(';').next().unwrap_or_default();
        [".", ".."].contains(&name)
    };
    if authority.is_empty() {
        Some("it names no host")
    } else if authority.contains('@') {
        Some(
            "a user or a password does not belong into it: give it a token, below connections.sources of cutover.yaml",
        )
    } else if !address.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') || address.contains('#')
    {
        Some(
            "blanks, control characters, backslashes, # and letters that are not ASCII have to be percent-encoded",
        )
    } else if path.split('/').any(step) {
        Some("write its path without . and ..")
    } else {
        None
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text.split_once(':') {
            Some((GITHUB, rest)) => Commit::read(rest, GITHUB).map(Self::Github),
            Some((BITBUCKET, rest)) => Commit::read(rest, BITBUCKET).map(Self::Bitbucket),
            Some((S3, _)) => Ok(Self::S3(text.parse()?)),
            Some(("http" | "https", _)) => match wrong(text) {
                None => Ok(Self::Http(text.to_owned())),
                Some(why) => Err(SourceError::Address(why)),
            },
            _ => Err(SourceError::Unknown(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Source {
    type Error = SourceError;

    fn try_from(text: String) -> Result<Self, SourceError> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.owner, self.repository, self.commit)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Github(one) => write!(f, "{GITHUB}:{one}"),
            Self::Bitbucket(one) => write!(f, "{BITBUCKET}:{one}"),
            Self::S3(object) => write!(f, "{object}"),
            Self::Http(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";

    #[test]
    fn sources_are_read_and_written() {
        for (text, label) in [
            (format!("github:acme/shop@{COMMIT}"), "shop-7fd1a60"),
            (
                format!("bitbucket:acme/shop.web@{COMMIT}"),
                "shop.web-7fd1a60",
            ),
            (
                "https://artifacts.example/shop/1.8.0.tar.gz?x=1".to_owned(),
                "1.8.0.tar.gz",
            ),
            ("http://127.0.0.1:8000/".to_owned(), "revision"),
            (
                "s3://shop-bundles/web/1.8.0.zip?versionId=7&etag=9b2c".to_owned(),
                "1.8.0.zip",
            ),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
            assert_eq!(source.label(), label);
            assert!(Source::is_meant(&text));
        }
        let upper = format!("github:acme/shop@{}", COMMIT.to_uppercase());
        let source: Source = upper.parse().unwrap();
        assert_eq!(source.to_string(), format!("github:acme/shop@{COMMIT}"));
        assert_eq!(
            source.location().unwrap()["gitHubLocation"],
            json!({ "repository": "acme/shop", "commitId": COMMIT })
        );
        let object: Source = "s3://shop/1.8.0.tar.gz?versionId=7&etag=9b2c"
            .parse()
            .unwrap();
        assert_eq!(
            object.location().unwrap()["s3Location"],
            json!({ "bucket": "shop", "key": "1.8.0.tar.gz", "bundleType": "tgz", "version": "7", "eTag": "9b2c" })
        );
        for path in ["shop", "./github", "shop.tar.gz", "a/b:c"] {
            assert!(!Source::is_meant(path), "{path}");
        }
    }

    #[test]
    fn what_means_nothing_or_something_else_is_refused() {
        for (text, why) in [
            (format!("github:acme@{COMMIT}"), "OWNER/REPOSITORY@COMMIT"),
            ("github:acme/shop".to_owned(), "OWNER/REPOSITORY@COMMIT"),
            (
                format!("github:acme/..@{COMMIT}"),
                "OWNER/REPOSITORY@COMMIT",
            ),
            (
                format!("github:acme/a/b@{COMMIT}"),
                "OWNER/REPOSITORY@COMMIT",
            ),
            (
                format!("github:acme/a?b@{COMMIT}"),
                "OWNER/REPOSITORY@COMMIT",
            ),
            ("github:acme/shop@main".to_owned(), "git rev-parse main"),
            ("bitbucket:acme/shop@7fd1a60".to_owned(), "no whole commit"),
            ("https://".to_owned(), "no host"),
            ("https:artifacts.example".to_owned(), "write one such as"),
            ("https://ana:pw@artifacts.example/x".to_owned(), "password"),
            (
                "https://artifacts.example/a/../b".to_owned(),
                "without . and ..",
            ),
            (
                "https://artifacts.example/a/..%2fb".to_owned(),
                "without . and ..",
            ),
            (
                "https://artifacts.example/a/..;x/b".to_owned(),
                "without . and ..",
            ),
            (
                "https://artifacts.example/a/%2E./b".to_owned(),
                "without . and ..",
            ),
            ("https://artifacts.example\\b".to_owned(), "percent-encoded"),
            (
                "https://artifacts.example/a b".to_owned(),
                "percent-encoded",
            ),
            ("ftp://artifacts.example/a".to_owned(), "is no source"),
            ("s3://shop/".to_owned(), "s3://BUCKET/KEY"),
            ("s3:shop/1.8.0.zip".to_owned(), "s3://BUCKET/KEY"),
        ] {
            let refused = text.parse::<Source>().unwrap_err().to_string();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
