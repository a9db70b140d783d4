//! A group that follows keys of S3.

use std::fmt::Write as _;

use aws_sdk_s3::Client;
use libtest_mimic::Trial;
use serde_json::Value;

use crate::lab::{Lab, until};
use crate::revisions::{bucket, lab, put};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![trial(
        "what_appears_under_a_prefix_of_s3_is_deployed_once",
        followed,
    )]
}

/// The archive of a revision that was pushed.
fn archive(lab: &Lab, label: &str) -> Vec<u8> {
    lab.push(label, "0", None);
    let shown = ["revision", "show", "shop", label, "--output", "json"];
    let shown: Value = serde_json::from_str(&lab.ok(&shown)).unwrap();
    let digest = shown["revision"]["digest"].as_str().unwrap();
    std::fs::read(lab.folder().join(".state/bundles").join(digest)).unwrap()
}

/// Waits until this came of what is known by a mark that begins so.
fn until_found(lab: &Lab, mark: &str, found: &str) -> Value {
    let watched = || -> Value {
        let shown = ["group", "show", "shop", "production", "--output", "json"];
        let shown: Value = serde_json::from_str(&lab.ok(&shown)).unwrap();
        shown["watched"].clone()
    };
    until(&format!("{mark} is {found}"), || {
        let watched = watched();
        let known = watched["mark"].as_str().unwrap_or_default();
        known.starts_with(mark) && watched["found"]["type"] == found
    });
    watched()
}

async fn remove(client: &Client, key: &str) {
    let removing = client.delete_object().bucket("shop").key(key);
    removing.send().await.unwrap();
}

async fn followed() {
    let (server, client) = bucket().await;
    let lab = lab(&server, &["web-1"], "");
    let [one, two, three] = ["1.0", "2.0", "3.0"].map(|label| archive(&lab, label));
    let path = lab.folder().join("cutover.yaml");
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("automaticDeployments:\n");
    writeln!(
        text,
        "  - {{ application: shop, group: production, from: 's3://shop/web/', intervalSeconds: 5 }}"
    )
    .unwrap();
    std::fs::write(&path, text).unwrap();
    until_found(&lab, "", "nothing");

    put(&client, "web/1.zip", one).await;
    put(&client, "elsewhere/9.zip", vec![1]).await;
    let watched = until_found(&lab, "s3://shop/web/1.zip?etag=", "deployed");
    let id = watched["found"]["deployment"].as_str().unwrap().to_owned();
    assert_eq!(lab.wait_for_end(&id), "Succeeded");
    let installed = || std::fs::read_to_string(lab.root("web-1").join("srv/app/version"));
    assert_eq!(installed().unwrap(), "1.0");

    // Newer content under a key that was there before.
    put(&client, "web/1.zip", two).await;
    until("there are two", || lab.created_by("CodeDeploy").len() == 2);
    let made = lab.created_by("CodeDeploy");
    assert_eq!(lab.wait_for_end(&made[0]), "Succeeded");
    assert_eq!(installed().unwrap(), "2.0");
    let shown = ["revision", "show", "shop", "1", "--output", "json"];
    let shown: Value = serde_json::from_str(&lab.ok(&shown)).unwrap();
    let location = &shown["revisionLocation"]["s3Location"];
    assert!(location["version"].is_string() && location["eTag"].is_string());

    // What is no revision is told; and once it is deleted, what is left is nothing new.
    put(&client, "web/2.zip", b"no archive".to_vec()).await;
    let watched = until_found(&lab, "s3://shop/web/2.zip?etag=", "broken");
    let message = watched["found"]["message"].as_str().unwrap();
    assert!(
        message.contains("s3://shop/web/2.zip?versionId="),
        "{message}"
    );
    remove(&client, "web/2.zip").await;
    put(&client, "web/3.zip", three).await;
    until_found(&lab, "s3://shop/web/3.zip?etag=", "deployed");
    assert_eq!(lab.created_by("CodeDeploy").len(), 3);
    assert_eq!(
        lab.wait_for_end(&lab.created_by("CodeDeploy")[0]),
        "Succeeded"
    );
    assert_eq!(installed().unwrap(), "3.0");
}
