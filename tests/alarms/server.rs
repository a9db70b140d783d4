//! A real Prometheus server, and what it watches: a service of two hosts with as many errors as a test wants.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use cutover::model::timestamp::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::alertmanager::Alertmanager;
use crate::program::{Program, find, free_port};
use crate::reading::{read, until};

/// The share of errors by host.
pub const ERRORS: &str =
    "sum by (host) (rate(errors_total[2s])) / sum by (host) (rate(requests_total[2s]))";

/// A service that counts: each time that it is asked for its counters, every host has had 100 more requests.
pub struct Service {
    state: Arc<Counters>,
    address: String,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Counters {
    asked: AtomicU64,
    /// Of a hundred requests to web-2, so many end in an error.
    share: AtomicU64,
    errors: AtomicU64,
}

impl Service {
    pub async fn start() -> Self {
        let state = Arc::new(Counters::default());
        let routes = Router::new()
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            state,
            address,
            serving,
        }
    }

    /// So many of a hundred requests to web-2 end in an error from now on. Returns when Prometheus has seen that.
    pub async fn fail(&self, share: u64) {
        self.state.share.store(share, Ordering::Relaxed);
        let asked = self.state.asked.load(Ordering::Relaxed);
        until("scraped", async || {
            // Each answer is stored before the next is asked for.
            self.state.asked.load(Ordering::Relaxed) > asked + 3
        })
        .await;
    }

    /// Where it serves, which is no Prometheus server.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn metrics(State(counters): State<Arc<Counters>>) -> String {
    let asked = 1 + counters.asked.fetch_add(1, Ordering::Relaxed);
    let share = counters.share.load(Ordering::Relaxed);
    let errors = share + counters.errors.fetch_add(share, Ordering::Relaxed);
    let mut text = String::new();
    for (host, errors) in [("web-1", 0), ("web-2", errors)] {
        writeln!(text, "requests_total{{host=\"{host}\"}} {}", 100 * asked).unwrap();
        writeln!(text, "errors_total{{host=\"{host}\"}} {errors}").unwrap();
        writeln!(text, "idle_total{{host=\"{host}\"}} 0").unwrap();
    }
    text
}

/// A Prometheus server. It ends when this is dropped.
pub struct Prometheus {
    folder: TempDir,
    port: u16,
    program: Option<Program>,
}

impl Prometheus {
    /// Starts one that watches a service, closely.
    pub async fn start(service: &Service) -> Self {
        Self::evaluating(service, "200ms", None).await
    }

    /// The same, with its rules evaluated as often as this, and its alerts sent on.
    pub async fn evaluating(
        service: &Service,
        interval: &str,
        alerts: Option<&Alertmanager>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let alerts = alerts.map_or_else(String::new, |to| {
            let target = to.target();
            format!(
                "alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['{target}'] }}] }}] }}\n"
            )
        });
        let configuration = format!(
            "\
global: {{ scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: {interval} }}
rule_files: [rules.yml]
{alerts}\
scrape_configs:
  - job_name: service
    static_configs: [{{ targets: ['{}'] }}]
",
            service.address
        );
        let rules = format!(
            "\
groups:
  - name: service
    rules:
      - {{ record: errors:share, expr: '{ERRORS}' }}
      - {{ alert: HighErrors, expr: '{ERRORS} > 0.05', for: 600ms }}
      - {{ alert: Waiting, expr: vector(1), for: 1h }}
      - {{ alert: Broken, expr: errors_total + on() errors_total }}
"
        );
        std::fs::write(folder.path().join("prometheus.yml"), configuration).unwrap();
        std::fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let mut server = Self {
            folder,
            port: free_port(),
            program: None,
        };
        server.up().await;
        server
    }

    /// Starts it, or starts it again, where it was.
    pub async fn up(&mut self) {
        let mut command = Command::new(find("prometheus", "apt-get install prometheus"));
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address=127.0.0.1:{}", self.port));
        let mut program = Program::start(command, self.folder.path());
        let ready = format!("{}/-/ready", self.address());
        let http = reqwest::Client::new();
        let is_ready = async || {
            let answer = http.get(&ready).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        program.until("prometheus is ready", is_ready).await;
        self.program = Some(program);
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An alarm's source: this query above this limit.
    pub fn above(&self, query: &str, limit: &str) -> String {
        let address = self.address();
        format!("{{ prometheus: {{ address: '{address}', query: '{query}', above: {limit} }} }}")
    }

    /// An alarm's source: this alert.
    pub fn alert(&self, name: &str) -> String {
        let address = self.address();
        format!("{{ prometheus: {{ address: '{address}', alert: {name} }} }}")
    }

    /// Waits until the service's rate can be told.
    pub async fn warm(&self) {
        until("a rate", async || {
            let reading = read(self.folder.path(), &self.above(ERRORS, "0.05")).await;
            reading.unwrap().state == cutover::model::alarm::AlarmState::Ok
        })
        .await;
    }

    /// When a series was above this limit first, within the last minute, by what it has recorded itself.
    pub async fn first_above(&self, series: &str, limit: f64) -> Option<Timestamp> {
        let query = format!("{series}[1m]");
        let asked = reqwest::Client::new()
            .get(format!("{}/api/v1/query", self.address()))
            .query(&[("query", &*query)]);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        let found = answer["data"]["result"].as_array().unwrap();
        let samples = found
            .iter()
            .flat_map(|one| one["values"].as_array().unwrap());
        let above = samples.filter(|sample| {
            let value: f64 = sample[1].as_str().unwrap().parse().unwrap();
            value > limit
        });
        let times = above.map(|sample| sample[0].as_f64().unwrap());
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a date")]
        let milliseconds = times.map(|seconds| (seconds * 1000.0).round() as i64);
        milliseconds.min().map(Timestamp)
    }

    /// Its folder, for readings.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}
