//! `cutover agent`: runs the agent on a host, and says whom it obeys.

mod audit;
mod join;
mod setup;
mod task;
mod unit;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use color_eyre::eyre::WrapErr;
use nix::sys::stat::{Mode, umask};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::setup::Settings;
use super::Exit;
use super::context::UsageError;
use super::descriptors;
use super::host_log;
use super::print::say;
use crate::agent::layout::Layout;
use crate::agent::trust::Trust;
use crate::agent::{Agent, check, front, secrets};
use crate::model::name::Name;
use crate::store::files::write_atomically;

/// The arguments of `cutover agent`. What is said here goes before what the configuration file says.
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The configuration file; by default /etc/cutover-agent/agent.yml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check whether the agent could start here, and change nothing
    #[arg(long)]
    check: bool,
    /// The host's name, as the project knows it
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,
    /// Where orchestrators reach the agent, by default 127.0.0.1:7420; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The folder in which the agent keeps its own files, by default /var/lib/cutover-agent
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
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

/// What there is to do besides running the agent.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Make this host's key, and expect the orchestrator that gave the token
    Join(join::Args),
    /// Show this host's key, and those of the orchestrators that it obeys
    Keys(join::Keys),
    /// Obey an orchestrator no longer, at once
    Forget(join::Forget),
    /// Show who commanded what on this host, or prove that nothing of it was changed
    Audit(audit::Args),
    /// What the network reaches; the agent starts it by itself
    #[command(hide = true)]
    Front,
    /// What becomes a task of a task set; the agent starts it by itself
    #[command(hide = true)]
    Task(task::Args),
}

/// Runs the agent until it is told to end (SIGINT or SIGTERM). Running events may finish within a minute, or what the
/// configuration says; what runs longer is ended and reported by the agent's next start.
///
/// # Errors
///
/// When the agent cannot start, or can no longer write its log.
pub async fn run(args: Args) -> color_eyre::Result<Exit> {
    descriptors::close_inherited();
    // What scripts and Install create is readable by others, whoever started the agent.
    umask(Mode::from_bits_truncate(0o022));
    match &args.verb {
        Some(Verb::Join(args)) => return join::run(args).await,
        Some(Verb::Keys(args)) => return join::keys(args),
        Some(Verb::Forget(args)) => return join::forget(args),
        Some(Verb::Audit(args)) => return audit::run(args),
        Some(Verb::Front) => {
            host_log::to_stderr("warn");
            front::process::run().await?;
            return Ok(Exit::Succeeded);
        }
        Some(Verb::Task(args)) => return task::run(args),
        None => {}
    }
    if args.check {
        return Ok(check(&args).await);
    }
    let mut settings = Settings::of(&args).map_err(UsageError)?;
    settings.become_user().map_err(UsageError)?;
    let front = settings.front().map_err(UsageError)?;
    let level = if settings.verbose { "debug" } else { "info" };
    match &settings.log_dir {
        None => host_log::to_stderr(level),
        Some(folder) => host_log::to_folder(folder, &settings.program, level)?,
    }
    for note in &settings.notes {
        tracing::info!("{note}");
    }
    if let Some(user) = &front {
        tracing::info!("the front runs as {}", user.name);
    }
    settings.config.front = front;
    // Before the agent says that it is ready, so that it can be ended from then on.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let layout = Layout::of(&settings.config.root);
    // Nobody may reach the port, not even for the moment until the agent itself refuses it.
    Trust::may_listen(&layout, settings.listen).map_err(|error| UsageError(error.to_string()))?;
    let listener = bind(settings.listen)
        .await
        .wrap_err_with(|| format!("listening on {}", settings.listen))?;
    let address = listener.local_addr()?;
    let scheme = if layout.key().exists() {
        "https"
    } else {
        "http"
    };
    let agent = Agent::open(settings.config).await?;
    let pid_file = settings.pid_file.map(PidFile::write).transpose()?;
    if let Some(file) = &args.ready_file {
        write_atomically(file, format!("{scheme}://{address}").as_bytes())
            .wrap_err_with(|| format!("writing {}", file.display()))?;
    }
    tracing::info!("serving on {scheme}://{address}");
    let shutdown = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending: running events may finish");
    };
    agent.serve(listener, shutdown).await?;
    drop(pid_file);
    Ok(Exit::Succeeded)
}

/// The front of an agent that was just killed may hold the port for a moment longer: it ends because the agent did.
const LEFT: Duration = Duration::from_secs(2);

async fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let patience = tokio::time::Instant::now() + LEFT;
    loop {
        match TcpListener::bind(listen).await {
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && tokio::time::Instant::now() < patience =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            bound => return bound,
        }
    }
}

async fn check(args: &Args) -> Exit {
    let findings = match Settings::of(args) {
        Err(message) => vec![check::Finding::problem("configuration", message)],
        Ok(settings) => {
            let mut findings = vec![check::Finding::ok("configuration", settings.source.clone())];
            for note in &settings.notes {
                findings.push(check::Finding::warning("configuration", note.clone()));
            }
            if let Err(message) = settings.become_user() {
                findings.push(check::Finding::problem("user", message));
            } else {
                let folders = settings.folders();
                findings.extend(check::host(&settings.config, settings.listen, &folders));
                findings.push(check::front(settings.front()));
                findings.extend(secrets::findings(&settings.config.secrets).await);
            }
            findings
        }
    };
    for finding in &findings {
        say(finding);
    }
    if findings.iter().any(check::Finding::is_problem) {
        Exit::Failed
    } else {
        Exit::Succeeded
    }
}

/// The file that tells others which process the agent is. It goes with the agent.
struct PidFile(PathBuf);

impl PidFile {
    fn write(path: PathBuf) -> color_eyre::Result<Self> {
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder)
            .and_then(|()| write_atomically(&path, format!("{}\n", std::process::id()).as_bytes()))
            .wrap_err_with(|| format!("writing {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A file that is left names a process that is gone, which whoever reads it has to expect anyway.
        let _ = fs::remove_file(&self.0);
    }
}
