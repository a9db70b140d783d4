//! Bundles in S3.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use cutover::model::s3::S3Object;
use cutover::providers::aws::{Accounts, S3Error, Stored};
use libtest_mimic::Trial;
use tempfile::TempDir;
use tokio::fs::File;

use crate::server::Server;
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_bundle_goes_to_s3_and_comes_back", there_and_back),
        trial("what_is_not_in_s3_is_missing", missing),
    ]
}

/// A server with a bucket that keeps versions.
async fn bucket() -> (Server, Accounts) {
    let server = Server::ministack().await;
    let config = Builder::from(&server.config().await).force_path_style(true);
    let client = Client::from_conf(config.build());
    client.create_bucket().bucket("shop").send().await.unwrap();
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    client
        .put_bucket_versioning()
        .bucket("shop")
        .versioning_configuration(enabled.build())
        .send()
        .await
        .unwrap();
    let accounts = server.accounts();
    (server, accounts)
}

/// What is in an object.
async fn content(accounts: &Accounts, object: &S3Object) -> Result<(Vec<u8>, Stored), S3Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let into = File::create(&path).await.unwrap();
    let stored = accounts.download(None, object, into).await?;
    Ok((std::fs::read(&path).unwrap(), stored))
}

async fn there_and_back() {
    let (_server, accounts) = bucket().await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bundle.zip");
    let object: S3Object = "s3://shop/web/1.8 beta.zip".parse().unwrap();
    let mut versions = Vec::new();
    for size in [3_000_000, 5] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[1]).collect();
        std::fs::write(&path, &bytes).unwrap();
        let stored = accounts.upload(None, &path, &object).await.unwrap();
        assert!(stored.object.version.is_some(), "{stored:?}");
        versions.push((stored, bytes));
    }
    let [(first, large), (second, small)] = versions.try_into().unwrap();
    assert_ne!(first, second);
    // The newest, and each by its version; what was read is named as what was written.
    assert_eq!(
        content(&accounts, &object).await,
        Ok((small.clone(), second.clone()))
    );
    assert_eq!(
        content(&accounts, &second.object).await,
        Ok((small, second))
    );
    let read = content(&accounts, &first.object).await;
    assert_eq!(read, Ok((large, first.clone())));
    let shown = first.to_string();
    assert!(
        shown.starts_with("s3://shop/web/1.8 beta.zip?versionId="),
        "{shown}"
    );
    assert!(shown.contains(" (ETag "), "{shown}");
    let error = accounts
        .upload(None, &path, &first.object)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("S3 chooses the version: leave it out"),
        "{error}"
    );
}

async fn missing() {
    let (_server, accounts) = bucket().await;
    for (object, code) in [
        ("s3://shop/gone.zip", "NoSuchKey"),
        ("s3://gone/gone.zip", "NoSuchBucket"),
    ] {
        let object: S3Object = object.parse().unwrap();
        let error = content(&accounts, &object).await.unwrap_err();
        assert!(matches!(error, S3Error::Missing(_)), "{error:?}");
        let start = format!("S3 of the AWS account prod: {object}: {code}");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}
