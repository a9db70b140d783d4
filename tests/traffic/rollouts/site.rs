//! Agents, an orchestrator, an application on each host and a real `HAProxy` before them.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::backend::Backend;
use crate::haproxy::running::Running;
use crate::lab::Lab;

/// A tenth of the traffic first, and the rest half an hour later.
const SHIFTING: &str = "deploymentConfigName: shifting
minimumHealthyHosts: { type: HOST_COUNT, value: 0 }
trafficRoutingConfig: { type: TimeBasedCanary, timeBasedCanary: { canaryPercentage: 10, canaryInterval: 30 } }
";

pub struct Site {
    pub lab: Lab,
    pub apps: Vec<Backend>,
    pub haproxy: Running,
}

impl Site {
    /// So many hosts, of which the last `green` are a replacement, which serves nothing yet.
    pub async fn up(hosts: usize, green: usize) -> Self {
        let lab = Lab::up(hosts);
        let mut apps = Vec::new();
        let mut servers = Vec::new();
        for n in 1..=hosts {
            let name = format!("web-{n}");
            let down = lab.root(&name).join("down");
            let side = if n > hosts - green { "green" } else { "blue" };
            let app = Backend::start_beside(&format!("{side} {name}"), Some(down)).await;
            let disabled = if side == "green" { " disabled" } else { "" };
            servers.push(format!("{name} {}{disabled}", app.address));
            apps.push(app);
        }
        let haproxy = Running::start(&servers).await;
        let site = Self { lab, apps, haproxy };
        site.project(hosts - green);
        site.lab.push_down("1.0");
        site
    }

    /// `cutover.yaml` with the load balancer, the groups' documents, and where each host serves.
    fn project(&self, blue: usize) {
        let mut text = format!(
            "name: lab\nsettings:\n  stateDirectory: .state\nconnections:\n  loadBalancers:\n    - name: web\n      drainSeconds: 20\n      provider:\n        haproxy: {{ address: '{}', backend: app }}\nhosts:\n",
            self.haproxy.api
        );
        for (at, app) in self.apps.iter().enumerate() {
            let name = format!("web-{}", at + 1);
            let ready = self.lab.folder().join("hosts").join(&name).join("ready");
            let address = std::fs::read_to_string(ready).unwrap();
            let side = if at < blue { "blue" } else { "green" };
            writeln!(
                text,
                "  - {{ name: {name}, address: '{}', tags: {{ role: web, side: {side} }}, endpoints: {{ web: '{}' }} }}",
                address.trim(),
                app.address
            )
            .unwrap();
        }
        std::fs::write(self.lab.folder().join("cutover.yaml"), text).unwrap();
        let shifting = self.lab.folder().join("configurations");
        std::fs::create_dir_all(&shifting).unwrap();
        std::fs::write(shifting.join("shifting.yaml"), SHIFTING).unwrap();
        let style = |kind: &str| {
            format!(
                "deploymentStyle: {{ deploymentType: {kind}, deploymentOption: WITH_TRAFFIC_CONTROL }}\nloadBalancerInfo: {{ targetGroupInfoList: [{{ name: web }}] }}\n"
            )
        };
        self.lab
            .group("rolling", "side", "blue", &style("IN_PLACE"));
        let options = "blueGreenDeploymentConfiguration:\n  deploymentReadyOption: { actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }\n  greenFleetProvisioningOption: { action: DISCOVER_EXISTING }\n  terminateBlueInstancesOnDeploymentSuccess: { action: KEEP_ALIVE }\ndeploymentConfigName: CodeDeployDefault.AllAtOnce\n";
        let both = format!("{}{options}", style("BLUE_GREEN"));
        self.lab.group("swap", "side", "blue", &both);
    }
}

impl Lab {
    /// Registers a revision under which a host's application is down from `ApplicationStop` to `ValidateService`.
    pub fn push_down(&self, label: &str) {
        let folder = self.revision(label, "0", None);
        let hook = "#!/bin/sh\ncase $LIFECYCLE_EVENT in\n  ApplicationStop|BeforeInstall) touch \"$INSTALL_ROOT/down\" ;;\n  ValidateService) rm -f \"$INSTALL_ROOT/down\" ;;\nesac\n";
        let path: PathBuf = folder.join("hook.sh");
        std::fs::write(path, hook).unwrap();
        self.ok(&["push", "shop", folder.to_str().unwrap(), "--label", label]);
    }
}
