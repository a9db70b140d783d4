//! Agents, an orchestrator, an application on each host and a real load balancer before them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::Side;
use cutover::providers::traffic::{Server, Service};
use serde_json::Value;

use super::front::{Front, Kind};
use crate::backend::Backend;
use crate::lab::{Lab, until};
use crate::load::{Connections, Count, Load};

/// A tenth of the traffic first, and the rest half an hour later.
const SHIFTING: &str = "deploymentConfigName: shifting
minimumHealthyHosts: { type: HOST_COUNT, value: 0 }
trafficRoutingConfig: { type: TimeBasedCanary, timeBasedCanary: { canaryPercentage: 10, canaryInterval: 30 } }
";

/// The original is `blue`, the replacement `green`: so are their tags, and so begin the answers of their applications.
pub struct Site {
    pub kind: Kind,
    pub lab: Lab,
    pub apps: Vec<Backend>,
    pub front: Front,
    /// How many hosts are not of the replacement.
    pub blue: usize,
    /// `settings.limits` of the project.
    pub limits: &'static str,
    /// The `provider` of the load balancer's connection.
    pub provider: String,
}

impl Site {
    /// So many hosts that serve, and so many that are a replacement, which serves nothing yet.
    pub async fn up(kind: Kind, blue: usize, green: usize) -> Self {
        let (lab, apps, servers) = hosts(blue, green).await;
        let front = Front::start(kind, &servers).await;
        Self::behind(front, kind, lab, apps, blue)
    }

    /// The same with this load balancer, which was started for what [`hosts`] made.
    pub fn behind(front: Front, kind: Kind, lab: Lab, apps: Vec<Backend>, blue: usize) -> Self {
        let site = Self {
            kind,
            lab,
            apps,
            provider: front.provider(),
            front,
            blue,
            limits: "{}",
        };
        site.document(|_| true);
        site.groups();
        site.lab.push_down("1.0");
        site
    }

    /// Has the orchestrator begin again with other limits, or another provider.
    pub fn begin_again(&self) {
        self.document(|_| true);
        self.lab.kill_orchestrator();
    }

    /// Takes a host out of the project, or puts it back, and waits until the orchestrator knows.
    pub fn list(&self, host: &str, is_there: bool) {
        self.document(|name| is_there || name != host);
        until("the orchestrator reads the document", || {
            let hosts = self.lab.ok(&["hosts", "--output", "json"]);
            hosts.contains(&format!("\"{host}\"")) == is_there
        });
    }

    /// Writes `cutover.yaml` with those of the hosts that it is to have.
    fn document(&self, has: impl Fn(&str) -> bool) {
        let mut text = format!(
            "name: lab\nsettings:\n  stateDirectory: .state\n  limits: {}\nconnections:\n  loadBalancers:\n    - name: web\n      drainSeconds: 20\n      provider:\n        {}\nhosts:\n{}",
            self.limits,
            self.provider,
            self.front.host()
        );
        for (at, app) in self.apps.iter().enumerate() {
            let name = format!("web-{}", at + 1);
            if !has(&name) {
                continue;
            }
            let ready = self.lab.folder().join("hosts").join(&name).join("ready");
            let address = std::fs::read_to_string(ready).unwrap();
            let side = if at < self.blue { "blue" } else { "green" };
            writeln!(
                text,
                "  - {{ name: {name}, address: '{}', tags: {{ role: web, side: {side} }}, endpoints: {{ web: '{}' }} }}",
                address.trim(),
                app.address
            )
            .unwrap();
        }
        std::fs::write(self.lab.folder().join("cutover.yaml"), text).unwrap();
    }

    /// `rolling` is in place, `swap` blue/green.
    fn groups(&self) {
        let folder = self.lab.folder().join("configurations");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("shifting.yaml"), SHIFTING).unwrap();
        let style = |kind: &str| {
            format!(
                "deploymentStyle: {{ deploymentType: {kind}, deploymentOption: WITH_TRAFFIC_CONTROL }}\nloadBalancerInfo: {{ targetGroupInfoList: [{{ name: web }}] }}\n"
            )
        };
        let lab = &self.lab;
        lab.group("rolling", "side", "blue", &style("IN_PLACE"));
        let options = "blueGreenDeploymentConfiguration:\n  deploymentReadyOption: { actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }\n  greenFleetProvisioningOption: { action: DISCOVER_EXISTING }\n  terminateBlueInstancesOnDeploymentSuccess: { action: KEEP_ALIVE }\ndeploymentConfigName: CodeDeployDefault.AllAtOnce\n";
        let both = format!("{}{options}", style("BLUE_GREEN"));
        lab.group("swap", "side", "blue", &both);
    }

    /// Begins a blue/green deployment with this side as the replacement, and waits until it asks for traffic.
    pub fn ready(&self, replacement: &str, configuration: &str) -> String {
        let side = format!("side={replacement}");
        let deploy = ["deploy", "shop", "swap", "1.0", "--replacement", &side];
        let id = self
            .lab
            .ok(&[&deploy[..], &["--config", configuration][..]].concat());
        self.lab
            .wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
        id
    }

    /// Lets a deployment move its traffic, which fails; answers what `show` says of it then.
    pub fn reroute_fails(&self, id: &str) -> Value {
        self.lab.ok(&["reroute", id]);
        assert_eq!(self.lab.wait_for_end(id), "Failed");
        self.lab.show(id)
    }

    /// Holds an event of a host until the answer is dropped.
    pub fn hold(&self, host: &str, event: &str) -> Held {
        let file = self.lab.root(host).join(event);
        std::fs::write(&file, "").unwrap();
        Held(file)
    }

    /// Requests of every kind of client that the load balancer serves without a loss of its own.
    pub fn load(&self) -> Clients {
        Clients::start(self.kind, self.front.address())
    }
}

