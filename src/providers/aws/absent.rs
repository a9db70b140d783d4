//! S3 in a build without AWS: nothing is to be had there.

use std::path::Path;

use tokio::fs::File;

use super::{ABSENT, Accounts};
use crate::model::s3::S3Object;
use crate::model::timestamp::Timestamp;
use crate::providers::sources::SourceError;

impl Accounts {
    /// Reads no object.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "another build waits here")]
    pub async fn download(
        &self,
        account: Option<&str>,
        object: &S3Object,
        _into: File,
    ) -> Result<S3Object, SourceError> {
        Err(self.no_s3(account, object))
    }

    /// Writes no object.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "another build waits here")]
    pub async fn upload(
        &self,
        account: Option<&str>,
        _file: &Path,
        object: &S3Object,
    ) -> Result<S3Object, SourceError> {
        Err(self.no_s3(account, object))
    }

    /// Sees no object.
    ///
    /// # Errors
    /// Always.
    #[expect(clippy::unused_async, reason = "another build waits here")]
    pub async fn newest(
        &self,
        account: Option<&str>,
        bucket: &str,
        prefix: &str,
    ) -> Result<Option<(S3Object, Timestamp)>, SourceError> {
        Err(self.no_s3(account, &format!("s3://{bucket}/{prefix}")))
    }

    fn no_s3(&self, account: Option<&str>, what: &dyn std::fmt::Display) -> SourceError {
        let who = self.label("S3", account);
        SourceError::Refused(format!("{who}: {what}: {ABSENT}"))
    }
}
