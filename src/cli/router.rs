//! `cutover router`: the reverse proxy that comes with this program.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::context::UsageError;
use super::{Exit, host_log};
use crate::router::{Config, Router};

/// The arguments of `cutover router`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The router's document
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Forget the last splits, and begin with what is configured
    #[arg(long)]
    reset: bool,
    /// Check the document, and serve nothing
    #[arg(long, conflicts_with = "reset")]
    check: bool,
}

/// Serves until told to end (SIGINT or SIGTERM); requests in flight may finish.
pub(super) async fn run(args: &Args) -> color_eyre::Result<Exit> {
    let config = Config::read(&args.config).map_err(|error| UsageError(error.to_string()))?;
    if args.check {
        return Ok(Exit::Succeeded);
    }
    host_log::to_stderr("cutover=info");
    // Before anybody can reach it, so that it can be ended from then on.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let router = Router::bind(&config, args.reset).await?;
    for (route, address) in router.routes() {
        tracing::info!("route {route} on http://{address}");
    }
    if let Some(admin) = router.admin() {
        tracing::info!("admin door on http://{admin}");
    }
    let end = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending: requests in flight may finish");
    };
    router.serve(end).await;
    Ok(Exit::Succeeded)
}
