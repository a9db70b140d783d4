//! nginx, through the agent on its host.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use cutover::agent::config::File;
use cutover::agent::protocol::{UpstreamOrder, UpstreamServer};
use cutover::agent::{Config, serve};
use cutover::model::endpoint::Endpoint;
use cutover::model::traffic::Side;
use cutover::providers::hosts::AgentClient;
use cutover::providers::traffic::nginx::NginxBalancer;
use cutover::providers::traffic::{Balancer as _, Observed, Service, TrafficError, Wanted};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::agents::{self, client};
use crate::backend::Backend;
use crate::load::{Connections, Load};
use crate::program::{Program, addresses, find, free_port};
use crate::proxies::{apply, both, seen, server, slow};

/// The first line of a file that is ours.
pub const HEADER: &str = "# Managed by cutover\n";

/// A host with an nginx and an agent.
struct Edge {
    folder: TempDir,
    nginx: Program,
    /// Where nginx listens.
    address: SocketAddr,
    agent: Agent,
    client: AgentClient,
    blue: Backend,
    green: Backend,
}

enum Agent {
    InProcess(JoinHandle<()>),
    Binary(Program),
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Self::InProcess(task) = self {
            task.abort();
        }
    }
}

fn nginx(folder: &TempDir) -> Vec<String> {
    let program = find("nginx", "apt-get install nginx-light");
    let conf = folder.path().join("nginx.conf");
    ["-e", "stderr", "-c"]
        .iter()
        .fold(vec![program.display().to_string()], |mut words, word| {
            words.push((*word).to_owned());
            words
        })
        .into_iter()
        .chain([conf.display().to_string()])
        .collect()
}

/// Writes the configuration of an nginx that listens here.
pub fn configure(folder: &TempDir, listen: SocketAddr) {
    let at = folder.path().display();
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {at}/{what};"))
        .join("\n");
    let text = format!(
        "daemon off; user root; pid {at}/nginx.pid; worker_processes 2; worker_shutdown_timeout 30s;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; {folders}\n\
           upstream app {{ zone app 64k; include {at}/app.conf; keepalive 16; }}\n\
           server {{ listen {listen};\n\
             location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ''; }} }} }}\n"
    );
    fs::write(folder.path().join("nginx.conf"), text).unwrap();
}

/// What the agent is told of that nginx.
pub fn upstreams(folder: &TempDir) -> String {
    let quoted = |more: &[&str]| {
        let words = nginx(folder).into_iter();
        let words = words.chain(more.iter().map(|word| (*word).to_owned()));
        serde_json::to_string(&words.collect::<Vec<_>>()).unwrap()
    };
    format!(
        "upstreams:\n  - name: app\n    file: {}\n    test: {}\n    reload: {}\n    pid_file: {}\n",
        folder.path().join("app.conf").display(),
        quoted(&["-t"]),
        quoted(&["-s", "reload"]),
        folder.path().join("nginx.pid").display(),
    )
}

pub async fn start_nginx(folder: &TempDir) -> Program {
    let words = nginx(folder);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let mut nginx = Program::start(command, folder.path());
    let pid_file = folder.path().join("nginx.pid");
    let id = nginx.id().to_string();
    let is_there = || fs::read_to_string(&pid_file).is_ok_and(|text| text.trim() == id);
    nginx.until("nginx starts", async || is_there()).await;
    nginx
}

impl Edge {
    /// Everything runs, and the original has all of the traffic.
    async fn start() -> Self {
        let edge = Self::at_rest().await;
        let all = both((&edge.blue, Service::In), (&edge.green, Service::In), 0);
        apply(&edge.balancer(), &all).await.unwrap();
        edge
    }

