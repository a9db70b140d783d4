//! `cutover agent`: runs the agent on a host.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use color_eyre::eyre::WrapErr;
use nix::sys::stat::{Mode, umask};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::Exit;
use super::context::UsageError;
use crate::agent::layout::write_atomically;
use crate::agent::{Agent, AgentError, Config};
use crate::model::name::Name;

/// The arguments of `cutover agent`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The host's name, as the project knows it
    #[arg(long, value_name = "NAME")]
    name: Name,
    /// Where orchestrators reach the agent: a loopback address; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7420")]
    listen: SocketAddr,
    /// The folder in which the agent keeps its own files
    #[arg(long, value_name = "DIR", default_value = "/var/lib/cutover-agent")]
    root: PathBuf,
    #[arg(
        long,
        value_name = "DIR",
        help = "Place everything that is installed below this folder; scripts see it as INSTALL_ROOT"
    )]
    install_root: Option<PathBuf>,
    /// Write the agent's address to this file, once it serves
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Runs the agent until it is told to end (SIGINT or SIGTERM). Running events may finish within a minute; what runs
/// longer is ended and reported by the agent's next start.
///
/// # Errors
///
/// When the agent cannot start, or can no longer write its log.
pub async fn run(args: Args) -> color_eyre::Result<Exit> {
    log_to_stderr();
    // What scripts and Install create is readable by others, whoever started the agent.
    umask(Mode::from_bits_truncate(0o022));
    // Nobody else may reach the port, not even for the moment until the agent itself refuses it.
    if !args.listen.ip().is_loopback() {
        return Err(UsageError(AgentError::NotLoopback(args.listen).to_string()).into());
    }
    let mut config = Config::new(args.name, args.root);
    config.install_root = args.install_root;
    // Before the agent says that it is ready, so that it can be ended from then on.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(args.listen)
        .await
        .wrap_err_with(|| format!("listening on {}", args.listen))?;
    let address = listener.local_addr()?;
    let agent = Agent::open(config).await?;
    if let Some(file) = &args.ready_file {
        write_atomically(file, format!("http://{address}").as_bytes())
            .wrap_err_with(|| format!("writing {}", file.display()))?;
    }
    tracing::info!("serving on http://{address}");
    let shutdown = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending: running events may finish");
    };
    agent.serve(listener, shutdown).await?;
    Ok(Exit::Succeeded)
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second initialisation means that somebody else set it up already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .try_init();
}
