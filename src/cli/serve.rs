//! `cutover serve`: the orchestrator, in the foreground or, started by another command, in the background.

use std::time::Duration;

use color_eyre::eyre::WrapErr as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::task::AbortOnDropHandle;

use super::Exit;
use super::context::{Context, UsageError};
use crate::api::callbacks::Callbacks;
use crate::api::door::Door;
use crate::api::listener::Listeners;
use crate::api::server;
use crate::orchestrator::{Orchestrator, StartError};
use crate::store::audit::Audit;
use crate::store::fence::FenceError;

/// An orchestrator in the background ends after this time without work and without anybody connected.
const PATIENCE: Duration = Duration::from_secs(30);

/// Orchestrates the project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// End when nothing is left to do and nobody is connected
    #[arg(long)]
    background: bool,
    /// Go on from a copy of another orchestrator's state, which is gone for good: hosts obey that one no longer
    #[arg(long, conflicts_with = "background")]
    take_over: bool,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "cutover=info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let state = context.state()?;
    let _lock = state.lock()?;
    let socket = state.socket.clone();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let started = if args.take_over {
        Orchestrator::take_over(&state)
    } else {
        Orchestrator::start(&state)
    };
    let orchestrator = started.map_err(|error| match error {
        StartError::Fence(elsewhere @ FenceError::Elsewhere(_)) => {
            UsageError(elsewhere.to_string()).into()
        }
        other => color_eyre::Report::from(other),
    })?;
    let access = orchestrator.project().access.clone();
    let listeners = Listeners::bind(&socket, access.as_ref().map(|access| access.door.as_path()))?;
    let called = orchestrator.project().settings.hooks.clone();
    let called = called.map(|settings| settings.listen);
    let (audit, public) = (Audit::open(&state.audit()), listeners.door());
    let audit = audit.wrap_err_with(|| format!("{} can't be used", state.audit().display()))?;
    tracing::info!(socket = %socket.display(), door = ?public, hooks = called.clone().map(String::from), "orchestrating");

    let (watched, background) = (orchestrator.clone(), args.background);
    let end = async move {
        let idle = async {
            if background {
                watched.idle(PATIENCE).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("interrupted"),
            _ = terminate.recv() => tracing::info!("told to end"),
            () = watched.ended() => tracing::info!("asked to end"),
            () = idle => tracing::info!("nothing left to do"),
        }
    };
    let door = Door::new(orchestrator, audit);
    let _hooks = called.map(|listen| {
        let serving = tokio::spawn(Callbacks::listen(listen, door.clone()));
        AbortOnDropHandle::new(serving)
    });
    let served = server::serve(door, listeners, end).await;
    // Nobody is there any more to answer; the next orchestrator makes its own.
    for socket in std::iter::once(socket).chain(public) {
        let _gone = std::fs::remove_file(&socket);
    }
    served.wrap_err("the socket failed")?;
    Ok(Exit::Succeeded)
}
