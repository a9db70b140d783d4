//! `cutover agent`: runs the agent on a host.

mod setup;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args as ClapArgs;
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
use crate::agent::layout::write_atomically;
use crate::agent::{Agent, AgentError, check};
use crate::model::name::Name;

/// The arguments of `cutover agent`. What is said here goes before what the configuration file says.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The configuration file; by default /etc/cutover-agent/agent.yml, if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check whether the agent could start here, and change nothing
    #[arg(long)]
    check: bool,
    /// The host's name, as the project knows it
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,
    /// Where orchestrators reach the agent: a loopback address, by default 127.0.0.1:7420; port 0 takes a free one
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
    if args.check {
        return Ok(check(&args));
    }
    let settings = Settings::of(&args).map_err(UsageError)?;
    // Nobody else may reach the port, not even for the moment until the agent itself refuses it.
    if !settings.listen.ip().is_loopback() {
        return Err(UsageError(AgentError::NotLoopback(settings.listen).to_string()).into());
    }
    settings.become_user().map_err(UsageError)?;
    let level = if settings.verbose { "debug" } else { "info" };
    match &settings.log_dir {
        None => host_log::to_stderr(level),
        Some(folder) => host_log::to_folder(folder, &settings.program, level)?,
    }
    for note in &settings.notes {
        tracing::info!("{note}");
    }
    // Before the agent says that it is ready, so that it can be ended from then on.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(settings.listen)
        .await
        .wrap_err_with(|| format!("listening on {}", settings.listen))?;
    let address = listener.local_addr()?;
    let agent = Agent::open(settings.config).await?;
    let pid_file = settings.pid_file.map(PidFile::write).transpose()?;
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
    drop(pid_file);
    Ok(Exit::Succeeded)
}

fn check(args: &Args) -> Exit {
    let findings = match Settings::of(args) {
        Err(message) => vec![check::Finding::problem("configuration", message)],
        Ok(settings) => {
            let mut findings = vec![check::Finding::ok("configuration", settings.source.clone())];
            for note in &settings.notes {
                findings.push(check::Finding::warning("configuration", note.clone()));
            }
            match settings.become_user() {
                Err(message) => findings.push(check::Finding::problem("user", message)),
                Ok(()) => findings.extend(check::host(
                    &settings.config,
                    settings.listen,
                    &settings.folders(),
                )),
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
