//! The door of an orchestrator, as far as a cockpit that watches needs it: the very items, over the very socket, at a pace of the
//! benchmark's.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use cutover::api::feed::{FeedItem, OutputLine};
use cutover::api::server::Route;
use cutover::api::snapshot::{Ping, Snapshot};
use cutover::engine::{Deployment, Record};
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::output::OutputSource;
use cutover::model::project::Project;
use tokio_stream::wrappers::ReceiverStream;

/// Entries that are told at once, and how often.
const BATCH: (usize, Duration) = (10, Duration::from_millis(10));
/// A line of output is shorter.
const SHORT: usize = 4096;
/// How often a silent feed says that it lives.
const ALIVE: Duration = Duration::from_secs(3);

pub struct Door {
    pub socket: PathBuf,
    /// Whether entries are told: a thousand a second.
    pub busy: Arc<AtomicBool>,
    _folder: tempfile::TempDir,
    /// Ends with it.
    _runtime: tokio::runtime::Runtime,
}

impl Door {
    /// A door that shows this deployment, tells of these entries from then on, and has so many lines of output of the first that is asked for.
    pub fn open(
        project: Project,
        deployment: &Deployment,
        records: Vec<Record>,
        lines: usize,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("door");
        let busy = Arc::new(AtomicBool::new(false));
        let output: Bytes = output(deployment, lines).into();
        let snapshot = line(&FeedItem::Snapshot(Box::new(snapshot(project, deployment))));
        let id = deployment.id().clone();
        let records = records.into_iter().map(move |record| {
            let deployment = id.clone();
            line(&FeedItem::Record { deployment, record })
        });
        let story = Arc::new((snapshot, records.collect::<Vec<String>>()));
        let told = Arc::clone(&busy);
        let feed = move || async move {
            let (sender, items) = tokio::sync::mpsc::channel(4);
            tokio::spawn(tell(story, told, sender));
            Body::from_stream(ReceiverStream::new(items))
        };
        // What the first instance wrote is long. All is answered at once, and stays open, as where something still comes.
        let asked = Arc::new(AtomicBool::new(false));
        let output = move || async move {
            use futures_util::StreamExt as _;
            let short = output.iter().take(SHORT).position(|byte| *byte == b'\n');
            let output = if asked.swap(true, Ordering::Relaxed) {
                output.slice(..short.map_or(0, |end| end + 1))
            } else {
                output
            };
            let all = futures_util::stream::iter([Ok::<_, Infallible>(output)]);
            Body::from_stream(all.chain(futures_util::stream::pending()))
        };
        let routes = Router::new()
            .route(Route::Ping.path(), get(|| async { Json(Ping::here()) }))
            .route(Route::Feed.path(), get(feed))
            .route(Route::Output.path(), get(output))
            .fallback(|| async { StatusCode::NOT_FOUND });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listener = {
            let _entered = runtime.enter();
            tokio::net::UnixListener::bind(&socket).unwrap()
        };
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self {
            socket,
            busy,
            _folder: folder,
            _runtime: runtime,
        }
    }

    pub fn path(&self) -> &Path {
        &self.socket
    }
}

fn line(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap() + "\n"
}

/// The snapshot, then the entries as long as they last.
async fn tell(
    story: Arc<(String, Vec<String>)>,
    busy: Arc<AtomicBool>,
    to: tokio::sync::mpsc::Sender<Result<Bytes, Infallible>>,
) {
    let alive = line(&FeedItem::Alive);
    let (snapshot, records) = &*story;
    let mut items = records.chunks(BATCH.0);
    let mut beat = tokio::time::interval(BATCH.1);
    let mut said = tokio::time::Instant::now();
    let mut next = Some(snapshot.clone());
    loop {
        if let Some(text) = next.take() {
            said = tokio::time::Instant::now();
            if to.send(Ok(text.into())).await.is_err() {
                return;
            }
        }
        beat.tick().await;
        if busy.load(Ordering::Relaxed) {
            next = items.next().map(<[String]>::concat);
        }
        if next.is_none() && said.elapsed() >= ALIVE {
            next = Some(alive.clone());
        }
    }
}

fn snapshot(project: Project, deployment: &Deployment) -> Snapshot {
    let ping = Ping::here();
    Snapshot {
        pid: ping.pid,
        version: ping.version,
        project,
        problems: Vec::new(),
        person: None,
        deployments: vec![cutover::engine::Summary::from(deployment)],
        active: vec![deployment.clone()],
        ledgers: Vec::new(),
        revisions: Vec::new(),
        hosts: Vec::new(),
        alarms: Vec::new(),
        freezes: Vec::new(),
        traffic: Vec::new(),
        tasks: Vec::new(),
        looks: Vec::new(),
    }
}

fn output(deployment: &Deployment, lines: usize) -> String {
    let execution = deployment
        .targets
        .iter()
        .find_map(|target| target.execution.clone());
    let Some(execution) = execution else {
        return String::new();
    };
    let lines = (1..=lines).map(|number| OutputLine {
        execution: execution.clone(),
        seq: number as u64,
        at: deployment.create_time,
        event: LifecycleEvent::ApplicationStart,
        source: OutputSource::Stdout,
        text: format!(
            "{number}: the quick brown fox jumps over the lazy dog and starts the server"
        ),
    });
    lines.map(|one| line(&one)).collect()
}
