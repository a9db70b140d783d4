//! Groups that follow an address: what appears there is deployed, once, when it may be.

use std::fmt::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::lab::{Lab, until};
use crate::places::PLACE;
use crate::server::Server;

const PATH: &str = "/app.tar.gz";

struct Site {
    lab: Lab,
    server: Server,
}

/// A bundle with this in it; without an `AppSpec` it is none.
fn bundle(version: &str, file: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    let appspec =
        "version: 0.0\nos: linux\nfiles:\n  - source: version\n    destination: /srv/app\n";
    for (name, text) in [(file, appspec), ("version", version)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

impl Site {
    /// A lab whose group `production` follows an address.
    fn up() -> Self {
        let site = Self {
            lab: Lab::up(1),
            server: Server::start(),
        };
        site.lab.project(&["web-1"], "{}");
        site.lab.group("production", "role", "web", "");
        let path = site.lab.folder().join("cutover.yaml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        let address = site.server.url(PATH);
        write!(
            text,
            "automaticDeployments:\n  - {{ application: shop, group: production, from: '{address}', intervalSeconds: 5 }}\n"
        )
        .unwrap();
        std::fs::write(path, text).unwrap();
        site
    }

    /// Something else is at the address from now on.
    fn publish(&self, version: &str) {
        self.publish_as(version, "appspec.yml");
    }

    fn publish_as(&self, version: &str, file: &str) {
        let head = format!("200 OK\r\nETag: \"{version}\"");
        self.server.answers(PATH, &head, &bundle(version, file));
    }

    /// What was seen there last.
    fn watched(&self) -> Value {
        let shown = ["group", "show", "shop", "production", "--output", "json"];
        let shown: Value = serde_json::from_str(&self.lab.ok(&shown)).unwrap();
        shown["watched"].clone()
    }

    /// Waits until this came of what was seen under this mark.
    fn until_found(&self, version: &str, found: &str) -> Value {
        let mark = format!("etag: \"{version}\"");
        until(&format!("{version} is {found}"), || {
            let watched = self.watched();
            watched["mark"] == *mark && watched["found"]["type"] == found
        });
        self.watched()
    }

    /// Waits until somebody has looked at what is there, and again after that.
    fn until_looked(&self) {
        self.server.seen();
        let looks = std::cell::Cell::new(0);
        until("it is looked at", || {
            looks.set(looks.get() + self.server.seen().len());
            looks.get() > 1
        });
    }

    /// The deployments that it made, newest first.
    fn made(&self) -> Vec<String> {
        self.lab.created_by("CodeDeploy")
    }

    fn installed(&self) -> String {
        let file = self.lab.root("web-1").join("srv/app/version");
        std::fs::read_to_string(file).unwrap()
    }
}

#[test]
fn what_appears_at_an_address_is_deployed_once_whoever_was_there() {
    let site = Site::up();
    site.publish("v1");
    // What is there when it begins is not new.
    site.until_found("v1", "nothing");
    assert!(site.made().is_empty());
    site.publish("v2");
    let watched = site.until_found("v2", "deployed");
    let [first] = &site.made()[..] else {
        panic!("one: {:?}", site.made());
    };
    assert_eq!(watched["found"]["deployment"], **first);
    assert_eq!(site.lab.wait_for_end(first), "Succeeded");
    assert_eq!(site.installed(), "v2");
    let shown = site.lab.show(first);
    let description = format!("new at {}", site.server.url(PATH));
    assert_eq!(shown["deploymentInfo"]["description"], description);
    // Only what is something else is asked for.
    site.until_looked();
    let head = "304 Not Modified\r\nETag: \"v2\"";
    site.server.answers(PATH, head, b"");
    site.until_looked();
    until("it is asked for", || {
        let seen = site.server.seen();
        seen.iter()
            .any(|one| one.header("if-none-match") == "\"v2\"")
    });
    assert_eq!(site.made().len(), 1);

    // What comes while nobody is there is not lost.
    site.lab.kill_orchestrator();
    site.publish("v3");
    site.until_found("v3", "deployed");
    assert_eq!(site.made().len(), 2);
    let text = site.lab.ok(&["group", "show", "shop", "production"]);
    assert!(text.contains("looked at every 5 s"), "{text}");
    assert!(text.contains("deploys it (etag: \"v3\")"), "{text}");
    assert!(text.contains("last looked    2"), "{text}");
    assert!(!text.contains("last error"), "{text}");

    // A look that fails is told at once, long before it is a fact.
    site.server.answers(PATH, "403 Forbidden", b"");
    until("the failed look is told", || {
        let text = site.lab.ok(&["group", "show", "shop", "production"]);
        text.contains("last error") && text.contains("deploys it (etag: \"v3\")")
    });
}

#[test]
fn a_crash_before_it_is_noted_deploys_nothing_twice() {
    let site = Site::up();
    site.publish("v1");
    let mut dies = site.lab.command(&["list"]);
    // It notes what is there at first, and then that it has deployed.
    dies.env("CUTOVER_CRASH_AT", format!("{PLACE}:2"));
    assert!(dies.output().unwrap().status.success());
    site.until_found("v1", "nothing");
    site.publish("v2");
    site.lab.wait_until_nobody_orchestrates();
    assert_eq!(site.made().len(), 1);
    until("it is noted", || site.watched()["mark"] == "etag: \"v2\"");
    assert_eq!(site.made().len(), 1);
    assert_eq!(site.lab.wait_for_end(&site.made()[0]), "Succeeded");
}

#[test]
fn it_waits_for_a_freeze_and_for_others_and_takes_the_newest() {
    let site = Site::up();
    site.publish("v1");
    site.until_found("v1", "nothing");
    let freeze = ["freeze", "shop", "--reason", "sale", "--for", "1h"];
    site.lab.ok(&freeze);
    for version in ["v2", "v3"] {
        site.publish(version);
        site.until_looked();
    }
    assert!(site.made().is_empty());
    site.lab.ok(&["thaw", "shop"]);
    site.until_found("v3", "deployed");
    let [made] = &site.made()[..] else {
        panic!("one: {:?}", site.made());
    };
    assert_eq!(site.lab.wait_for_end(made), "Succeeded");
    assert_eq!(site.installed(), "v3");

    // Somebody else's deployment, whose host says nothing for a while.
    site.lab.push("1.0", "0", None);
    site.lab.signal_agent("web-1", Signal::SIGSTOP);
    let other = site.lab.ok(&["deploy", "shop", "production", "1.0"]);
    for version in ["v4", "v5"] {
        site.publish(version);
        site.until_looked();
    }
    assert_eq!(site.made().len(), 1);
    site.lab.signal_agent("web-1", Signal::SIGCONT);
    assert_eq!(site.lab.wait_for_end(&other), "Succeeded");
    site.until_found("v5", "deployed");
    assert_eq!(site.made().len(), 2);
}

#[test]
fn what_is_broken_is_told_once_and_the_next_is_deployed() {
    let site = Site::up();
    site.publish("v1");
    site.until_found("v1", "nothing");
    site.publish_as("v2", "read.me");
    let watched = site.until_found("v2", "broken");
    let message = watched["found"]["message"].as_str().unwrap();
    assert!(message.contains("has no appspec.yml"), "{message}");
    site.until_looked();
    site.lab.kill_orchestrator();
    assert_eq!(site.watched(), watched);
    site.until_looked();
    assert_eq!(site.watched(), watched);
    let log = std::fs::read_to_string(site.lab.folder().join(".state/serve.log")).unwrap();
    assert_eq!(log.matches("what appeared is not deployed").count(), 1);
    assert!(site.made().is_empty());
    site.publish("v3");
    site.until_found("v3", "deployed");
}

#[test]
fn what_nobody_can_follow_is_refused_or_told() {
    let site = Site::up();
    let path = site.lab.folder().join("cutover.yaml");
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, words) in [
        (
            "intervalSeconds: 5",
            "intervalSeconds: 4",
            "every 5 seconds at most",
        ),
        (
            "group: production",
            "group: prodution",
            "there is no deployment group",
        ),
        ("from: 'http:", "from: 'ftp:", "is no source"),
        ("application: shop", "aplication: shop", "aplication"),
    ] {
        std::fs::write(&path, good.replace(from, to)).unwrap();
        let output = site.lab.run(&["check"]);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
    std::fs::write(&path, &good).unwrap();
    site.publish("v1");
    site.until_found("v1", "nothing");
    site.server.answers(PATH, "200 OK", b"x");
    let watched = site.until_found("v1", "unread");
    let message = watched["found"]["message"].as_str().unwrap();
    assert!(
        message.contains("neither an ETag nor a Last-Modified"),
        "{message}"
    );
    // Back again, it is told, too.
    site.publish("v1");
    site.until_found("v1", "nothing");
}
