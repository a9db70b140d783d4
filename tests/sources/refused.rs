//! What can't be had: one sentence that says what to do, and nothing is left behind.

use crate::world::{COMMIT, SECRET, World, archive};

const SOURCES: &str = "[{ name: acme, from: { github: { of: acme, address: '{server}', token: reader } } }, \
                       { name: all, from: { github: { address: '{server}' } } }]";

/// Answers of GitHub's API, with what has to be said about them to somebody with a token and to somebody without.
const ANSWERS: [(&str, &str, &str, &str); 9] = [
    (
        "401 Unauthorized\r\nContent-Type: application/json; charset=utf-8",
        r#"{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}"#,
        "GitHub does not take the token reader (401 Unauthorized): it has expired or was revoked",
        "give it a token below connections.sources of cutover.yaml",
    ),
    (
        "403 Forbidden\r\nX-RateLimit-Remaining: 4999",
        r#"{"message":"Resource not accessible by personal access token","status":"403"}"#,
        "the token reader may not read the commit",
        "GitHub does not give the commit",
    ),
    (
        "403 rate limit exceeded\r\nX-RateLimit-Limit: 60\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1",
        r#"{"message":"API rate limit exceeded for 192.0.2.1."}"#,
        "GitHub takes no more requests for now (403 Forbidden): try again later",
        "try again later, or give it a token below connections.sources",
    ),
    (
        "403 Forbidden\r\nRetry-After: 60",
        r#"{"message":"You have exceeded a secondary rate limit."}"#,
        "try again in 60 s",
        "try again in 60 s, or give it a token",
    ),
    (
        "429 Too Many Requests\r\nRetry-After: 600",
        "",
        "try again in 10 minutes",
        "try again in 10 minutes, or give it a token",
    ),
    (
        "404 Not Found",
        r#"{"message":"Not Found","documentation_url":"https://docs.github.com/rest/repos/contents","status":"404"}"#,
        "or hides it from the token reader (404 Not Found): check how it is written",
        "or hides it (404 Not Found): check how it is written, and give it a token",
    ),
    (
        "502 Bad Gateway",
        "<html>Unicorn!</html>",
        "GitHub can't serve it at the moment (502 Bad Gateway): try again",
        "try again",
    ),
    (
        "422 Unprocessable Entity",
        r#"{"message":"No commit found for SHA"}"#,
        "GitHub answers 422 Unprocessable Entity to who asks for the commit",
        "check how it is written",
    ),
    (
        "302 Found",
        "",
        "GitHub leads to another address, and does not say which",
        "GitHub leads to another address",
    ),
];

#[test]
fn every_refusal_says_what_to_do() {
    let world = World::new(SOURCES);
    for (head, body, with_token, without) in ANSWERS {
        for (owner, words) in [("acme", with_token), ("others", without)] {
            let path = format!("/repos/{owner}/shop/tarball/{COMMIT}");
            world.server.answers(&path, head, body.as_bytes());
            let said = world.refused(&format!("github:{owner}/shop@{COMMIT}"));
            assert!(said.contains(words), "{head}: {said}");
            assert!(!said.contains(SECRET), "{said}");
            let seen = world.server.seen();
            assert_eq!(seen.len(), 1, "{head}");
            assert_eq!(
                seen[0].header("authorization").is_empty(),
                owner == "others"
            );
        }
    }
    assert_eq!(world.bundles(), [""; 0]);
    assert!(!world.has_kept(SECRET));
}

#[test]
fn what_is_no_archive_leaves_nothing_behind() {
    let world = World::new("[]");
    let no_appspec = archive("shop", "read.me");
    let long = "5 GiB\r\nContent-Length: 5368709120";
    let long = long.replace("5 GiB", "200 OK");
    let cut = "200 OK\r\nContent-Length: 100000";
    let page = "200 OK\r\nContent-Type: text/html; charset=utf-8";
    for (path, head, body, words) in [
        (
            "/page",
            page,
            &b"<html>log in</html>"[..],
            "answers a web page and no archive",
        ),
        ("/long", &long, b"x", "sends more than 4 GiB"),
        ("/cut", cut, &no_appspec, "broke off"),
        ("/text", "200 OK", b"hello", "/text: "),
        ("/empty", "200 OK", b"", "/empty: "),
        ("/bare", "200 OK", &no_appspec, "/bare has no appspec.yml"),
        ("/half", "200 OK", &no_appspec[..100], "/half: "),
    ] {
        world.server.answers(path, head, body);
        let url = world.server.url(path);
        let said = world.refused(&url);
        assert!(said.contains(words), "{path}: {said}");
        assert!(!said.contains(".incoming-"), "{said}");
    }
    world
        .server
        .answers("/loop", "307 Temporary Redirect\r\nLocation: /loop", b"");
    world.server.seen();
    let said = world.refused(&world.server.url("/loop"));
    assert!(said.contains("without an end"), "{said}");
    assert_eq!(world.server.seen().len(), 6);
    let said = world.refused("http://127.0.0.1:9/shop.zip");
    assert!(said.contains("127.0.0.1 can't be reached"), "{said}");
    assert_eq!(world.bundles(), [""; 0]);
    let listed = world.json(&["revision", "list", "shop"]);
    assert_eq!(listed["revisions"], serde_json::json!([]));
}

#[test]
fn what_is_written_wrongly_is_not_asked_for() {
    let world = World::new("[]");
    for (source, words) in [
        ("github:acme/shop@main", "git rev-parse main"),
        ("github:acme/shop", "OWNER/REPOSITORY@COMMIT"),
        ("https://ana:pw@files.example/a.zip", "connections.sources"),
    ] {
        let output = world.run(&["push", "shop", source]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let output = world.run(&["deploy", "shop", "production", "github:acme/shop@main"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("git rev-parse main"), "{said}");
    let url = world.server.url("/a.zip");
    let output = world.run(&["push", "shap", &url]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("shop"), "{said}");
    let output = world.run(&["--read-only", "push", "shop", &url]);
    assert!(!output.status.success());
    assert!(world.server.seen().is_empty());
}
