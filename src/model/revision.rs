//! Revisions: deployable versions of an application, known by the digest of their bundle.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::source::Source;
use super::timestamp::Timestamp;

/// A SHA-256 digest: 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits (SHA-256)")]
pub struct DigestError;

impl Digest {
    /// The digest of these 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        use std::fmt::Write as _;
        Self(bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(self.0.as_bytes().chunks(2)) {
            for digit in digits {
                let value = char::from(*digit).to_digit(16).unwrap_or_default();
                *byte = *byte << 4 | u8::try_from(value).unwrap_or_default();
            }
        }
        bytes
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let good = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(DigestError)
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One deployable version: an archive with an `AppSpec` at its root, kept under its digest (revision type `LocalBundle`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// SHA-256 of the gzip-compressed tar archive: the revision's identity.
    pub digest: Digest,
    /// What people call it, such as `1.8.0`. Not unique: the newest registration of a label wins a look-up.
    pub label: String,
    /// The archive's size in bytes.
    pub size: u64,
}

/// A revision as an application knows it (`GenericRevisionInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredRevision {
    /// What is deployed.
    pub revision: Revision,
    /// Where it came from, in a sentence.
    pub description: String,
    /// Where it can be had, if it came from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// When it was registered.
    pub register_time: Timestamp,
    /// The first deployment of it.
    #[serde(default)]
    pub first_used_time: Option<Timestamp>,
    /// The latest deployment of it.
    #[serde(default)]
    pub last_used_time: Option<Timestamp>,
}
