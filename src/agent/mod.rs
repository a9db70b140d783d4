//! The host agent: takes orders over HTTP, runs lifecycle events, and streams what happens.
//!
//! It has two parts: the [`front`] is what the network reaches, and the executor what touches the host. They talk over a
//! `link` and in no other way.
//!
//! What it knows is the fold of its log (`log`), so it can be killed at any moment and carries on: an execution is
//! run once, whatever crashes, and no script ever starts twice.

mod admission;
pub mod check;
pub mod commands;
pub mod config;
pub mod core;
mod download;
mod events;
mod executor;
pub mod facts;
pub mod front;
pub(crate) mod haproxy;
mod hooks;
mod http;
pub mod inspect;
pub(crate) mod install;
pub(crate) mod layout;
mod link;
mod listen;
pub mod local;
pub mod log;
pub mod metadata;
mod orders;
pub(crate) mod process;
mod progress;
pub mod protocol;
mod report;
mod retention;
mod revision;
mod script_log;
pub mod secrets;
pub(crate) mod task_sets;
pub mod trust;
mod unpack;
mod upstream;

use std::fs::{File, TryLockError};
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::store::bundles::{BundleError, Bundles};
use commands::Commands;
pub use config::Config;
use executor::Executor;
use front::FrontUser;
use haproxy::HaProxies;
pub(crate) use hooks::user;
use layout::Layout;
use link::{Parts, Servant};
use log::{Log, LogError};
use task_sets::TaskSets;
use trust::{Trust, TrustError};
use upstream::Upstreams;

/// Why the agent did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody can be trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Another agent uses the root.
    #[error("another agent is running on {0}")]
    Locked(PathBuf),
    /// The log cannot be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The bundles cannot be kept.
    #[error(transparent)]
    Bundles(#[from] BundleError),
    /// Something else failed.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: String,
        /// Why it failed.
        source: io::Error,
    },
}

fn io_error(context: impl Into<String>) -> impl FnOnce(io::Error) -> AgentError {
    let context = context.into();
    move |source| AgentError::Io { context, source }
}

/// An agent that has its files open and is ready to serve.
#[derive(Debug)]
pub struct Agent {
    executor: Arc<Executor>,
    task_sets: Arc<TaskSets>,
    servant: Arc<Servant>,
    front: Option<FrontUser>,
    failure: log::Failure,
    drain: Duration,
    /// Held as long as the agent lives.
    _lock: File,
}

impl Agent {
    /// Opens the agent's files and finds out what an earlier run left.
    ///
    /// # Errors
    ///
    /// When another agent uses the root, or its files cannot be read or written.
    pub async fn open(config: Config) -> Result<Self, AgentError> {
        let root = config.root.clone();
        let layout =
            Layout::open(&root).map_err(io_error(format!("opening {}", root.display())))?;
        let lock = lock(&config, &layout).await?;
        secrets::clear(layout.root());
        let boot = process::boot_id().map_err(io_error("asking the kernel for its boot id"))?;
        let trust = Arc::new(Trust::open(&layout)?);
        let commands = Commands::open(config.name.clone(), &layout.commands())
            .map_err(io_error("reading the commands that were obeyed"))?;
        let (log, failure) = Log::open(&layout.log(), &boot)?;
        let drain = config.drain;
        let bundles = Bundles::open(layout.bundles())?;
        let front = config.front.clone();
        let upstreams = Arc::new(Upstreams::open(&config, &layout, &boot));
        let haproxies = Arc::new(HaProxies::new(&config));
        let executor = Executor::new(config, layout, bundles, log, boot)?;
        let task_sets = TaskSets::open(
            &executor.config,
            &executor.layout,
            &executor.boot,
            executor.stopping(),
        )
        .map_err(io_error("reading the task sets"))?;
        let parts = Parts {
            executor: Arc::clone(&executor),
            upstreams,
            haproxies,
            task_sets: Arc::clone(&task_sets),
            trust,
            commands,
        };
        Ok(Self {
            servant: Servant::new(parts),
            executor,
            task_sets,
            front,
            failure,
            drain,
            _lock: lock,
        })
    }

    /// Serves until `shutdown` is ready. Then the agent takes no more orders and starts no more events, and waits for
    /// running ones as long as [`Config::drain`] says.
    ///
    /// # Errors
    ///
    /// When the agent may not listen there, see [`Trust::may_listen`], or the agent's log can no longer be written.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), AgentError> {
        let address = listener.local_addr().map_err(io_error("listening"))?;
        Trust::may_listen(&self.executor.layout, address)?;
        self.executor.resume();
        self.task_sets.resume();
        let stopping = self.executor.stopping();
        let mut serving = std::pin::pin!(front::run(self.front, listener, self.servant));
        let failed = tokio::select! {
            result = &mut serving => Some(result.map_or_else(io_error("serving"), |()| LogError::Closed.into())),
            Ok(error) = self.failure => Some(error.into()),
            () = shutdown => None,
        };
        stopping.cancel();
        if let Some(error) = failed {
            self.executor.abandon();
            self.task_sets.left().await;
            return Err(error);
        }
        // Requests that are under way may end, but cannot hold the agent up.
        let requests = timeout(self.drain.min(REQUESTS), serving);
        let (_, (), ()) = tokio::join!(
            requests,
            self.executor.drained(self.drain),
            self.task_sets.left()
        );
        Ok(())
    }
}

/// Opens an agent and serves until `shutdown` is ready.
///
/// # Errors
///
/// When it cannot be opened or cannot serve, see [`Agent::open`] and [`Agent::serve`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), AgentError> {
    Agent::open(config).await?.serve(listener, shutdown).await
}

/// How long requests may take that are under way when the agent is told to end. An upload begins again later.
const REQUESTS: Duration = Duration::from_secs(5);

/// A process that an agent forked just before it was killed holds the agent's lock until it becomes the script it is for.
/// That is a matter of milliseconds; an agent that runs keeps its lock longer.
const FORKED: Duration = Duration::from_secs(2);

async fn lock(config: &Config, layout: &Layout) -> Result<File, AgentError> {
    let path = layout.lock();
    let context = || io_error(format!("locking {}", path.display()));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(context())?;
    let patience = tokio::time::Instant::now() + FORKED;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < patience => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => return Err(AgentError::Locked(config.root.clone())),
            Err(TryLockError::Error(error)) => return Err(context()(error)),
        }
    }
}
