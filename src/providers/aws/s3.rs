//! Bundles in S3: from there into a file, and from a file to there.

use std::fmt;
use std::path::Path;

use aws_config::retry::RetryConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::{Accounts, Kind, Trouble};
use crate::model::s3::S3Object;

/// What S3 says of an object that was read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which.
    pub object: S3Object,
    /// What its content is known by.
    pub e_tag: Option<String>,
}

impl fmt::Display for Stored {
    /// With its version, if its bucket keeps some, and its `ETag`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        match &self.e_tag {
            Some(tag) => write!(f, " (ETag {})", tag.trim_matches('"')),
            None => Ok(()),
        }
    }
}

/// Why an object was not read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// There is none.
    #[error("{0}")]
    Missing(String),
    /// It will not be done, however often it is tried.
    #[error("{0}")]
    Refused(String),
    /// It may be done if it is tried again.
    #[error("{0}")]
    NotNow(String),
}

impl Accounts {
    /// Writes an object into a file, from its beginning, and says which version it was.
    ///
    /// # Errors
    /// If it can't be had: what is left in the file is of no use then.
    pub async fn download(
        &self,
        account: Option<&str>,
        object: &S3Object,
        mut into: File,
    ) -> Result<Stored, S3Error> {
        let request = self.s3(account, object).await?.get_object();
        let sent = request
            .bucket(&object.bucket)
            .key(&object.key)
            .set_version_id(object.version.clone())
            .send();
        let mut answer = match Box::pin(sent).await {
            Ok(answer) => answer,
            Err(error) => {
                let trouble = Trouble::of(&error, "s3:GetObject");
                return Err(self.no_object(account, object, trouble).await);
            }
        };
        let broken = |why: &dyn fmt::Display| S3Error::NotNow(format!("{object}: {why}"));
        while let Some(piece) = answer.body.next().await {
            let piece = piece.map_err(|error| broken(&error))?;
            let written = into.write_all(&piece).await;
            written.map_err(|error| broken(&error))?;
        }
        into.flush().await.map_err(|error| broken(&error))?;
        Ok(stored(object, answer.version_id, answer.e_tag))
    }

    /// Writes a file to S3, under the key of an object, and says which version that is.
    ///
    /// # Errors
    /// If it can't be read, or S3 does not take it.
    pub async fn upload(
        &self,
        account: Option<&str>,
        file: &Path,
        object: &S3Object,
    ) -> Result<Stored, S3Error> {
        if object.version.is_some() {
            let message = format!("{object}: S3 chooses the version: leave it out");
            return Err(S3Error::Refused(message));
        }
        let client = self.s3(account, object).await?;
        let body = ByteStream::from_path(file).await.map_err(|error| {
            S3Error::Refused(format!("{} can't be read: {error}", file.display()))
        })?;
        let sent = client
            .put_object()
            .bucket(&object.bucket)
            .key(&object.key)
            .body(body)
            .send();
        match Box::pin(sent).await {
            Ok(answer) => Ok(stored(object, answer.version_id, answer.e_tag)),
            Err(error) => {
                let trouble = Trouble::of(&error, "s3:PutObject");
                Err(self.no_object(account, object, trouble).await)
            }
        }
    }

    async fn s3(&self, account: Option<&str>, object: &S3Object) -> Result<Client, S3Error> {
        let session = match self.session(account, None).await {
            Ok(session) => session,
            Err(trouble) => return Err(self.no_object(account, object, trouble).await),
        };
        let elsewhere = session.endpoint_url().is_some();
        let config = Builder::from(&session)
            // An upload begins once, and nobody tries it again but the SDK.
            .retry_config(RetryConfig::standard())
            // A server of one's own has no name for each bucket.
            .force_path_style(elsewhere);
        Ok(Client::from_conf(config.build()))
    }

    async fn no_object(
        &self,
        account: Option<&str>,
        object: &S3Object,
        trouble: Trouble,
    ) -> S3Error {
        self.renew(&trouble).await;
        let who = self.label("S3", account);
        let remedy = match trouble.code.as_str() {
            "PermanentRedirect" | "AuthorizationHeaderMalformed" => {
                ": the bucket is in another region: name an account with that `region`"
            }
            _ => "",
        };
        let words = format!("{who}: {object}: {}{remedy}", trouble.reason);
        match (trouble.code.as_str(), trouble.kind) {
            ("NoSuchKey" | "NoSuchBucket" | "NoSuchVersion", _) => S3Error::Missing(words),
            (_, Kind::Refused) => S3Error::Refused(words),
            (_, Kind::Unreachable | Kind::Busy | Kind::Credentials) => S3Error::NotNow(words),
        }
    }
}

fn stored(object: &S3Object, version: Option<String>, e_tag: Option<String>) -> Stored {
    // A bucket that kept no versions calls what it had before so.
    let version = version.filter(|version| version != "null");
    Stored {
        object: S3Object {
            version: version.or_else(|| object.version.clone()),
            ..object.clone()
        },
        e_tag,
    }
}
