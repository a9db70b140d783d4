//! The lab's third application: a function whose traffic shifts step by step, without hosts. Its versions are servers behind a
//! route of the router, and one process serves and calls them all.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::try_join_all;

use super::fleet::{Fleet, LabError, context, not_started};
use super::launch::launch;
use super::process::Process;
use super::project::write_file;
use super::record::{Record, Thumbs};
use super::{instance, requests};

/// Its name, and that of its route and load balancer.
pub const APPLICATION: &str = "thumbs";

/// Its deployment group, and the alias.
pub const DEPLOYMENT_GROUP: &str = "live";

/// The version that has the traffic at first.
const FIRST: u64 = 1;

/// What is shifted to when somebody looks.
pub const SECOND: &str = "thumbs-2";

/// Its revisions: what each is called, the version that it brings, and what has the last word.
const REVISIONS: [(&str, u64, &str); 2] = [
    (SECOND, 2, "thumbs-agrees"),
    ("thumbs-3-broken", 3, "thumbs-objects"),
];

/// How many versions there are.
pub(super) const VERSIONS: usize = 3;

/// Calls a second.
const RATE: u32 = 20;

/// How long its process may take to serve.
const START: Duration = Duration::from_secs(10);

/// The group's document.
const GROUP: &str = "applicationName: thumbs
deploymentGroupName: live
# A tenth of the traffic more every minute; `--speed` of the lab says how long its minutes are.
deploymentConfigName: CodeDeployDefault.LambdaLinear10PercentEvery1Minute
autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM] }
";

/// The revisions to be registered: what each is called, and its file below the lab's folder.
pub fn revisions() -> impl Iterator<Item = (&'static str, String)> {
    REVISIONS
        .into_iter()
        .map(|(label, ..)| (label, format!("revisions/{label}.yaml")))
}

/// Writes its documents, and what its versions are.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    let file = |path: &str, text: &str| write_file(folder, path, text);
    let application = "applicationName: thumbs\ncomputePlatform: Lambda\n";
    file("applications/thumbs/application.yaml", application)?;
    file("applications/thumbs/live.yaml", GROUP)?;
    for ((label, version, last), (_, path)) in REVISIONS.into_iter().zip(revisions()) {
        // The first says what it takes over from: nothing was deployed before it.
        let from = if label == SECOND {
            format!("\n        CurrentVersion: {FIRST}")
        } else {
            String::new()
        };
        let text = format!(
            "version: 0.0
Resources:
  - thumbs:
      Type: AWS::Lambda::Function
      Properties:
        Name: {APPLICATION}
        Alias: {DEPLOYMENT_GROUP}{from}
        TargetVersion: {version}
Hooks:
  - BeforeAllowTraffic: thumbs-agrees
  - AfterAllowTraffic: {last}
"
        );
        file(&path, &text)?;
    }
    for version in 1..=VERSIONS {
        let release = format!("version={version}\n");
        file(&format!("{}/release.conf", home(version)), &release)?;
    }
    Ok(())
}

/// Where a version is kept, below the lab's folder.
fn home(version: usize) -> String {
    format!("functions/thumbs/{version}")
}

/// Adds its connections to those in `cutover.yaml`.
pub(super) fn connect(connections: &mut serde_json::Value, parts: &Thumbs, admin: SocketAddr) {
    if let Some(balancers) = connections["loadBalancers"].as_array_mut() {
        balancers.push(serde_json::json!({
            "name": APPLICATION,
            "provider": { "router": { "admin": format!("http://{admin}"), "route": APPLICATION } },
        }));
    }
    let hook = |name: &str, script: &str| serde_json::json!({ "name": name, "via": { "command": { "run": ["sh", "-c", script] } } });
    connections["hooks"] = serde_json::json!([
        hook("thumbs-agrees", "sleep 2"),
        hook(
            "thumbs-objects",
            "sleep 2; echo 'thumbnails are upside down' >&2; exit 1"
        ),
    ]);
    let versions: serde_json::Map<_, _> = (1..)
        .zip(&parts.versions)
        .map(|(number, at)| {
            let number: u64 = number;
            (number.to_string(), serde_json::json!(at.to_string()))
        })
        .collect();
    connections["functions"] = serde_json::json!([{
        "name": APPLICATION,
        "alias": DEPLOYMENT_GROUP,
        "via": { "endpoints": { "loadBalancer": APPLICATION, "versions": versions } },
    }]);
}

/// Its route, as the router's document lists it.
pub(super) fn route(parts: &Thumbs) -> String {
    let mut text = format!(
        "  - name: {APPLICATION}
    listen: {}
    health: {{ path: /health, intervalMillis: 250, rise: 1, fall: 2 }}
    servers:
",
        parts.front
    );
    if let Some(at) = parts.versions.first() {
        // Writing to a text can't fail.
        let _ = writeln!(
            text,
            "      - {{ name: {APPLICATION}-{FIRST}, endpoint: '{at}' }}"
        );
    }
    text
}

impl Fleet {
    /// Whether the lab has the function. One that an older version started has not.
    pub fn has_function(&self) -> bool {
        self.record.thumbs.is_some()
    }

    /// Where the router takes its requests.
    pub fn function_front(&self) -> Option<SocketAddr> {
        self.record.thumbs.as_ref().map(|thumbs| thumbs.front)
    }

    /// Sees to it that the function is served and called, if the lab has one, and says whether that had to be started.
    ///
    /// # Errors
    /// If the process does not start.
    pub async fn serve_function(&mut self) -> Result<bool, LabError> {
        let _alone = self.alone().await?;
        let Some(thumbs) = &mut self.record.thumbs else {
            return Ok(false);
        };
        if thumbs.process.is_some_and(Process::runs) {
            return Ok(false);
        }
        let log = self.folder.join("thumbs.log");
        let process = launch(&log, |command| {
            command.args(["lab", "function", "--dir"]).arg(&self.folder);
        })
        .map_err(context("the function can't be started"))?;
        thumbs.process = Some(process);
        let versions = thumbs.versions.clone();
        self.save()?;
        let deadline = tokio::time::Instant::now() + START;
        while process.runs() && tokio::time::Instant::now() < deadline {
            let mut answers = true;
            for at in &versions {
                answers &= tokio::net::TcpStream::connect(at).await.is_ok();
            }
            if answers {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(not_started("the function", log))
    }
}

/// Serves the versions of the lab in this folder, and calls the function, until told to end.
///
/// # Errors
/// If there is no such lab, or an address is taken.
pub async fn serve(folder: &Path) -> io::Result<()> {
    let thumbs = Record::read(folder).and_then(|record| record.thumbs);
    let thumbs = thumbs.ok_or_else(|| io::Error::other("no lab with a function is there"))?;
    let versions = (1..).zip(&thumbs.versions).map(|(version, at)| {
        let home = folder.join(home(version));
        async move { instance::serve(&format!("{APPLICATION}-{version}"), *at, &home).await }
    });
    let counts = folder.join("thumbs.json");
    tokio::select! {
        served = try_join_all(versions) => served.map(|_| ()),
        sent = call(thumbs.front, &counts) => sent,
    }
}

/// Calls it, from when it answers first: the router finds it well a moment after it serves.
async fn call(front: SocketAddr, counts: &Path) -> io::Result<()> {
    while instance::health_of(front).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    requests::send(front, RATE, counts).await
}
