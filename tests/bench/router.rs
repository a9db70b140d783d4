//! What `cutover router` costs a request: `cargo bench --bench router`.
//!
//! Latency that it adds at 2,000 requests a second, and its throughput beside nginx with one worker as a proxy on the same
//! core, all in turn in the same run. The proxies have the first core to themselves, the server behind them and the clients
//! the second one. Prints a table and fails for nothing. Wants nginx, wrk and taskset; Linux only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement fails by panicking, and prints"
)]
#![allow(
    dead_code,
    clippy::cast_precision_loss,
    reason = "the tests use the rest, and figures are rounded"
)]

#[path = "../traffic/program.rs"]
mod program;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};

use program::{Program, find, free_port};

const ROUNDS: usize = 7;
/// Requests a second, over so many kept connections, for so long.
const RATE: u32 = 2000;
const CONNECTIONS: u32 = 16;
const LASTING: Duration = Duration::from_secs(4);

fn main() {
    if cfg!(debug_assertions) {
        println!("the router is measured in a release build only: cargo bench --bench router");
        return;
    }
    pin(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
}

/// Keeps this process, and what it starts, on one core, if there is such a core.
fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core).unwrap();
    if sched_setaffinity(Pid::from_raw(0), &set).is_err() {
        println!("there is no core {core}: everything shares what there is");
    }
}

