//! Objects in S3: from there into a file, and what it means that one can't be had.

use std::fmt;

use aws_config::retry::RetryConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::{Accounts, Kind, Trouble};
use crate::model::s3::S3Object;
use crate::providers::sources::{SourceError, too_large};
use crate::store::bundles::LARGEST;

impl Accounts {
    /// Writes an object into a file, from its beginning, and says which version it was, and its `ETag`.
    ///
    /// # Errors
    /// If it can't be had: what is left in the file is of no use then.
    pub async fn download(
        &self,
        account: Option<&str>,
        object: &S3Object,
        mut into: File,
    ) -> Result<S3Object, SourceError> {
        let request = self.s3(account, object).await?.get_object();
        let sent = request
            .bucket(&object.bucket)
            .key(&object.key)
            .set_version_id(object.version.clone())
            .send();
        let permission = match object.version {
            Some(_) => "s3:GetObjectVersion",
            None => "s3:GetObject",
        };
        let mut answer = match Box::pin(sent).await {
            Ok(answer) => answer,
            Err(error) => {
                let trouble = Trouble::of(&error, permission);
                return Err(self.no_object(account, object, trouble).await);
            }
        };
        let found = stored(object, answer.version_id, answer.e_tag);
        let who = self.label("S3", account);
        if object.e_tag.is_some() && found.e_tag != object.e_tag {
            let now = found.e_tag.unwrap_or_else(|| "none".to_owned());
            let message = format!(
                "{who}: {object}: the object has changed: its ETag is {now} now; leave the etag out for whatever is there"
            );
            return Err(SourceError::Missing(message));
        }
        let announced = answer.content_length.unwrap_or(0);
        if u64::try_from(announced).unwrap_or(0) > LARGEST {
            return Err(too_large(&who));
        }
        let broken =
            |why: &dyn fmt::Display| SourceError::NotNow(format!("{who}: {object}: {why}"));
        let mut taken = 0;
        while let Some(piece) = answer.body.next().await {
            let piece = piece.map_err(|error| broken(&error))?;
            taken += piece.len() as u64;
            if taken > LARGEST {
                return Err(too_large(&who));
            }
            let written = into.write_all(&piece).await;
            written.map_err(|error| broken(&error))?;
        }
        into.flush().await.map_err(|error| broken(&error))?;
        Ok(found)
    }

    /// Whoever speaks to S3 in an account, about what is said.
    pub(super) async fn s3(
        &self,
        account: Option<&str>,
        object: &S3Object,
    ) -> Result<Client, SourceError> {
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

    /// What it means that S3 did not do what it was asked about an object.
    pub(super) async fn no_object(
        &self,
        account: Option<&str>,
        object: &S3Object,
        trouble: Trouble,
    ) -> SourceError {
        self.renew(&trouble).await;
        let who = self.label("S3", account);
        let named = object.version.is_some();
        let remedy = match trouble.code.as_str() {
            "NoSuchBucket" => ": check how the bucket is written, and which account has it",
            "NoSuchKey" => ": check how the key is written, and whether it has been deleted",
            "NoSuchVersion" | "InvalidArgument" if named => {
                ": check the version, or leave ?versionId= out for the newest"
            }
            "MethodNotAllowed" if named => {
                ": this version says that the object was deleted: name another one"
            }
            "AccessDenied" => {
                "; whoever lacks s3:ListBucket is told so of keys that are not there, too"
            }
            "PermanentRedirect" | "AuthorizationHeaderMalformed" => {
                ": the bucket is in another region: name an account with that `region`"
            }
            _ => "",
        };
        let words = format!("{who}: {object}: {}{remedy}", trouble.reason);
        match (trouble.code.as_str(), trouble.kind) {
            ("NoSuchKey" | "NoSuchBucket" | "NoSuchVersion", _) => SourceError::Missing(words),
            ("InvalidArgument" | "MethodNotAllowed", _) if named => SourceError::Missing(words),
            (_, Kind::Refused) => SourceError::Refused(words),
            (_, Kind::Unreachable | Kind::Busy | Kind::Credentials) => SourceError::NotNow(words),
        }
    }
}

/// An object as S3 has it.
pub(super) fn stored(
    object: &S3Object,
    version: Option<String>,
    e_tag: Option<String>,
) -> S3Object {
    // A bucket that kept no versions calls what it had before so.
    let version = version.filter(|version| version != "null");
    S3Object {
        version: version.or_else(|| object.version.clone()),
        e_tag: e_tag.map(|tag| tag.trim_matches('"').to_owned()),
        ..object.clone()
    }
}
