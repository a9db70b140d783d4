//! Bundles in S3.

use std::fmt::Write as _;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use cutover::model::connections::AwsAccount;
use cutover::model::s3::S3Object;
use cutover::providers::aws::Accounts;
use cutover::providers::sources::SourceError;
use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;
use tokio::fs::File;

use crate::credentials::Witness;
use crate::lab::Lab;
use crate::server::{REGION, Server, account};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_bundle_goes_to_s3_and_comes_back", there_and_back),
        trial("a_large_bundle_goes_to_s3_in_parts", in_parts),
        trial("what_is_not_in_s3_is_missing", missing),
        trial("what_s3_refuses_says_what_to_do", refused),
        trial("a_revision_is_pushed_to_s3_and_deployed_from_there", pushed),
    ]
}

/// A server with a bucket that keeps versions.
pub async fn bucket() -> (Server, Client) {
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
    (server, client)
}

/// Puts something into the bucket.
pub async fn put(client: &Client, key: &str, bytes: Vec<u8>) {
    let put = client.put_object().bucket("shop").key(key);
    put.body(ByteStream::from(bytes)).send().await.unwrap();
}

/// What is in an object, and which it is.
async fn content(
    accounts: &Accounts,
    object: &S3Object,
) -> Result<(Vec<u8>, S3Object), SourceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let into = File::create(&path).await.unwrap();
    let found = accounts.download(None, object, into).await?;
    Ok((std::fs::read(&path).unwrap(), found))
}

async fn there_and_back() {
    let (server, _) = bucket().await;
    let accounts = server.accounts();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bundle.zip");
    let object: S3Object = "s3://shop/web/1.8 beta.zip".parse().unwrap();
    let mut versions = Vec::new();
    for size in [3_000_000, 5] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[1]).collect();
        std::fs::write(&path, &bytes).unwrap();
        let stored = accounts.upload(None, &path, &object).await.unwrap();
        assert!(
            stored.version.is_some() && stored.e_tag.is_some(),
            "{stored:?}"
        );
        versions.push((bytes, stored));
    }
    let [first, second] = <[_; 2]>::try_from(versions).unwrap();
    assert_ne!(first.1, second.1);
    // The newest, and each by its version; what was read is named as what was written.
    assert_eq!(content(&accounts, &object).await, Ok(second.clone()));
    assert_eq!(content(&accounts, &second.1).await, Ok(second.clone()));
    assert_eq!(content(&accounts, &first.1).await, Ok(first.clone()));
    let shown = first.1.to_string();
    let start = "s3://shop/web/1.8 beta.zip?versionId=";
    assert!(shown.starts_with(start) && shown.contains("&etag="));
    // Whoever wants what was there before is told that it has changed.
    let before = S3Object {
        version: None,
        ..first.1.clone()
    };
    let error = content(&accounts, &before).await.unwrap_err();
    assert!(matches!(error, SourceError::Missing(_)), "{error:?}");
    let now = format!("its ETag is {} now", second.1.e_tag.unwrap());
    assert!(error.to_string().contains(&now), "{error}");
    let error = accounts.upload(None, &path, &first.1).await.unwrap_err();
    let words = "S3 chooses the version and the ETag: leave them out";
    assert!(error.to_string().ends_with(words), "{error}");
}

async fn in_parts() {
    let (server, _) = bucket().await;
    let accounts = server.accounts();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bundle.zip");
    let object: S3Object = "s3://shop/large.zip".parse().unwrap();
    // Two parts and a bit, and nothing but two.
    for size in [33 * 1024 * 1024 + 7, 32 * 1024 * 1024] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| n.to_le_bytes()[2]).collect();
        std::fs::write(&path, &bytes).unwrap();
        let stored = accounts.upload(None, &path, &object).await.unwrap();
        let tag = stored.e_tag.clone().unwrap();
        let parts = tag.split_once('-').map(|(_, parts)| parts);
        let expected = if size % 2 == 1 { "3" } else { "2" };
        assert_eq!(parts, Some(expected), "{tag}");
        let (read, found) = content(&accounts, &object).await.unwrap();
        assert!(read == bytes, "what came back is not what went there");
        assert_eq!(found, stored);
    }
}