/// A command on one core.
fn on(core: usize, program: &Path) -> Command {
    let mut command = Command::new(find("taskset", "apt-get install util-linux"));
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

struct Proxy {
    program: Program,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// Waits until it answers.
    async fn start(command: Command, address: SocketAddr, folder: tempfile::TempDir) -> Self {
        let mut program = Program::start(command, folder.path());
        let answers = async || reqwest::get(format!("http://{address}/")).await.is_ok();
        program.until("it answers", answers).await;
        Self {
            program,
            address,
            folder,
        }
    }

    /// nginx with one worker, which does this with each request.
    async fn nginx(core: usize, what: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let scratch = folder.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {scratch}/{kind}; "))
            .concat();
        let upstream = what.strip_prefix("proxy ");
        let servers = upstream.map_or(String::new(), |to| {
            format!("upstream behind {{ server {to}; keepalive 64; }}")
        });
        let does = if upstream.is_some() {
            "proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $http_host; \
             proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto http; \
             proxy_set_header X-Forwarded-Host $http_host;"
        } else {
            what
        };
        let document = format!(
            "daemon off; worker_processes 1; pid {scratch}/pid; error_log {scratch}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; keepalive_requests 1000000000; {temporary} {servers}\n\
             server {{ listen {address}; location / {{ {does} }} }} }}\n"
        );
        std::fs::write(folder.path().join("nginx.conf"), document).unwrap();
        let nginx = find("nginx", "apt-get install nginx-light");
        let mut command = on(core, &nginx);
        let scratch = folder.path();
        command
            .arg("-p")
            .arg(scratch)
            .arg("-c")
            .arg(scratch.join("nginx.conf"));
        command.arg("-e").arg(scratch.join("error.log"));
        Self::start(command, address, folder).await
    }

    async fn router(core: usize, to: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let document = format!(
            "admin: 127.0.0.1:{}\nroutes: [{{name: a, listen: {address}, servers: [{{name: w, endpoint: '{to}'}}]}}]\n",
            free_port()
        );
        std::fs::write(folder.path().join("router.yaml"), document).unwrap();
        let mut command = on(core, Path::new(env!("CARGO_BIN_EXE_cutover")));
        command.args(["router", "--config", "router.yaml"]);
        Self::start(command, address, folder).await
    }

    /// The processor time that it and its children have used so far, in seconds.
    fn processor(&self) -> f64 {
        let own = self.program.id().as_raw();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let children = children.unwrap_or_default();
        let all = children.split_whitespace().map(|id| id.parse().unwrap());
        let ticks: u64 = all.chain([own]).map(ticks).sum();
        ticks as f64 / 100.0
    }
}

fn ticks(process: i32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

async fn measure() {
    let server = Proxy::nginx(1, "default_type text/plain; return 200 ok;").await;
    let router = Proxy::router(0, server.address).await;
    let nginx = Proxy::nginx(0, &format!("proxy {}", server.address)).await;

    let all = [("direct", &server), ("router", &router), ("nginx", &nginx)];
    // A name behind `--` measures that part alone.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let asked = |part: &str| only.is_empty() || only.iter().any(|name| name == part);
    if asked("latency") {
        latency(&all).await;
    }
    if asked("throughput") {
        rates(&all);
    }
}

async fn latency(all: &[(&str, &Proxy); 3]) {
    let mut middle: [Vec<f64>; 3] = Default::default();
    let mut late: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (n, (_, proxy)) in all.iter().enumerate() {
            let times = latencies(proxy.address).await;
            middle[n].push(times[times.len() / 2]);
            late[n].push(times[times.len() * 99 / 100]);
        }
    }
    println!(
        "latency at {RATE} requests/s over {CONNECTIONS} connections, median of {ROUNDS} rounds (least to most), ms"
    );
    for (n, (name, _)) in all.iter().enumerate() {
        let (p50, p99) = (figure(&mut middle[n], 3), figure(&mut late[n], 3));
        println!("  {name:8} p50 {p50}   p99 {p99}");
    }
    let added = |n: usize| median(&mut late[n].clone()) - median(&mut late[0].clone());
    println!(
        "  added at p99: router {:.3} ms (aim: at most 1), nginx {:.3} ms",
        added(1),
        added(2)
    );
}

fn rates(all: &[(&str, &Proxy); 3]) {
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut costs: [Vec<f64>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (n, (_, proxy)) in all.iter().enumerate() {
            let before = proxy.processor();
            let (rate, requests) = throughput(proxy.address);
            rates[n].push(rate);
            costs[n].push((proxy.processor() - before) * 1e6 / requests);
        }
    }
    println!("throughput with 32 kept connections, requests/s, and processor time a request, µs");
    for (n, (name, _)) in all.iter().enumerate() {
        let (rate, cost) = (figure(&mut rates[n], 0), figure(&mut costs[n], 1));
        println!("  {name:8} {rate}   {cost}");
    }
    let ratio = |of: &mut [Vec<f64>; 3]| median(&mut of[1]) / median(&mut of[2]);
    println!(
        "  router to nginx: {:.2} of its throughput (aim: at least 0.5), {:.2} of its processor time",
        ratio(&mut rates),
        ratio(&mut costs)
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn figure(values: &mut [f64], digits: usize) -> String {
    let middle = median(values);
    let (least, most) = (values[0], values[values.len() - 1]);
    format!("{middle:.digits$} ({least:.digits$} to {most:.digits$})")
}

/// How long each request took, in ms, the shortest first.
async fn latencies(address: SocketAddr) -> Vec<f64> {
    let mut clients = JoinSet::new();
    let pace = Duration::from_secs(1) * CONNECTIONS / RATE;
    for n in 0..CONNECTIONS {
        clients.spawn(client(address, pace, pace * n / CONNECTIONS));
    }
    let mut times = clients.join_all().await.concat();
    times.sort_by(f64::total_cmp);
    times
}

async fn client(address: SocketAddr, pace: Duration, offset: Duration) -> Vec<f64> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut ticks = interval_at(tokio::time::Instant::now() + offset, pace);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut times = Vec::new();
    let end = Instant::now() + LASTING;
    while Instant::now() < end {
        ticks.tick().await;
        let request = hyper::Request::get("/").header("host", "a");
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let began = Instant::now();
        let answer = sender.send_request(request).await.unwrap();
        assert!(answer.status().is_success());
        answer.into_body().collect().await.unwrap();
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        sender.ready().await.unwrap();
    }
    times
}

/// Requests a second, and how many there were.
fn throughput(address: SocketAddr) -> (f64, f64) {
    let wrk = find("wrk", "apt-get install wrk");
    let mut command = on(1, &wrk);
    command.args(["-t1", "-c32", "-d3s", &format!("http://{address}/")]);
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(
        !output.contains("Non-2xx") && !output.contains("Socket errors"),
        "{output}"
    );
    let field = |before: &str, after: &str| {
        let (_, rest) = output.split_once(before)?;
        rest.split_once(after)?.0.trim().parse().ok()
    };
    let rate = field("Requests/sec:", "\n").unwrap_or_else(|| panic!("{output}"));
    let (head, _) = output.split_once(" requests in").unwrap();
    let requests = head.rsplit(char::is_whitespace).next().unwrap();
    (rate, requests.parse().unwrap())
}