    /// Everything runs, and nginx knows the original alone.
    async fn at_rest() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
        let [address, _] = addresses();
        configure(&folder, address);
        let file = folder.path().join("app.conf");
        fs::write(&file, format!("{HEADER}server {};\n", blue.address)).unwrap();
        fs::write(folder.path().join("agent.yml"), upstreams(&folder)).unwrap();
        let nginx = start_nginx(&folder).await;
        let (agent, served) = in_process(&folder).await;
        Self {
            nginx,
            address,
            agent,
            client: client(&served),
            folder,
            blue,
            green,
        }
    }

    fn balancer(&self) -> NginxBalancer {
        NginxBalancer::new(
            self.client.clone(),
            "edge-1".parse().unwrap(),
            "app".to_owned(),
        )
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("app.conf")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Says in the agent's configuration how nginx is tested or reloaded, by a shell's words before the usual ones.
    fn precede(&self, key: &str, shell: &str) {
        let path = self.folder.path().join("agent.yml");
        let text = fs::read_to_string(&path).unwrap();
        let script = serde_json::to_string(&format!("{shell}\nexec \"$@\"")).unwrap();
        let text = text.replace(
            &format!("    {key}: ["),
            &format!("    {key}: [\"sh\", \"-c\", {script}, \"sh\", "),
        );
        fs::write(path, text).unwrap();
    }

    /// Runs the agent as a program, in the place of any other.
    async fn start_binary(&mut self) {
        // Until it has ended it holds the lock of its folder.
        if let Agent::InProcess(task) = &mut self.agent {
            task.abort();
            let _ended = task.await;
        }
        self.agent = Agent::InProcess(tokio::spawn(async {}));
        let agent = agents::Agent::start(self.folder.path()).await;
        self.client = client(&agent.address);
        self.agent = Agent::Binary(agent.program);
    }

    /// Starts a change, and kills the agent when the file `reached` is there.
    async fn kill_in_the_middle(&mut self, wanted: Wanted) {
        let reached = self.folder.path().join("reached");
        let balancer = self.balancer();
        let change = tokio::spawn(async move { apply(&balancer, &wanted).await });
        let Agent::Binary(agent) = &mut self.agent else {
            panic!("the agent runs in this process");
        };
        agent
            .until("the change is under way", async || reached.exists())
            .await;
        agent.kill();
        let error = change.await.unwrap().unwrap_err();
        assert!(error.is_passing(), "{error}");
    }
}

