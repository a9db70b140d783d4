//! `cutover router`: the real process, in front of real servers.

mod door;
mod faults;
mod http;
mod origin;
mod traffic;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use cutover::model::connections::Router;
use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::{Side, Split};
use cutover::providers::traffic::router::RouterBalancer;
use cutover::providers::traffic::router::protocol::{RouteState, ServerState};
use cutover::providers::traffic::{Balancer as _, Observed, Server, Service, Wanted};
use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

use crate::program::{Program, addresses};

/// A router with one route, `shop`.
pub struct Proxy {
    folder: TempDir,
    pub program: Program,
    /// Where the route listens.
    pub address: SocketAddr,
    /// The admin door.
    pub admin: String,
    balancer: RouterBalancer,
}

impl Proxy {
    /// With these servers, and these lines in the route's document.
    pub async fn start(servers: &[Server], route: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [address, admin] = addresses();
        let lines = route.lines().map(|line| format!("    {line}\n"));
        let lines = lines.collect::<Vec<_>>().concat();
        let servers = serde_json::to_string(servers).unwrap();
        let document = format!(
            "admin: {admin}\ndrainSeconds: 10\nroutes:\n  - name: shop\n    listen: {address}\n{lines}    servers: {servers}\n"
        );
        std::fs::write(folder.path().join("router.yaml"), document).unwrap();
        let program = Program::start(command(&[]), folder.path());
        let admin = format!("http://{admin}");
        let connection = Router {
            admin: admin.clone(),
            route: "shop".to_owned(),
        };
        let balancer = RouterBalancer::new(reqwest::Client::new(), &connection);
        let mut proxy = Self {
            folder,
            program,
            address,
            admin,
            balancer,
        };
        proxy.ready().await;
        proxy
    }

    async fn ready(&mut self) {
        let balancer = &self.balancer;
        let answers = async || balancer.state().await.is_ok();
        self.program.until("the admin door answers", answers).await;
    }

    /// Starts it again, after it has been killed.
    pub async fn again(&mut self, arguments: &[&str]) {
        self.program = Program::start(command(arguments), self.folder.path());
        self.ready().await;
    }

    /// Waits until the route is so.
    async fn until(&mut self, what: &str, holds: impl Fn(&RouteState) -> bool) -> RouteState {
        let balancer = &self.balancer;
        let there = async || balancer.state().await.is_ok_and(|state| holds(&state));
        self.program.until(what, there).await;
        self.state().await
    }

    async fn state(&self) -> RouteState {
        self.balancer.state().await.unwrap()
    }

    async fn apply(&self, servers: &[Server], split: Option<u8>) {
        let wanted = wanted(servers, split);
        let observed = Observed::default();
        self.balancer.apply(&wanted, &observed).await.unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn terminate(&self) {
        kill(self.program.id(), Signal::SIGTERM).unwrap();
    }

    /// Memory that it holds, in KiB.
    fn resident(&self) -> u64 {
        let status = format!("/proc/{}/status", self.program.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let number = line.unwrap().trim().trim_end_matches(" kB");
        number.parse().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_cutover")));
    command.args(["router", "--config", "router.yaml"]);
    command.args(arguments);
    command
}

fn wanted(servers: &[Server], split: Option<u8>) -> Wanted {
    Wanted {
        servers: servers.to_vec(),
        split: split.map(|share| Split::new(share).unwrap()),
    }
}

fn server(name: &str, address: SocketAddr, side: Side, service: Service) -> Server {
    Server {
        name: name.parse().unwrap(),
        endpoint: Endpoint::parse(&address.to_string()).unwrap(),
        side,
        service,
    }
}

fn blue(name: &str, address: SocketAddr) -> Server {
    server(name, address, Side::Blue, Service::In)
}

fn green(name: &str, address: SocketAddr) -> Server {
    server(name, address, Side::Green, Service::In)
}

fn of<'a>(state: &'a RouteState, name: &str) -> &'a ServerState {
    let found = state.servers.iter().find(|s| s.name.as_str() == name);
    found.unwrap()
}
