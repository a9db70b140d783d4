//! `cutover hosts`: what agents say about their hosts, as people and programs read it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Output;

use cutover::agent::facts::LeastFree;
use cutover::agent::{Config, serve};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::lab::{Lab, cutover, until};

fn json(text: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).unwrap();
    value["hosts"].as_array().unwrap().clone()
}

#[test]
fn what_was_installed_is_shown_and_a_silent_host_with_what_it_last_said() {
    let lab = Lab::up(2);
    let path = lab.revision("1.0", "0", None);
    lab.ok(&["push", "shop", path.to_str().unwrap(), "--label", "1.0"]);
    let before = json(&lab.ok(&["hosts", "--output", "json"]));
    assert_eq!(before.len(), 2);
    assert_eq!(
        before[0]["status"]["agent"]["facts"]["installed"],
        serde_json::json!([])
    );
    let output = lab.run(&["deploy", "shop", "production", "1.0", "--wait"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();

    let hosts = || json(&lab.ok(&["hosts", "--output", "json"]));
    until("both say what is installed", || {
        hosts().iter().all(|host| {
            let facts = &host["status"]["agent"]["facts"];
            facts["installed"][0]["revision"]["label"] == "1.0"
                && facts["running"] == serde_json::json!([])
        })
    });
    let host = &hosts()[0];
    let facts = &host["status"]["agent"]["facts"];
    let installed = &facts["installed"][0];
    assert_eq!(installed["applicationName"], "shop");
    assert_eq!(installed["deploymentGroupName"], "production");
    assert_eq!(installed["deploymentId"], id.as_str());
    assert_eq!(
        host["status"]["agent"]["version"],
        env!("CARGO_PKG_VERSION")
    );
    // Agent and orchestrator have the same clock here.
    assert_eq!(host["status"]["agent"]["clockOffset"], 0);

    let table = lab.ok(&["hosts"]);
    let os = facts["os"]["name"].as_str().unwrap();
    let row = table.lines().nth(1).unwrap();
    for part in ["web-1", os, "shop/production 1.0", "role=web stage=staging"] {
        assert!(row.contains(part), "{part}: {table}");
    }
    let details = lab.ok(&["hosts", "web-2"]);
    for part in ["web-2\n", "zone b", os, "1.0", id.as_str(), "free"] {
        assert!(details.contains(part), "{part}: {details}");
    }
    let unknown = lab.run(&["hosts", "wbe-2"]);
    assert_eq!(unknown.status.code(), Some(2));
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        told.contains("there is no host wbe-2: did you mean web-2?"),
        "{told}"
    );

    let record = std::fs::read(lab.folder().join("lab.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let agent = record["agents"][1]["process"]["pid"].as_i64().unwrap();
    kill(
        Pid::from_raw(i32::try_from(agent).unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    until("the second is missed", || {
        hosts()[1]["state"] == "unreachable"
    });
    let silent = &hosts()[1];
    assert_eq!(silent["problems"][0]["code"], "Unreachable");
    assert!(silent["status"]["since"].as_i64() > silent["status"]["agent"]["read"].as_i64());
    assert_eq!(
        silent["status"]["agent"]["facts"]["installed"][0]["deploymentId"],
        id.as_str()
    );
    let details = lab.ok(&["hosts", "web-2"]);
    assert!(
        details.contains("unreachable since") && details.contains("the rest as of"),
        "{details}"
    );
    assert!(details.contains("does not answer"), "{details}");
}

/// A project of the test's own, whose orchestrator ends with it.
struct Project(tempfile::TempDir);

impl Project {
    fn of(hosts: &[(&str, u16)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "name: test\nsettings:\n  stateDirectory: .state\nhosts:\n".to_owned();
        for (name, port) in hosts {
            text.push_str("  - name: ");
            text.push_str(name);
            text.push_str("\n    address: http://127.0.0.1:");
            text.push_str(&port.to_string());
            text.push('\n');
        }
        std::fs::write(folder.path().join("cutover.yaml"), text).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = cutover(self.0.path());
        command.arg("--project").arg(self.0.path()).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    fn hosts(&self) -> Vec<Value> {
        let output = self.run(&["hosts", "--output", "json"]);
        json(&String::from_utf8(output.stdout).unwrap())
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let lock = std::fs::read_to_string(self.0.path().join(".state/lock"));
        let Some(pid) = lock.ok().and_then(|text| text.trim().parse().ok()) else {
            return;
        };
        // It may have ended by itself.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let command = format!("/proc/{pid}/cmdline");
        until("the orchestrator has ended", || {
            std::fs::read(&command).unwrap_or_default().is_empty()
        });
    }
}

/// An agent in this process that finds its disk nearly full, whatever it is.
#[test]
fn a_nearly_full_disk_is_a_problem_with_numbers_and_a_remedy() {
    let scratch = tempfile::tempdir().unwrap();
    let mut config = Config::new("web-1".parse().unwrap(), scratch.path().join("agent"));
    config.install_root = Some(scratch.path().join("root"));
    config.least_free = LeastFree {
        percent: 100,
        bytes: u64::MAX,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(serve(config, listener, std::future::pending()));

    // No orchestrator runs yet: the command starts one, and waits until it has asked.
    let project = Project::of(&[("web-1", port)]);
    let host = &project.hosts()[0];
    assert_eq!(host["state"], "problem", "{host:#}");
    let problem = &host["problems"][0];
    assert_eq!(problem["code"], "DiskNearlyFull");
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("iB are free") && message.contains(scratch.path().to_str().unwrap()));
    assert!(project.text(&["hosts"]).contains(message));
    let details = project.text(&["hosts", "web-1"]);
    assert!(
        details.contains(problem["remedy"].as_str().unwrap()),
        "{details}"
    );
}

/// Answers every request as an agent did before there were facts.
fn older_agent(listener: &TcpListener) {
    for connection in listener.incoming() {
        let mut connection = connection.unwrap();
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            line.clear();
        }
        let body = r#"{"name":"web-1","agentId":"x","version":"0.0.9","seq":0}"#;
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        // Whoever asked may have gone.
        let _ = connection.write_all(format!("{head}{body}").as_bytes());
    }
}

#[test]
fn an_older_agent_reports_no_facts_and_another_host_is_not_there() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || older_agent(&listener));
    // Bound and closed again: nobody listens there.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let closed = nobody.local_addr().unwrap().port();
    drop(nobody);
    let project = Project::of(&[("web-1", port), ("web-2", closed)]);
    let hosts = project.hosts();
    assert_eq!(hosts[0]["state"], "ok", "{:#}", hosts[0]);
    assert_eq!(hosts[0]["status"]["agent"]["version"], "0.0.9");
    assert_eq!(hosts[0]["status"]["agent"]["facts"], Value::Null);
    assert_eq!(hosts[1]["state"], "unreachable");
    assert_eq!(hosts[1]["status"]["agent"], Value::Null);
    assert!(
        project
            .text(&["hosts", "web-1"])
            .contains("reports no facts")
    );
}