impl Lab {
    /// Registers a revision, under which a host's application is down from `ApplicationStop` to `ValidateService`,
    /// and an event does not end while a file of its name is there.
    pub fn push_down(&self, label: &str) {
        let folder = self.revision(label, "0", None);
        let path = folder.join("appspec.yml");
        let mut appspec = std::fs::read_to_string(&path).unwrap();
        appspec += "  AfterAllowTraffic:\n    - location: hook.sh\n      timeout: 30\n";
        std::fs::write(path, appspec).unwrap();
        let hook = "#!/bin/sh\ncase $LIFECYCLE_EVENT in\n  ApplicationStop|BeforeInstall) touch \"$INSTALL_ROOT/down\" ;;\n  ValidateService) [ -e \"$INSTALL_ROOT/fail\" ] && exit 7; rm -f \"$INSTALL_ROOT/down\" ;;\nesac\nwhile [ -e \"$INSTALL_ROOT/$LIFECYCLE_EVENT\" ]; do sleep 0.02; done\n";
        std::fs::write(folder.join("hook.sh"), hook).unwrap();
        self.ok(&["push", "shop", folder.to_str().unwrap(), "--label", label]);
    }
}

/// Agents, an application on each host, and what a load balancer knows of them at the beginning.
pub async fn hosts(blue: usize, green: usize) -> (Lab, Vec<Backend>, Vec<Server>) {
    let lab = Lab::up(blue + green);
    let (mut apps, mut servers) = (Vec::new(), Vec::new());
    for n in 1..=blue + green {
        let name = format!("web-{n}");
        let down = lab.root(&name).join("down");
        let (label, side, service) = if n > blue {
            ("green", Side::Green, Service::Out)
        } else {
            ("blue", Side::Blue, Service::In)
        };
        let app = Backend::start_beside(&format!("{label} {name}"), Some(down)).await;
        servers.push(Server {
            name: name.parse().unwrap(),
            endpoint: Endpoint::parse(&app.address.to_string()).unwrap(),
            side,
            service,
        });
        apps.push(app);
    }
    (lab, apps, servers)
}

/// An event that does not end before this is dropped.
pub struct Held(std::path::PathBuf);

impl Drop for Held {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// Requests that flow.
pub struct Clients(Vec<Load>);

impl Clients {
    /// They ask a load balancer of this kind.
    pub fn start(kind: Kind, address: SocketAddr) -> Self {
        let start = |kind: &Connections| Load::start(address, "/?ms=2", 120, *kind);
        Self(kind.clients().iter().map(start).collect())
    }

    /// Waits until hosts whose names begin so answer about this share of the requests.
    pub async fn comes_near(&self, side: &str, share: f64) {
        for _ in 0..50 {
            if (self.next(200).await.share(side) - share).abs() < 0.05 {
                return;
            }
        }
        panic!("{side} has not {share}: {:?}", self.0[0].count());
    }

    /// Waits until hosts whose names begin so answer at least this share of the requests.
    pub async fn goes_beyond(&self, side: &str, share: f64) {
        for _ in 0..500 {
            if self.next(50).await.share(side) >= share {
                return;
            }
        }
        panic!("{side} has not {share}: {:?}", self.0[0].count());
    }

    /// Waits for so many more requests of the first kind of clients, and answers what was counted of them.
    pub async fn next(&self, requests: u64) -> Count {
        self.0[0].next(requests).await
    }

    /// The next requests are answered by hosts alone whose names begin so.
    pub async fn all_go_to(&self, side: &str) {
        let next = self.next(60).await;
        assert!((next.share(side) - 1.0).abs() < f64::EPSILON, "{next:?}");
    }

    /// Waits until requests are answered by hosts alone whose names begin so.
    pub async fn come_to(&self, side: &str) {
        for _ in 0..200 {
            if (self.next(20).await.share(side) - 1.0).abs() < f64::EPSILON {
                return;
            }
        }
        panic!("{side} has not everything: {:?}", self.0[0].count());
    }

    /// Waits until both sides answer.
    pub async fn go_to_both(&self) {
        let answered = |count: &Count| {
            let by = |side| count.answers.keys().any(|name| name.starts_with(side));
            by("blue") && by("green")
        };
        for _ in 0..200 {
            if answered(&self.next(20).await) {
                return;
            }
        }
        panic!("only one side answers: {:?}", self.0[0].count());
    }

    /// Since they began to flow.
    pub fn nothing_was_lost(&self) {
        for load in &self.0 {
            let count = load.count();
            assert_eq!(count.failed(), 0, "{count:?}");
        }
    }
}

/// How an event of an instance stands, and what it said.
pub fn event<'a>(shown: &'a Value, host: &str, event: &str) -> (&'a str, &'a str) {
    let targets = shown["targets"].as_array().unwrap();
    let target = targets.iter().find(|one| one["name"] == host).unwrap();
    let events = target["events"].as_array().unwrap();
    let entry = events.iter().find(|one| one["event"] == event).unwrap();
    let message = entry["diagnostics"]["message"].as_str();
    (entry["status"].as_str().unwrap(), message.unwrap_or(""))
}
