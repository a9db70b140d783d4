//! A lab whose group copies a fleet: an operator's program that starts agents on loopback.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::backend::Backend;
use crate::haproxy::running::Running;
use crate::lab::{Lab, until};

/// How many instances the fleet can ever have.
const INSTANCES: usize = 8;

pub struct Grounds {
    pub lab: Lab,
    pub haproxy: Running,
    apps: Vec<Backend>,
    hosts: String,
}

impl Grounds {
    /// Two hosts of `cutover.yaml`, which have the traffic, and a fleet that is the program next door.
    pub async fn up() -> Self {
        let lab = Lab::up(2);
        let mut apps = Vec::new();
        let mut servers = Vec::new();
        let mut hosts = String::new();
        for n in 1..=2 {
            let name = format!("web-{n}");
            let app = Backend::start_beside(&name, Some(lab.root(&name).join("down"))).await;
            servers.push(format!("{name} {}", app.address));
            let ready = lab.folder().join("hosts").join(&name).join("ready");
            let address = std::fs::read_to_string(ready).unwrap();
            writeln!(
                hosts,
                "  - {{ name: {name}, address: '{}', tags: {{ role: web }}, endpoints: {{ web: '{}' }} }}",
                address.trim(),
                app.address
            )
            .unwrap();
            apps.push(app);
        }
        let haproxy = Running::start(&servers).await;
        let mut grounds = Self {
            lab,
            haproxy,
            apps,
            hosts,
        };
        grounds.found().await;
        grounds.project(
            "command: { provision: [../fleet/fleet.sh], terminate: [../fleet/fleet.sh] }",
            "",
        );
        grounds.group("TERMINATE", 0);
        grounds.lab.push_down("1.0");
        grounds
    }

    pub fn fleet(&self) -> PathBuf {
        self.lab.folder().parent().unwrap().join("fleet")
    }

    /// The fleet's folder, and where its instances will serve.
    async fn found(&mut self) {
        std::fs::create_dir(self.fleet()).unwrap();
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_cutover"));
        let text = include_str!("fleet.sh")
            .replace("cutover agent", &format!("{} agent", program.display()));
        self.script("fleet.sh", &text);
        let mut endpoints = String::new();
        for n in 1..=INSTANCES {
            let name = format!("f-{n}");
            let app = Backend::start_beside(&name, Some(self.lab.root(&name).join("down"))).await;
            writeln!(endpoints, "{name} {}", app.address).unwrap();
            self.apps.push(app);
        }
        std::fs::write(self.fleet().join("endpoints"), endpoints).unwrap();
    }

    /// An executable file in the fleet's folder.
    pub fn script(&self, name: &str, text: &str) {
        let path = self.fleet().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes `cutover.yaml` with this provider of the fleet, and more of the fleet's lines.
    pub fn project(&self, provider: &str, more: &str) {
        let text = format!(
            "name: lab\nsettings:\n  stateDirectory: .state\nsecrets: {{ token: {{ file: token }} }}\nconnections:\n  loadBalancers:\n    - name: web\n      drainSeconds: 20\n      provider:\n        haproxy: {{ address: '{}', backend: app, addServers: true }}\n  fleets:\n    - name: pool\n{more}      provider:\n        {provider}\nhosts:\n{}",
            self.haproxy.api, self.hosts
        );
        std::fs::write(self.lab.folder().join("cutover.yaml"), text).unwrap();
    }

    /// Writes the group: rerouted at once, then this becomes of the original after so many minutes.
    pub fn group(&self, action: &str, minutes: u32) {
        let text = format!(
            "deploymentStyle: {{ deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }}\nloadBalancerInfo: {{ targetGroupInfoList: [{{ name: web }}] }}\ndeploymentConfigName: CodeDeployDefault.AllAtOnce\nautoScalingGroups: [pool]\nblueGreenDeploymentConfiguration:\n  greenFleetProvisioningOption: {{ action: COPY_AUTO_SCALING_GROUP }}\n  terminateBlueInstancesOnDeploymentSuccess: {{ action: {action}, terminationWaitTimeInMinutes: {minutes} }}\n"
        );
        self.lab.group("swap", "role", "web", &text);
    }

    /// Edited documents are read soon; by another orchestrator at once.
    pub fn reread(&self) {
        self.lab.kill_orchestrator();
    }

    pub fn deploy(&self) -> String {
        self.lab.ok(&["deploy", "shop", "swap", "1.0"])
    }

    /// Waits until a deployment has succeeded.
    pub fn succeeds(&self, id: &str) {
        let status = self.lab.wait_for_end(id);
        assert_eq!(status, "Succeeded", "{}", self.lab.ok(&["show", id]));
    }

    /// The lines of a file that the fleet writes.
    pub fn noted(&self, file: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.fleet().join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Has the fleet's program wait where it looks for this file.
    pub fn hold(&self, file: &str) {
        std::fs::write(self.fleet().join(file), "").unwrap();
    }

    pub fn let_go(&self, file: &str) {
        std::fs::remove_file(self.fleet().join(file)).unwrap();
    }

    /// The names of the project's hosts.
    pub fn hosts(&self) -> Vec<String> {
        let text = self.lab.ok(&["hosts", "--output", "json"]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let hosts = value["hosts"].as_array().unwrap().iter();
        hosts
            .map(|host| host["host"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until the fleet has noted this.
    pub fn until_noted(&self, file: &str, lines: usize) {
        until("the fleet has noted it", || self.noted(file).len() >= lines);
    }
}

impl Drop for Grounds {
    fn drop(&mut self) {
        for n in 1..=INSTANCES {
            let file = self.fleet().join(format!("f-{n}.pid"));
            let pid = std::fs::read_to_string(file).unwrap_or_default();
            if let Ok(pid) = pid.trim().parse() {
                // It may have ended by itself.
                let _gone = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        }
    }
}