async fn missing() {
    let (server, client) = bucket().await;
    let accounts = server.accounts();
    put(&client, "here.zip", vec![1]).await;
    for (object, code, remedy) in [
        (
            "s3://shop/gone.zip",
            "NoSuchKey",
            "check how the key is written",
        ),
        (
            "s3://gone/gone.zip",
            "NoSuchBucket",
            "check how the bucket is written",
        ),
        (
            "s3://shop/here.zip?versionId=nobody",
            "",
            "check the version",
        ),
    ] {
        let object: S3Object = object.parse().unwrap();
        let error = content(&accounts, &object).await.unwrap_err();
        assert!(matches!(error, SourceError::Missing(_)), "{error:?}");
        let start = format!("S3 of the AWS account prod: {object}: {code}");
        assert!(error.to_string().starts_with(&start), "{error}");
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

async fn refused() {
    let witness = Witness::start().await;
    let known = account("prod", &witness.url);
    let accounts = Accounts::new(move || vec![known.clone()]);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bundle");
    std::fs::write(&file, "x").unwrap();
    let object: S3Object = "s3://shop/1.zip".parse().unwrap();
    for (status, answer, passes, reading, writing) in [
        (
            403,
            "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
            false,
            "access is denied: let its user or role have s3:GetObject (AccessDenied: no)",
            "access is denied: let its user or role have s3:PutObject (AccessDenied: no)",
        ),
        (
            400,
            "<Error><Code>ExpiredToken</Code><Message>old</Message></Error>",
            true,
            "its credentials have expired: renew them",
            "its credentials have expired: renew them",
        ),
        (
            503,
            "<Error><Code>SlowDown</Code><Message>slow</Message></Error>",
            true,
            "it is asked too often",
            "it is asked too often",
        ),
        (
            301,
            "<Error><Code>PermanentRedirect</Code><Message>there</Message></Error>",
            false,
            "the bucket is in another region: name an account with that `region`",
            "the bucket is in another region: name an account with that `region`",
        ),
    ] {
        witness.answers(status, answer);
        let read = content(&accounts, &object).await.unwrap_err();
        let written = accounts.upload(None, &file, &object).await.unwrap_err();
        for (error, words) in [(read, reading), (written, writing)] {
            let not_now = matches!(error, SourceError::NotNow(_));
            assert_eq!(not_now, passes, "{answer}: {error:?}");
            assert!(error.to_string().contains(words), "{answer}: {error}");
        }
    }
    let nobody = Accounts::new(|| {
        vec![AwsAccount {
            region: Some(REGION.to_owned()),
            ..account("one", "http://127.0.0.1:9")
        }]
    });
    let error = content(&nobody, &object).await.unwrap_err();
    assert!(matches!(error, SourceError::NotNow(_)), "{error:?}");
}

/// A lab whose only account is this server's, with more lines of its document.
pub fn lab(server: &Server, hosts: &[&str], more: &str) -> Lab {
    let lab = Lab::up(hosts.len());
    lab.project(hosts, "{}");
    let path = lab.folder().join("cutover.yaml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    write!(
        text,
        "connections:\n  aws:\n    - {{ name: prod, region: {REGION}, endpointUrl: '{}' }}\n    - {{ name: nobody, region: {REGION}, endpointUrl: 'http://127.0.0.1:9' }}\n\
         \x20 sources: [{{ name: shop, from: {{ s3: {{ of: shop, account: prod }} }} }}]\n{more}",
        server.url()
    )
    .unwrap();
    std::fs::write(path, text).unwrap();
    lab.group("production", "role", "web", "");
    lab
}

async fn pushed() {
    let (server, client) = bucket().await;
    let lab = lab(&server, &["web-1"], "");
    let place = "s3://shop/web/app.tar.gz";
    let shown = |label: &str| -> Value {
        let shown = lab.ok(&["revision", "show", "shop", label, "--output", "json"]);
        serde_json::from_str(&shown).unwrap()
    };
    let mut pushed = Vec::new();
    for label in ["1.0", "2.0"] {
        let folder = lab.revision(label, "0", None);
        let folder = folder.to_str().unwrap();
        let said = lab.ok(&["push", "shop", folder, "--label", label, "--to", place]);
        let revision = shown(label);
        let location = revision["revisionLocation"].clone();
        assert_eq!(location["revisionType"], "S3");
        let object = &location["s3Location"];
        assert_eq!(
            (&object["bucket"], &object["bundleType"]),
            (&"shop".into(), &"tgz".into())
        );
        let (version, tag) = (
            object["version"].as_str().unwrap(),
            object["eTag"].as_str().unwrap(),
        );
        let kept = format!("and kept at {place}?versionId={version}&etag={tag}");
        assert!(said.ends_with(&kept), "{said}");
        pushed.push((version.to_owned(), revision["revision"]["digest"].clone()));
    }
    let there = client.head_object().bucket("shop").key("web/app.tar.gz");
    let there = there.send().await.unwrap();
    assert_eq!(there.version_id().unwrap(), pushed[1].0);

    // What is pushed from there is the same revision; a version of its own is, too, and it says that the newest is another one.
    let said = lab.ok(&["push", "shop", place]);
    assert!(said.starts_with(&format!("app  {}", pushed[1].1.as_str().unwrap())));
    let old = format!("{place}?versionId={}", pushed[0].0);
    let said = lab.ok(&["push", "shop", &old, "--label", "old"]);
    assert!(said.starts_with(&format!("old  {}", pushed[0].1.as_str().unwrap())));
    assert!(
        said.contains("; the object has changed: it was app ("),
        "{said}"
    );
    let (id, code) = lab.deploy(&["production", &old]);
    assert_eq!((lab.status(&id).as_str(), code), ("Succeeded", 0));
    let installed = std::fs::read_to_string(lab.root("web-1").join("srv/app/version"));
    assert_eq!(installed.unwrap(), "1.0");

    // Nothing is registered that is not there, and nothing of it is left here.
    let folder = lab.revision("3.0", "0", None);
    let folder = folder.to_str().unwrap();
    let before = bundles(&lab);
    for (arguments, words) in [
        (
            &["--to", "s3://gone/app.zip"][..],
            "there are several accounts",
        ),
        (
            &["--to", "s3://gone/app.zip", "--account", "prod"],
            "check how the bucket is written",
        ),
        (
            &["--to", place, "--account", "nobody"],
            "S3 of the AWS account nobody",
        ),
        (&["--to", "s3://shop/"], "write s3://BUCKET/KEY"),
        (&["--account", "prod"], "--to"),
    ] {
        let all = [&["push", "shop", folder, "--label", "3.0"], arguments].concat();
        let output = lab.run(&all);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
    assert_eq!(bundles(&lab), before);
    let output = lab.run(&["push", "shop", place, "--to", place]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("push it without --to"), "{said}");
    put(&client, "none.zip", b"no archive".to_vec()).await;
    let output = lab.run(&["push", "shop", "s3://shop/none.zip"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && said.contains("s3://shop/none.zip?versionId="),
        "{said}"
    );
    assert_eq!(bundles(&lab), before);
}

/// What is kept of bundles.
fn bundles(lab: &Lab) -> Vec<String> {
    let found = std::fs::read_dir(lab.folder().join(".state/bundles")).unwrap();
    let mut names: Vec<String> = found
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
