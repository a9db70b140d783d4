//! A real Alertmanager, for the alerts of a real Prometheus server.

use std::process::Command;

use cutover::model::timestamp::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, find, free_port};

/// What installs it, and `amtool`, which asks it.
const INSTALL: &str = "apt-get install prometheus-alertmanager";

/// An Alertmanager. It ends when this is dropped.
pub struct Alertmanager {
    folder: TempDir,
    port: u16,
    program: Program,
}

impl Alertmanager {
    /// Starts one that tells nobody.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";
        std::fs::write(folder.path().join("alertmanager.yml"), configuration).unwrap();
        let port = free_port();
        let mut command = Command::new(find("prometheus-alertmanager", INSTALL));
        command.args(["--config.file=alertmanager.yml", "--storage.path=data"]);
        // Without the second it would open a port to the world.
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.arg("--cluster.listen-address=");
        let program = Program::start(command, folder.path());
        let mut server = Self {
            folder,
            port,
            program,
        };
        let ready = format!("{}/-/ready", server.address());
        let is_ready = async || {
            let answer = reqwest::get(&ready).await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        server
            .program
            .until("Alertmanager is ready", is_ready)
            .await;
        server
    }

    pub fn address(&self) -> String {
        format!("http://{}", self.target())
    }

    /// Where Prometheus sends alerts, as its configuration writes it.
    pub fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Since when alerts of this name fire, if any does: what Prometheus has told it.
    pub async fn fires_since(&self, alert: &str) -> Option<Timestamp> {
        let alerts = format!("{}/api/v2/alerts", self.address());
        let name = format!("alertname=\"{alert}\"");
        let asked = reqwest::Client::new().get(alerts);
        let asked = asked.query(&[("filter", name)]).send().await;
        let alerts: Value = asked.unwrap().json().await.unwrap();
        let starts = alerts.as_array().unwrap().iter().map(|alert| {
            let text = alert["startsAt"].as_str().unwrap();
            let time: jiff::Timestamp = text.parse().unwrap();
            Timestamp(time.as_millisecond())
        });
        starts.min()
    }

    /// Has an operator silence an alert.
    pub fn silence(&self, alert: &str) {
        let mut command = Command::new(find("amtool", INSTALL));
        command.arg(format!("--alertmanager.url={}", self.address()));
        command.args(["silence", "add", "--author=ana", "--comment=known"]);
        let output = command.arg(format!("alertname={alert}")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// The command of `docs/alarms.md` that asks an Alertmanager, as a file below this folder; answers an alarm's source that
/// runs it.
pub fn documented(folder: &std::path::Path, server: &Alertmanager, alert: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/alarms.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let (script, _) = rest.split_once("```").unwrap();
    assert!(script.contains("amtool"), "{script}");
    let file = folder.join("checks/alertmanager");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let address = server.address();
    format!("{{ command: {{ run: [./checks/alertmanager, '{address}', {alert}] }} }}")
}
