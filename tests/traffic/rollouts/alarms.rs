//! An alarm during blue/green: while it waits for the reroute, and while traffic moves.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use super::front::Kind;
use super::site::Site;
use crate::load::{Connections, Load};

impl Site {
    /// Gives the blue/green group an alarm with this source, read as often as this, and a rollback. The next command reads
    /// that.
    pub fn watch(&self, name: &str, seconds: u64, source: &str) {
        let folder = self.lab.folder();
        let document = folder.join("cutover.yaml");
        let text = std::fs::read_to_string(&document).unwrap();
        let alarms = format!(
            "connections:\n  alarms: [{{ name: {name}, intervalSeconds: {seconds}, source: {source} }}]\n"
        );
        std::fs::write(document, text.replace("connections:\n", &alarms)).unwrap();
        let group = folder.join("applications/shop/swap.yaml");
        let mut text = std::fs::read_to_string(&group).unwrap();
        writeln!(
            text,
            "alarmConfiguration: {{ enabled: true, alarms: [{{ name: {name} }}] }}"
        )
        .unwrap();
        text.push_str(
            "autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_STOP_ON_ALARM] }\n",
        );
        std::fs::write(group, text).unwrap();
        self.lab.kill_orchestrator();
    }

    /// An alarm whose state is the exit code in the file `disk` of the project's folder.
    fn watch_a_file(&self) {
        self.alarm(0);
        let source = "{ command: { run: [sh, -c, 'echo full; exit $(cat disk)'] } }";
        self.watch("disk", 1, source);
    }

    fn alarm(&self, code: u8) {
        let folder = self.lab.folder();
        std::fs::write(folder.join("new"), code.to_string()).unwrap();
        std::fs::rename(folder.join("new"), folder.join("disk")).unwrap();
    }

    /// What is known of a deployment that its alarm has stopped.
    pub fn stopped(&self, id: &str) -> serde_json::Value {
        assert_eq!(self.lab.wait_for_end(id), "Stopped");
        let info = self.lab.show(id)["deploymentInfo"].clone();
        assert_eq!(info["errorInformation"]["code"], "ALARM_ACTIVE");
        info
    }
}

const DEPLOY: [&str; 6] = [
    "deploy",
    "shop",
    "swap",
    "2.0",
    "--replacement",
    "side=green",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_while_traffic_moves_gives_the_original_its_traffic_back() {
    let site = Site::up(Kind::HaProxy, 2, 2).await;
    site.watch_a_file();
    let load = Load::start(site.front.address(), "/?ms=2", 200, Connections::Kept);
    let lab = &site.lab;
    // Each instance takes a while after its traffic has come.
    let folder = lab.revision("2.0", "0", None);
    let appspec = folder.join("appspec.yml");
    let mut text = std::fs::read_to_string(&appspec).unwrap();
    text.push_str("  AfterAllowTraffic:\n    - location: linger.sh\n");
    std::fs::write(appspec, text).unwrap();
    let linger = folder.join("linger.sh");
    std::fs::write(&linger, "#!/bin/sh\nsleep 5\n").unwrap();
    std::fs::set_permissions(linger, std::fs::Permissions::from_mode(0o755)).unwrap();
    lab.ok(&["push", "shop", folder.to_str().unwrap(), "--label", "2.0"]);

    let one = ["--config", "CodeDeployDefault.OneAtATime"];
    let id = lab.ok(&[&DEPLOY[..], &one].concat());
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    lab.ok(&["reroute", &id]);
    load.until(|count| count.answers.keys().any(|name| name.starts_with("green")))
        .await;
    site.alarm(1);
    let info = site.stopped(&id);
    let back = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap();
    assert_eq!(lab.wait_for_end(back), "Succeeded");
    let after = load.next(100).await;
    assert!(
        (after.share("blue") - 1.0).abs() < f64::EPSILON,
        "{after:?}"
    );
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_counts_while_it_waits_for_the_reroute() {
    let site = Site::up(Kind::HaProxy, 1, 1).await;
    site.watch_a_file();
    let load = Load::start(site.front.address(), "/?ms=2", 100, Connections::Kept);
    let lab = &site.lab;
    lab.push_down("2.0");
    let id = lab.ok(&DEPLOY);
    lab.wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
    let shown = lab.ok(&["alarms", "disk", "--output", "json"]);
    assert!(shown.contains("\"watched\": true"), "{shown}");
    site.alarm(1);
    let info = site.stopped(&id);
    let why = info["rollbackInfo"]["rollbackMessage"].as_str().unwrap();
    assert_eq!(why, "no traffic had moved, so the original has all of it");
    let after = load.next(100).await;
    assert!(
        (after.share("blue") - 1.0).abs() < f64::EPSILON,
        "{after:?}"
    );
    assert_eq!(load.count().failed(), 0, "{:?}", load.count());
}
