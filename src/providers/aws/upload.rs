//! A file to S3: at once, or in parts if it is large, so that what breaks off is sent again in part only.

use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::s3::stored;
use super::{Accounts, Trouble};
use crate::model::s3::S3Object;
use crate::providers::sources::SourceError;

/// What is larger goes in parts of this size: far fewer than the 10,000 that S3 takes.
const PART: u64 = 16 * 1024 * 1024;

/// What the request needs.
const PERMISSION: &str = "s3:PutObject";

impl Accounts {
    /// Writes a file to S3, under the key of an object, and says which version that is, and its `ETag`.
    ///
    /// # Errors
    /// If it can't be read, or S3 does not take it.
    pub async fn upload(
        &self,
        account: Option<&str>,
        file: &Path,
        object: &S3Object,
    ) -> Result<S3Object, SourceError> {
        if *object != object.newest() {
            let message = format!("{object}: S3 chooses the version and the ETag: leave them out");
            return Err(SourceError::Refused(message));
        }
        let client = self.s3(account, object).await?;
        let unread = |error: &dyn std::fmt::Display| {
            SourceError::Refused(format!("{} can't be read: {error}", file.display()))
        };
        let size = tokio::fs::metadata(file)
            .await
            .map_err(|e| unread(&e))?
            .len();
        let sent = if size > PART {
            Box::pin(in_parts(&client, file, size, object)).await
        } else {
            let body = ByteStream::from_path(file).await.map_err(|e| unread(&e))?;
            Box::pin(at_once(&client, body, object)).await
        };
        match sent {
            Ok(stored) => Ok(stored),
            Err(trouble) => Err(self.no_object(account, object, trouble).await),
        }
    }
}

async fn at_once(
    client: &Client,
    body: ByteStream,
    object: &S3Object,
) -> Result<S3Object, Trouble> {
    let sent = client
        .put_object()
        .bucket(&object.bucket)
        .key(&object.key)
        .body(body)
        .send();
    let answer = sent
        .await
        .map_err(|error| Trouble::of(&error, PERMISSION))?;
    Ok(stored(object, answer.version_id, answer.e_tag))
}

async fn in_parts(
    client: &Client,
    file: &Path,
    size: u64,
    object: &S3Object,
) -> Result<S3Object, Trouble> {
    let begun = client
        .create_multipart_upload()
        .bucket(&object.bucket)
        .key(&object.key)
        .send();
    let begun = begun
        .await
        .map_err(|error| Trouble::of(&error, PERMISSION))?;
    let upload = begun.upload_id.unwrap_or_default();
    let sent = Box::pin(parts(client, file, size, object, &upload)).await;
    if sent.is_err() {
        let abort = client
            .abort_multipart_upload()
            .bucket(&object.bucket)
            .key(&object.key)
            .upload_id(upload);
        // What is left of it costs money until the bucket's rules remove it.
        if let Err(error) = Box::pin(abort.send()).await {
            let trouble = Trouble::of(&error, "s3:AbortMultipartUpload");
            tracing::warn!(%object, reason = trouble.reason, "parts of an upload are left in S3");
        }
    }
    sent
}

async fn parts(
    client: &Client,
    file: &Path,
    size: u64,
    object: &S3Object,
    upload: &str,
) -> Result<S3Object, Trouble> {
    let mut parts = Vec::new();
    let mut offset = 0;
    for number in 1.. {
        let length = PART.min(size - offset);
        let body = ByteStream::read_from()
            .path(file)
            .offset(offset)
            .length(Length::Exact(length))
            .build();
        let body = body.await.map_err(|error| {
            Trouble::refused(format!("{} can't be read: {error}", file.display()))
        })?;
        let sent = client
            .upload_part()
            .bucket(&object.bucket)
            .key(&object.key)
            .upload_id(upload)
            .part_number(number)
            .body(body)
            .send();
        let taken = sent
            .await
            .map_err(|error| Trouble::of(&error, PERMISSION))?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(taken.e_tag)
            .set_checksum_crc32(taken.checksum_crc32);
        parts.push(part.build());
        offset += length;
        if offset == size {
            break;
        }
    }
    let all = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let ended = client
        .complete_multipart_upload()
        .bucket(&object.bucket)
        .key(&object.key)
        .upload_id(upload)
        .multipart_upload(all.build())
        .send();
    let answer = ended
        .await
        .map_err(|error| Trouble::of(&error, PERMISSION))?;
    Ok(stored(object, answer.version_id, answer.e_tag))
}
