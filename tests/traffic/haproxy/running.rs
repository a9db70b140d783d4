//! A real `HAProxy` with a backend `app`, and what is asked of it by hand.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use cutover::model::connections::HaProxy;
use cutover::model::endpoint::Endpoint;
use cutover::model::name::Name;
use cutover::model::traffic::{Side, Split};
use cutover::providers::traffic::haproxy::HaProxyBalancer;
use cutover::providers::traffic::{Balancer as _, Observed, Seen, Server, Service, Wanted};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::agents::{Agent, client};
use crate::backend::Backend;
use crate::program::{Program, addresses, find};

/// How the runtime API is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Straight,
    /// By a Unix socket that the agent on its host, `edge-1`, knows.
    ThroughAgent,
}

pub struct Running {
    pub front: SocketAddr,
    pub api: SocketAddr,
    pub folder: TempDir,
    pub agent: Option<Agent>,
    program: Option<Program>,
    haproxy: PathBuf,
}

impl Running {
    /// Starts one whose backend has these servers, each line as behind the word `server`.
    pub async fn start(servers: &[String]) -> Self {
        Self::balancing("roundrobin", servers).await
    }

    /// The same, reached in this way.
    pub async fn reached(way: Way, servers: &[String]) -> Self {
        let mut running = Self::start(servers).await;
        if way == Way::ThroughAgent {
            running.start_agent("admin.sock", &["app"]).await;
        }
        running
    }

    /// Starts the agent, in the place of any other. It may reach these backends, by this socket.
    pub async fn start_agent(&mut self, socket: &str, backends: &[&str]) {
        self.agent = None;
        let folder = self.folder.path();
        let socket = folder.join(socket);
        let text = format!(
            "haproxies: [{{ socket: '{}', backends: {backends:?} }}]\n",
            socket.display()
        );
        std::fs::write(folder.join("agent.yml"), text).unwrap();
        self.agent = Some(Agent::start(folder).await);
    }

    /// The same with this algorithm.
    pub async fn balancing(balance: &str, servers: &[String]) -> Self {
        let haproxy = find("haproxy", "apt-get install haproxy");
        let folder = tempfile::tempdir().unwrap();
        let [front, api] = addresses();
        let path = folder.path().display();
        let mut lines = format!(
            "global
  stats socket ipv4@{api} level admin
  stats socket {path}/admin.sock mode 600 level admin
  stats socket {path}/user.sock mode 600 level user
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 5s
  retries 3
  option redispatch
  option httpchk GET /health
  default-server check inter 100ms fall 2 rise 1
frontend web
  bind {front}
  default_backend app
backend app
  balance {balance}
"
        );
        for server in servers {
            writeln!(lines, "  server {server}").unwrap();
        }
        std::fs::write(folder.path().join("haproxy.cfg"), lines).unwrap();
        let mut running = Self {
            front,
            api,
            folder,
            agent: None,
            program: None,
            haproxy,
        };
        running.run().await;
        running
    }

    /// Starts it, when it does not run.
    pub async fn run(&mut self) {
        let mut command = Command::new(&self.haproxy);
        command.args(["-f", "haproxy.cfg", "-db"]);
        let mut program = Program::start(command, self.folder.path());
        let unix = self.folder.path().join("user.sock");
        let is_up = async || {
            TcpStream::connect(self.front).await.is_ok()
                && TcpStream::connect(self.api).await.is_ok()
                && UnixStream::connect(&unix).await.is_ok()
        };
        program.until("HAProxy answers", is_up).await;
        self.program = Some(program);
    }

    /// Its process, of those that are still running.
    pub fn id(&self) -> nix::unistd::Pid {
        self.program.as_ref().unwrap().id()
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    /// Kills it and starts it again.
    pub async fn restart(&mut self) {
        self.kill();
        self.run().await;
    }

    /// What an operator types.
    pub async fn by_hand(&self, command: &str) -> String {
        by_hand(self.api, command).await
    }

    pub fn connection(&self) -> HaProxy {
        let straight = self.agent.is_none();
        HaProxy {
            address: straight.then(|| self.api.to_string()),
            host: (!straight).then(|| "edge-1".parse().unwrap()),
            backend: "app".to_owned(),
            add_servers: false,
            server_options: None,
        }
    }

    pub fn balancer(&self) -> HaProxyBalancer {
        self.at(&self.connection())
    }

    /// The load balancer of another connection.
    pub fn at(&self, connection: &HaProxy) -> HaProxyBalancer {
        let agent = |_: &Name| Ok(client(&self.agent.as_ref().unwrap().address));
        HaProxyBalancer::new("web", connection, agent).unwrap()
    }

    pub fn adding(&self) -> HaProxyBalancer {
        let connection = HaProxy {
            add_servers: true,
            server_options: Some("check inter 100ms fall 2 rise 1".to_owned()),
            ..self.connection()
        };
        self.at(&connection)
    }
}

/// What an operator types.
pub async fn by_hand(api: SocketAddr, command: &str) -> String {
    let mut stream = TcpStream::connect(api).await.unwrap();
    let line = format!("{command}\n");
    stream.write_all(line.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.trim().to_owned()
}

/// The line of a backend in the configuration.
pub fn line(backend: &Backend) -> String {
    format!("{} {}", backend.name, backend.address)
}

pub fn server(backend: &Backend, service: Service) -> Server {
    let green = backend.name.starts_with("green");
    Server {
        name: backend.name.parse().unwrap(),
        endpoint: Endpoint::parse(&backend.address.to_string()).unwrap(),
        side: if green { Side::Green } else { Side::Blue },
        service,
    }
}

/// Nothing but these servers, without a split.
pub fn wanted(servers: Vec<Server>) -> Wanted {
    Wanted {
        servers,
        split: None,
    }
}

/// All of these in service, with this share for those called green.
pub fn split(backends: &[&Backend], replacement: u8) -> Wanted {
    let servers = backends.iter().map(|b| server(b, Service::In));
    Wanted {
        servers: servers.collect(),
        split: Some(Split::new(replacement).unwrap()),
    }
}

pub async fn apply(balancer: &HaProxyBalancer, wanted: &Wanted) {
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    balancer.apply(wanted, &observed).await.unwrap();
}

/// What is refused, in words; nothing may have changed by it.
pub async fn refused(balancer: &HaProxyBalancer, wanted: &Wanted) -> String {
    let before = balancer.observe(&wanted.servers).await.unwrap();
    let error = balancer.apply(wanted, &before).await.unwrap_err();
    assert!(!error.is_passing(), "{error}");
    let after = balancer.observe(&wanted.servers).await.unwrap();
    let state = |observed: &Observed| {
        let servers = observed.servers.clone().into_iter();
        servers
            .map(|(name, seen)| (name, seen.service, seen.weight))
            .collect::<Vec<_>>()
    };
    assert_eq!(state(&before), state(&after));
    error.to_string()
}

/// Looks until something holds for the server.
pub async fn until(
    balancer: &HaProxyBalancer,
    backend: &Backend,
    what: &str,
    holds: impl Fn(&Seen) -> bool,
) -> Seen {
    let asked = [server(backend, Service::In)];
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let mut observed = balancer.observe(&asked).await.unwrap();
        let seen = observed.servers.remove(&asked[0].name).unwrap();
        if holds(&seen) {
            return seen;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{what}: not within 30 s: {seen:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// It was found unwell, and gets nothing.
pub fn is_down(seen: &Seen) -> bool {
    let trouble = seen.trouble.as_deref().unwrap_or_default();
    seen.healthy == Some(false) && trouble.starts_with("DOWN: L7STS 503")
}