async fn in_process(folder: &TempDir) -> (Agent, String) {
    let mut config = Config::new("edge-1".parse().unwrap(), folder.path().join("agent"));
    File::read(&folder.path().join("agent.yml"))
        .unwrap()
        .apply(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let agent = serve(config, listener, std::future::pending());
    let task = tokio::spawn(async move { agent.await.unwrap() });
    (Agent::InProcess(task), address)
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_follow_the_weights() {
    let edge = Edge::at_rest().await;
    let (blue, green, balancer) = (&edge.blue, &edge.green, edge.balancer());
    for percent in [0, 1, 25, 50, 100] {
        let wanted = both((blue, Service::In), (green, Service::In), percent);
        apply(&balancer, &wanted).await.unwrap();
        let observed = balancer.observe(&wanted.servers).await.unwrap();
        let weight = |backend| f64::from(seen(&observed, backend).weight.unwrap());
        let share = weight(green) / (weight(blue) + weight(green));
        assert!(
            (share * 100.0 - f64::from(percent)).abs() < 1.0,
            "{observed:?}"
        );
        assert_eq!(
            seen(&observed, blue).service,
            Service::In,
            "also without a share"
        );
        assert!(observed.epoch.is_some());

        let load = Load::start(edge.address, "/", 400, Connections::New);
        let count = load.next(400).await;
        assert_eq!(count.failed(), 0, "{count:?}");
        let measured = count.share("green") * 100.0;
        assert!(
            (measured - f64::from(percent)).abs() < 3.0,
            "{percent}: {count:?}"
        );
        assert!(percent % 100 != 0 || measured.to_bits() == f64::from(percent).to_bits());
    }
    let alone = Wanted {
        servers: vec![
            server(blue, Side::Blue, Service::In),
            server(green, Side::Blue, Service::In),
        ],
        split: None,
    };
    apply(&balancer, &alone).await.unwrap();
    let before = (edge.text(), balancer.observe(&alone.servers).await.unwrap());
    assert!(
        before
            .0
            .contains(&format!("server {} weight=100;", blue.address))
    );
    apply(&balancer, &alone).await.unwrap();
    let after = (edge.text(), balancer.observe(&alone.servers).await.unwrap());
    assert_eq!(before, after, "again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_with_its_last_request() {
    let mut edge = Edge::start().await;
    let balancer = edge.balancer();
    let request = slow(edge.address, 1500);
    let blue = &edge.blue;
    edge.nginx
        .until("the request is there", async || blue.working() == 1)
        .await;
    let wanted = both((blue, Service::Draining), (&edge.green, Service::In), 100);
    apply(&balancer, &wanted).await.unwrap();
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    let drains = seen(&observed, blue);
    assert_eq!(
        (drains.service, drains.weight),
        (Service::Draining, Some(0))
    );
    assert_eq!((drains.in_flight, blue.working()), (Some(1), 1));
    assert_eq!(seen(&observed, &edge.green).in_flight, None);
    let load = Load::start(edge.address, "/", 200, Connections::New);
    let count = load.next(50).await;
    assert_eq!(
        (count.failed(), count.share("green").to_bits()),
        (0, 1f64.to_bits())
    );

    assert_eq!(request.await.unwrap(), "blue");
    edge.nginx
        .until("the drain ends", async || {
            let observed = balancer.observe(&wanted.servers).await.unwrap();
            seen(&observed, blue).in_flight == Some(0)
        })
        .await;
    let out = both((blue, Service::Out), (&edge.green, Service::In), 100);
    apply(&balancer, &out).await.unwrap();
    let gone = balancer.observe(&out.servers).await.unwrap();
    assert_eq!(seen(&gone, blue).service, Service::Out);
    assert!(!edge.text().contains(&blue.address.to_string()));
    assert_eq!(gone.epoch, observed.epoch, "nginx was not restarted");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_while_instances_leave_and_return() {
    let edge = Edge::start().await;
    let (blue, green, balancer) = (&edge.blue, &edge.green, edge.balancer());
    let load = Load::start(edge.address, "/?ms=5", 300, Connections::New);
    for leaving in [Service::Draining, Service::Out].repeat(4) {
        for (one, other, percent) in [(leaving, Service::In, 100), (Service::In, leaving, 0)] {
            let wanted = both((blue, one), (green, other), percent);
            apply(&balancer, &wanted).await.unwrap();
            load.next(20).await;
        }
    }
    let count = load.count();
    assert_eq!(count.failed(), 0, "{count:?}");
    assert!(
        count.share("blue") > 0.1 && count.share("green") > 0.1,
        "{count:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_leave_and_return() {
    let edge = Edge::start().await;
    let (blue, green, balancer) = (&edge.blue, &edge.green, edge.balancer());
    let nobody = both((blue, Service::Out), (green, Service::Out), 0);
    apply(&balancer, &nobody).await.unwrap();
    let observed = balancer.observe(&nobody.servers).await.unwrap();
    assert_eq!(seen(&observed, blue).service, Service::Out);
    let load = Load::start(edge.address, "/", 100, Connections::New);
    let count = load.next(10).await;
    assert_eq!(count.failures.get("status 502"), Some(&count.failed()));
    assert_eq!(count.total(), 0);
    let back = both((blue, Service::In), (green, Service::Out), 0);
    apply(&balancer, &back).await.unwrap();
    let load = Load::start(edge.address, "/", 100, Connections::New);
    let count = load.next(10).await;
    assert_eq!(
        (count.failed(), count.share("blue").to_bits()),
        (0, 1f64.to_bits())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nginx_refuses_leaves_everything_as_it_was() {
    let edge = Edge::start().await;
    let balancer = edge.balancer();
    let load = Load::start(edge.address, "/", 200, Connections::New);
    let before = edge.text();
    let mut wanted = both((&edge.blue, Service::In), (&edge.green, Service::In), 50);
    let right = std::mem::replace(
        &mut wanted.servers[1].endpoint,
        Endpoint::parse("[::zz]:80").unwrap(),
    );
    let error = apply(&balancer, &wanted).await.unwrap_err();
    assert!(!error.is_passing());
    let said = error.to_string();
    for words in [
        "nginx on edge-1 (upstream app) refused: ",
        "the file is as it was",
        "invalid IPv6 address",
        "app.conf:4",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(edge.text(), before);
    let count = load.next(50).await;
    assert_eq!(
        (count.failed(), count.share("blue").to_bits()),
        (0, 1f64.to_bits())
    );
    wanted.servers[1].endpoint = right;
    apply(&balancer, &wanted).await.unwrap();
    assert!(load.next(100).await.share("green") > 0.3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_ours_stays_as_it_is() {
    let edge = Edge::start().await;
    let balancer = edge.balancer();
    let wanted = both((&edge.blue, Service::In), (&edge.green, Service::In), 50);
    for (text, words) in [
        (
            "server 127.0.0.1:1;\n".to_owned(),
            "app.conf:1: this file was not written by the agent",
        ),
        (
            format!("{HEADER}server 127.0.0.1:1 max_fails=3;\n"),
            "app.conf:2: only lines such as",
        ),
    ] {
        fs::write(edge.file(), &text).unwrap();
        let error = balancer.observe(&wanted.servers).await.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let error = balancer
            .apply(&wanted, &Observed::default())
            .await
            .unwrap_err();
        assert!(matches!(error, TrafficError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(edge.text(), text);
    }
    fs::remove_file(edge.file()).unwrap();
    apply(&balancer, &wanted).await.unwrap();
    assert!(
        edge.text().starts_with(HEADER.trim_end()),
        "a file that is missing is made"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_hand_are_seen_and_put_right() {
    let edge = Edge::start().await;
    let balancer = edge.balancer();
    let wanted = both((&edge.blue, Service::In), (&edge.green, Service::In), 0);
    let ours = edge.text();
    fs::write(
        edge.file(),
        format!("{HEADER}server {};\n", edge.green.address),
    )
    .unwrap();
    let observed = balancer.observe(&wanted.servers).await.unwrap();
    assert_eq!(
        seen(&observed, &edge.blue).weight,
        Some(100),
        "nginx was not told"
    );
    let state = edge.client.upstream("app").await.unwrap();
    assert_ne!(state.in_force.as_ref(), Some(&state.servers));
    apply(&balancer, &wanted).await.unwrap();
    let state = edge.client.upstream("app").await.unwrap();
    assert_eq!(state.in_force.as_ref(), Some(&state.servers));
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&edge.text()), lines(&ours));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_come_one_after_the_other() {
    let edge = Edge::start().await;
    let mut more = Vec::new();
    for name in ["a", "b", "c", "d"] {
        more.push(Backend::start(name).await);
    }
    let mut changes = tokio::task::JoinSet::new();
    for backend in &more {
        let (client, endpoint) = (edge.client.clone(), backend.address.to_string());
        changes.spawn(async move {
            let server = UpstreamServer {
                endpoint,
                weight: 100,
                draining: false,
            };
            let order = UpstreamOrder {
                servers: vec![server.clone()],
                remove: Vec::new(),
            };
            let state = client.change_upstream("app", &order).await.unwrap();
            assert!(state.in_force.unwrap().contains(&server));
        });
    }
    changes.join_all().await;
    let load = Load::start(edge.address, "/", 400, Connections::New);
    let count = load.next(100).await;
    assert_eq!(count.answers.len(), 5, "{count:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_was_cut_off_is_put_right() {
    let mut edge = Edge::start().await;
    let shown = edge.folder.path().display().to_string();
    let before = edge.text();
    let wanted = both((&edge.blue, Service::In), (&edge.green, Service::In), 100);
    for key in ["test", "reload"] {
        let hold = edge.folder.path().join(format!("hold-{key}"));
        let shell = format!(
            "if [ -e {} ]; then touch {shown}/reached; exec sleep 3; fi",
            hold.display()
        );
        edge.precede(key, &shell);
        edge.start_binary().await;
        fs::write(&hold, "").unwrap();
        edge.kill_in_the_middle(wanted.clone()).await;
        fs::remove_file(&hold).unwrap();
        fs::remove_file(edge.folder.path().join("reached")).unwrap();
        assert_ne!(edge.text(), before, "it was written");
        edge.start_binary().await;
        if key == "test" {
            assert_eq!(edge.text(), before, "what was not tested is taken back");
        } else {
            let observed = edge.balancer().observe(&wanted.servers).await.unwrap();
            assert_eq!(
                seen(&observed, &edge.green).weight,
                Some(0),
                "nginx was not told"
            );
        }
        apply(&edge.balancer(), &wanted).await.unwrap();
        let load = Load::start(edge.address, "/", 200, Connections::New);
        let count = load.next(50).await;
        assert_eq!(
            (count.failed(), count.share("green").to_bits()),
            (0, 1f64.to_bits())
        );
        let back = both((&edge.blue, Service::In), (&edge.green, Service::In), 0);
        apply(&edge.balancer(), &back).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_nginx_is_seen() {
    let mut edge = Edge::start().await;
    let balancer = edge.balancer();
    let wanted = both((&edge.blue, Service::In), (&edge.green, Service::In), 100);
    apply(&balancer, &wanted).await.unwrap();
    let before = balancer.observe(&wanted.servers).await.unwrap();
    edge.nginx.kill();
    let error = balancer.observe(&wanted.servers).await.unwrap_err();
    assert!(error.is_passing());
    assert!(error.to_string().contains("nginx does not run"), "{error}");
    let back = both((&edge.blue, Service::In), (&edge.green, Service::In), 0);
    let error = balancer.apply(&back, &before).await.unwrap_err();
    assert!(error.is_passing());
    assert!(error.to_string().contains("does not run"), "{error}");
    edge.nginx = start_nginx(&edge.folder).await;
    apply(&balancer, &back).await.unwrap();
    let after = balancer.observe(&back.servers).await.unwrap();
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(seen(&after, &edge.green).weight, Some(0));
    let load = Load::start(edge.address, "/", 200, Connections::New);
    let count = load.next(50).await;
    assert_eq!(
        (count.failed(), count.share("blue").to_bits()),
        (0, 1f64.to_bits())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named() {
    let edge = Edge::at_rest().await;
    let servers = [server(&edge.blue, Side::Blue, Service::In)];
    let ask = async |client: &AgentClient, host: &str, upstream: &str| {
        let balancer =
            NginxBalancer::new(client.clone(), host.parse().unwrap(), upstream.to_owned());
        balancer.observe(&servers).await.unwrap_err()
    };
    let error = ask(&edge.client, "edge-1", "other").await;
    assert!(!error.is_passing());
    assert!(
        error
            .to_string()
            .contains("has no upstream other: name it under `upstreams`"),
        "{error}"
    );
    let error = ask(&edge.client, "edge-2", "app").await;
    assert!(
        error.to_string().contains("the agent there is edge-1's"),
        "{error}"
    );
    let nowhere = client(&format!("http://127.0.0.1:{}", free_port()));
    let error = ask(&nowhere, "edge-1", "app").await;
    assert!(matches!(error, TrafficError::Unreachable { .. }), "{error}");
}
