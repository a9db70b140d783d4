//! What is asked, of whom, and what is kept.

use cutover::store::bundles::Bundles;
use serde_json::json;

use crate::world::{COMMIT, SECRET, World, archive};

const GITHUB: &str =
    "[{ name: acme, from: { github: { of: acme, address: '{server}/api/v3', token: reader } } }]";

#[test]
fn a_commit_on_github_with_a_token_that_stays_there() {
    let world = World::new(GITHUB);
    let bytes = archive("acme-shop-7fd1a60", "appspec.yml");
    let path = format!("/api/v3/repos/acme/shop/tarball/{COMMIT}");
    let there = format!("/acme/shop/legacy.tar.gz/{COMMIT}?token=AVJNOQH4MWGOSQK3");
    let head = format!("302 Found\r\nLocation: {}", world.elsewhere.url(&there));
    world.server.answers(&path, &head, b"");
    let head = "200 OK\r\nContent-Type: application/x-gzip\r\nContent-Disposition: attachment; filename=acme-shop-7fd1a60.tar.gz";
    world.elsewhere.answers(&there, head, &bytes);

    let source = format!("github:acme/shop@{COMMIT}");
    let said = world.push(&source);
    let digest = Bundles::digest(&*bytes).unwrap();
    let length = bytes.len();
    assert_eq!(
        said.trim(),
        format!("shop-7fd1a60  {digest}  {length} bytes")
    );

    let [asked] = &world.server.seen()[..] else {
        panic!("asked more than once");
    };
    assert_eq!(asked.line, format!("GET {path}"));
    assert_eq!(asked.header("authorization"), format!("Bearer {SECRET}"));
    assert_eq!(asked.header("accept"), "application/vnd.github+json");
    assert_eq!(asked.header("x-github-api-version"), "2022-11-28");
    assert!(asked.header("user-agent").starts_with("cutover/"));
    let [led] = &world.elsewhere.seen()[..] else {
        panic!("asked more than once");
    };
    assert_eq!(led.line, format!("GET {there}"));
    assert_eq!(led.header("authorization"), "");

    // What is kept is what was sent, and hosts find the AppSpec in the folder at its top.
    assert_eq!(world.bundles(), [digest.to_string()]);
    let shown = world.json(&["revision", "show", "shop", "shop-7fd1a60"]);
    assert_eq!(
        shown["revisionLocation"],
        json!({
            "revisionType": "GitHub",
            "gitHubLocation": { "repository": "acme/shop", "commitId": COMMIT },
        })
    );
    let from = &shown["revisionInfo"]["description"];
    assert_eq!(*from, format!("fetched from {source}"));
    let trail = world.json(&["audit"]);
    let asked = &trail["entries"][0];
    assert_eq!(asked["what"]["type"], "fetch", "{trail}");
    assert_eq!(asked["what"]["source"], source);
    assert_eq!(asked["outcome"], "asked");
    assert_eq!(trail["entries"][1]["outcome"], "done");
    for word in [SECRET, "AVJNOQH4MWGOSQK3"] {
        assert!(!world.has_kept(word), "{word}");
    }
}

#[test]
fn a_commit_on_bitbucket() {
    let world =
        World::new("[{ name: bb, from: { bitbucket: { address: '{server}', token: reader } } }]");
    let path = format!("/acme/shop/get/{COMMIT}.tar.gz");
    let bytes = archive("acme-shop-7fd1a60b01f9", "appspec.yaml");
    // On the same server the token goes along.
    world
        .server
        .answers(&path, "302 Found\r\nLocation: /files/1", b"");
    world.server.answers("/files/1", "200 OK", &bytes);
    let said = world.push(&format!("bitbucket:acme/shop@{}", COMMIT.to_uppercase()));
    assert!(said.starts_with("shop-7fd1a60  "), "{said}");
    let seen = world.server.seen();
    let lines: Vec<&str> = seen.iter().map(|one| one.line.as_str()).collect();
    assert_eq!(lines, [format!("GET {path}").as_str(), "GET /files/1"]);
    for one in &seen {
        assert_eq!(one.header("authorization"), format!("Bearer {SECRET}"));
        assert_eq!(one.header("x-github-api-version"), "");
    }
    let shown = world.json(&["revision", "show", "shop", "shop-7fd1a60"]);
    assert_eq!(shown["revisionLocation"], json!(null));
}

#[test]
fn an_archive_at_an_address_with_headers_for_those_below_an_entry_alone() {
    let world = World::new(
        "[{ name: files, from: { http: { address: '{server}/ours/', headers: { X-Team: shop, X-Key: { secret: reader } } } } }]",
    );
    let bytes = archive("shop", "appspec.yml");
    world
        .server
        .answers("/ours/shop-1.8.0.tar.gz?x=1", "200 OK", &bytes);
    world
        .server
        .answers("/other/shop-1.9.0.tgz", "200 OK", &bytes);
    let said = world.push(&world.server.url("/ours/shop-1.8.0.tar.gz?x=1"));
    assert!(said.starts_with("shop-1.8.0  "), "{said}");
    let said = world.push(&world.server.url("/other/shop-1.9.0.tgz"));
    assert!(said.starts_with("shop-1.9.0  "), "{said}");
    let seen = world.server.seen();
    assert_eq!(
        (seen[0].header("x-team"), seen[0].header("x-key")),
        ("shop", SECRET)
    );
    assert_eq!(
        (seen[1].header("x-team"), seen[1].header("x-key")),
        ("", "")
    );
    // The same bytes are the same revision, under another name now.
    assert_eq!(world.bundles().len(), 1);
    assert!(!world.has_kept(SECRET));

    let output = world.run(&[
        "push",
        "shop",
        &world.server.url("/other/shop-1.9.0.tgz"),
        "--label",
        "2.0",
    ]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("2.0  "), "{said}");
}
