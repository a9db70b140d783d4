//! How soon after the command the replacement gets its first request: `cargo bench --bench reroute`.
//!
//! A blue/green deployment of one instance a side behind `cutover router`, there and back, with a request every half
//! millisecond. Beside it, in the same run, the same change made directly at the router's door: that is the load balancer's
//! own delay. Prints a table and fails for nothing.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement fails by panicking, and prints"
)]
#![allow(dead_code, reason = "the tests use the rest")]

#[path = "../traffic/backend.rs"]
mod backend;
#[path = "../rollout/lab.rs"]
mod lab;
#[path = "../traffic/program.rs"]
mod program;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cutover::api::command::Command as ApiCommand;
use cutover::engine::input::{Command as Control, What};
use cutover::engine::plan::Before;
use serde_json::json;
use tokio::runtime::Runtime;

use backend::Backend;
use lab::Lab;
use program::{Program, free_port};

const ROUNDS: usize = 10;

fn main() {
    if cfg!(debug_assertions) {
        println!("rerouting is measured in a release build only: cargo bench --bench reroute");
        return;
    }
    let runtime = Runtime::new().unwrap();
    let site = Site::up(&runtime);
    let mut direct = Vec::new();
    let mut ours = Vec::new();
    for round in 0..ROUNDS {
        let (from, to) = if round % 2 == 0 {
            ("blue", "green")
        } else {
            ("green", "blue")
        };
        ours.push(site.reroute(&runtime, to));
        // There is the same way to go again, by hand.
        site.put(&runtime, from);
        direct.push(site.first(&runtime, to, || site.put(&runtime, to)));
    }
    println!("from the command to the first request on the replacement, {ROUNDS} times:");
    println!("{:<28}{:>10}{:>10}", "", "median", "slowest");
    row("cutover reroute", &mut ours);
    row("at the router's door", &mut direct);
    let beyond = middle(&ours).saturating_sub(middle(&direct));
    println!("beyond the load balancer's own delay: {beyond:.1?} (aim: 100 ms)");
}

fn row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let slowest = times.last().copied().unwrap_or_default();
    println!("{name:<28}{:>10.1?}{slowest:>10.1?}", middle(times));
}

fn middle(times: &[Duration]) -> Duration {
    times[times.len() / 2]
}

struct Site {
    lab: Lab,
    front: SocketAddr,
    admin: SocketAddr,
    apps: [Backend; 2],
    _router: Program,
    _folder: tempfile::TempDir,
}

impl Site {
    fn up(runtime: &Runtime) -> Self {
        let lab = Lab::up(2);
        let apps = [
            runtime.block_on(Backend::start("blue")),
            runtime.block_on(Backend::start("green")),
        ];
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (front, admin) = (local(free_port()), local(free_port()));
        let folder = tempfile::tempdir().unwrap();
        let document = format!(
            "admin: {admin}\nroutes:\n  - name: shop\n    listen: {front}\n    servers:\n      - {{ name: web-1, endpoint: '{}' }}\n      - {{ name: web-2, endpoint: '{}', service: Out }}\n",
            apps[0].address, apps[1].address
        );
        std::fs::write(folder.path().join("router.yaml"), document).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["router", "--config", "router.yaml"]);
        let mut router = Program::start(command, folder.path());
        let answers = async || reqwest::get(format!("http://{front}/")).await.is_ok();
        runtime.block_on(router.until("the router answers", answers));
        let site = Self {
            lab,
            front,
            admin,
            apps,
            _router: router,
            _folder: folder,
        };
        site.project();
        site.lab.push("1.0", "0", None);
        site
    }

    fn project(&self) {
        let mut text = format!(
            "name: lab\nsettings:\n  stateDirectory: .state\nconnections:\n  loadBalancers:\n    - name: web\n      provider:\n        router: {{ admin: 'http://{}', route: shop }}\nhosts:\n",
            self.admin
        );
        for (host, side, app) in [
            ("web-1", "blue", &self.apps[0]),
            ("web-2", "green", &self.apps[1]),
        ] {
            let ready = self.lab.folder().join("hosts").join(host).join("ready");
            let address = std::fs::read_to_string(ready).unwrap();
            writeln!(
                text,
                "  - {{ name: {host}, address: '{}', tags: {{ role: web, side: {side} }}, endpoints: {{ web: '{}' }} }}",
                address.trim(),
                app.address
            )
            .unwrap();
        }
        std::fs::write(self.lab.folder().join("cutover.yaml"), text).unwrap();
        let more = "deploymentStyle: { deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }\nloadBalancerInfo: { targetGroupInfoList: [{ name: web }] }\nblueGreenDeploymentConfiguration:\n  deploymentReadyOption: { actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10 }\n  terminateBlueInstancesOnDeploymentSuccess: { action: KEEP_ALIVE }\n";
        self.lab.group("swap", "side", "blue", more);
    }

    /// How long it takes from the command until the replacement has its first request.
    fn reroute(&self, runtime: &Runtime, to: &str) -> Duration {
        let side = format!("side={to}");
        let id = self
            .lab
            .ok(&["deploy", "shop", "swap", "1.0", "--replacement", &side]);
        self.lab
            .wait_for(&id, |now| now["deploymentInfo"]["status"] == "Ready");
        let command = ApiCommand::Control {
            deployment: id.parse().unwrap(),
            control: Control::new(
                What::Continue {
                    before: Before::Reroute,
                },
                "bench",
            ),
        };
        let took = self.first(runtime, to, || {
            self.lab.send(&command).unwrap();
        });
        assert_eq!(self.lab.wait_for_end(&id), "Succeeded");
        took
    }

    /// Gives one side everything, at the router's door.
    fn put(&self, runtime: &Runtime, side: &str) {
        let server = |name: &str, app: &Backend, own: &str| {
            let service = if own == side { "In" } else { "Out" };
            json!({ "name": name, "endpoint": app.address.to_string(), "service": service })
        };
        let route = json!({ "servers": [
            server("web-1", &self.apps[0], "blue"),
            server("web-2", &self.apps[1], "green"),
        ] });
        let url = format!("http://{}/v1/routes/shop", self.admin);
        let put = reqwest::Client::new().put(url).json(&route).send();
        assert!(runtime.block_on(put).unwrap().status().is_success());
    }

    /// How long it takes until a side has its first request.
    fn first(&self, runtime: &Runtime, side: &str, act: impl FnOnce()) -> Duration {
        let app = &self.apps[usize::from(side == "green")];
        let over = Arc::new(AtomicBool::new(false));
        let load = runtime.spawn(load(self.front, Arc::clone(&over)));
        let before = app.served();
        let start = Instant::now();
        act();
        while app.served() == before {
            assert!(start.elapsed() < Duration::from_secs(30), "no request came");
            std::thread::yield_now();
        }
        let took = start.elapsed();
        over.store(true, Ordering::Relaxed);
        runtime.block_on(load).unwrap();
        took
    }
}

/// A request every half millisecond over one connection.
async fn load(front: SocketAddr, over: Arc<AtomicBool>) {
    let client = reqwest::Client::new();
    let url = format!("http://{front}/");
    while !over.load(Ordering::Relaxed) {
        let answer = client.get(&url).send().await.unwrap();
        assert!(answer.status().is_success());
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}
