//! `cutover local`: deploys a bundle to this host alone, with the options of `codedeploy-local`.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use nix::sys::stat::{Mode, umask};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::descriptors;
use super::host_log;
use super::print::{note, say};
use super::{Exit, Output};
use crate::agent::AgentError;
use crate::agent::config::{Config, DEFAULT_ROOT, File};
use crate::agent::local::events::Events;
use crate::agent::local::{
    self, Deployment, Failure, Kind, Outcome, Refusal, Source, Type, check_group_id,
};
use crate::agent::protocol::{Message, What};
use crate::model::deployment::FileExistsBehavior;
use crate::model::lifecycle::LifecycleEvent;
use crate::model::output::OutputSource;
use crate::text::safe;

/// The run's log in the folder that the configuration names is called like this.
const LOG: &str = "codedeploy-local";

/// The host's name where the configuration has none; nobody is told.
const HOST: &str = "localhost";

/// Deploys a bundle to this host.
#[derive(Debug, clap::Args)]
#[command(
    version,
    disable_version_flag = true,
    after_help = "What it leaves on the host is what a deployment by the agent leaves. It waits while the agent runs a deployment of the same group.\n\nExit codes: 0 the deployment succeeded, 1 it failed or could not begin, 2 wrong usage."
)]
pub(super) struct Args {
    /// The bundle: a folder or an archive
    #[arg(short = 'l', long, value_name = "PATH", default_value = ".")]
    bundle_location: String,
    /// What the bundle is
    #[arg(short = 't', long = "type", value_enum, default_value = "directory")]
    bundle_type: Type,
    /// What happens with files that exist and are not the deployment group's; the AppSpec goes before it
    #[arg(
        short = 'b',
        long,
        value_enum,
        ignore_case = true,
        default_value = "DISALLOW"
    )]
    file_exists_behavior: Behavior,
    /// The deployment group's id: names the folder on the host, so that the id of a real group acts on its files
    #[arg(
        short = 'g',
        long,
        value_name = "ID",
        default_value = "default-local-deployment-group"
    )]
    deployment_group: String,
    #[arg(
        short = 'd',
        long,
        value_name = "NAME",
        default_value = "LocalFleet",
        help = "What the scripts see as DEPLOYMENT_GROUP_NAME"
    )]
    deployment_group_name: String,
    #[arg(
        short = 'a',
        long,
        value_name = "NAME",
        help = "What the scripts see as APPLICATION_NAME; by default the bundle's location"
    )]
    application_name: Option<String>,
    #[arg(
        short = 'e',
        long,
        value_name = "EVENT,…",
        help = "The lifecycle events to run, in this order; all by default. DownloadBundle and Install are put first if they are missing. The AppSpec may have events of its own"
    )]
    events: Option<String>,
    /// Run exactly the events of --events
    #[arg(long, requires = "events")]
    exactly: bool,
    /// The agent's configuration file: says where state and logs go
    #[arg(short = 'c', long, value_name = "FILE")]
    agent_configuration_file: Option<PathBuf>,
    /// The name of the bundle's AppSpec, if it is not appspec.yml or appspec.yaml
    #[arg(short = 'A', long, value_name = "NAME")]
    appspec_filename: Option<String>,
    #[arg(
        long,
        value_name = "DIR",
        help = "Place everything that is installed below this folder, to rehearse; scripts see it as INSTALL_ROOT"
    )]
    root: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Print the version
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    version: (),
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Behavior {
    #[value(name = "DISALLOW")]
    Disallow,
    #[value(name = "OVERWRITE")]
    Overwrite,
    #[value(name = "RETAIN")]
    Retain,
}

impl From<Behavior> for FileExistsBehavior {
    fn from(behavior: Behavior) -> Self {
        match behavior {
            Behavior::Disallow => Self::Disallow,
            Behavior::Overwrite => Self::Overwrite,
            Behavior::Retain => Self::Retain,
        }
    }
}

impl clap::ValueEnum for Type {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Tgz, Self::Tar, Self::Zip, Self::Directory]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Tgz => "tgz",
            Self::Tar => "tar",
            Self::Zip => "zip",
            Self::Directory => "directory",
        }))
    }
}

/// Deploys, prints what happens, and answers how it ended.
///
/// # Errors
///
/// When the deployment cannot be watched; one that fails is no error, but an exit code.
pub(super) async fn run(args: Args) -> color_eyre::Result<Exit> {
    descriptors::close_inherited();
    // What scripts and Install create is readable by others, whoever starts the deployment.
    umask(Mode::from_bits_truncate(0o022));
    let (deployment, config) = match prepare(&args) {
        Ok(prepared) => prepared,
        Err(refusal) => return Ok(refuse(&args, &refusal)),
    };
    if args.output == Output::Text && !deployment.events.added.is_empty() {
        let added = deployment.events.added.iter().map(|event| event.name());
        let added = added.collect::<Vec<_>>().join(" and ");
        note(format_args!(
            "{added} added to the events; --exactly runs no other than the listed ones"
        ));
    }
    let interrupts = interrupts()?;
    let mut narrator = Narrator::default();
    let watch = |message: &Message| {
        log(message);
        if args.output == Output::Text {
            narrator.tell(message);
        }
    };
    match local::deploy(config, &deployment, interrupts, watch).await {
        Ok(outcome) => Ok(finish(&args, &outcome)),
        Err(error) => {
            let kind = match error {
                AgentError::Bundles(_) => Kind::BundleInvalid,
                _ => Kind::AgentFailed,
            };
            let message = error.to_string();
            Ok(refuse(&args, &Refusal { kind, message }))
        }
    }
}

fn prepare(args: &Args) -> Result<(Deployment, Config), Refusal> {
    let config = config(args)?;
    check_group_id(&args.deployment_group)?;
    let events = args.events.as_deref().map_or_else(
        || Ok(Events::all()),
        |list| {
            Events::read(list, args.exactly).map_err(|error| Refusal {
                kind: Kind::InvalidArguments,
                message: error.to_string(),
            })
        },
    )?;
    let location = &args.bundle_location;
    let appspec = args.appspec_filename.as_deref();
    let deployment = Deployment {
        source: Source::find(location, args.bundle_type, appspec)?,
        location: location.clone(),
        group_id: args.deployment_group.clone(),
        group_name: args.deployment_group_name.clone(),
        application: args.application_name.as_ref().unwrap_or(location).clone(),
        events,
        file_exists_behavior: args.file_exists_behavior.into(),
        appspec_filename: args.appspec_filename.clone(),
    };
    Ok((deployment, config))
}

/// What the configuration file says, and where the run's own log goes.
fn config(args: &Args) -> Result<Config, Refusal> {
    let invalid = |message: String| Refusal {
        kind: Kind::InvalidConfiguration,
        message,
    };
    let file = match &args.agent_configuration_file {
        Some(path) => File::read(path),
        None => File::read_default(),
    };
    let file = file.map_err(|error| invalid(error.to_string()))?;
    let name = file.name.clone().map_or_else(|| HOST.parse(), Ok);
    let name = name.map_err(|error| invalid(format!("{HOST}: {error}")))?;
    let mut config = Config::new(name, DEFAULT_ROOT.into());
    file.apply(&mut config);
    if args.root.is_some() {
        config.install_root.clone_from(&args.root);
    }
    match &file.log_dir {
        None => host_log::to_stderr("warn"),
        Some(folder) => host_log::to_folder(folder, LOG, "info")
            .map_err(|error| invalid(format!("{error:#}")))?,
    }
    Ok(config)
}

/// Signals that end the deployment. A terminal that goes away is one, unless the caller wants it to go on (`nohup`).
fn interrupts() -> color_eyre::Result<mpsc::Receiver<()>> {
    let (sender, receiver) = mpsc::channel(1);
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !hangups_are_ignored() {
        kinds.push(SignalKind::hangup());
    }
    for kind in kinds {
        let mut signals = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() && sender.send(()).await.is_ok() {}
        });
    }
    Ok(receiver)
}

fn hangups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is the first signal.
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 != 0))
}

/// Puts what happens into the run's own log.
fn log(message: &Message) {
    let execution = &message.execution;
    match &message.what {
        What::Accepted => tracing::info!("{execution}: begins"),
        What::EventStarted { event } => tracing::info!("{execution}: {event} starts"),
        What::EventEnded {
            event,
            status,
            diagnostics,
        } => {
            let why = diagnostics
                .as_ref()
                .map(|diagnostics| &*diagnostics.message);
            let why = why.map_or(String::new(), |message| format!(": {message}"));
            tracing::info!("{execution}: {event} {status:?}{why}");
        }
        What::Ended { end } => tracing::info!("{execution}: {end:?}"),
        What::Output { .. } => {}
    }
}

/// Prints what happens, as it happens. An event that has nothing to say takes one line.
#[derive(Debug, Default)]
struct Narrator {
    /// The event whose beginning was printed.
    open: Option<LifecycleEvent>,
}

impl Narrator {
    fn tell(&mut self, message: &Message) {
        match &message.what {
            What::Output {
                event,
                source,
                text,
            } => {
                if self.open != Some(*event) {
                    say(event);
                    self.open = Some(*event);
                }
                let source = match source {
                    OutputSource::Stdout => "[stdout]",
                    OutputSource::Stderr => "[stderr]",
                    OutputSource::Agent => "",
                };
                say(format_args!("  {source}{}", safe(text)));
            }
            What::EventEnded { event, status, .. } => say(format_args!("{event} {status:?}")),
            What::Accepted | What::EventStarted { .. } | What::Ended { .. } => {}
        }
    }
}

fn finish(args: &Args, outcome: &Outcome) -> Exit {
    let log = outcome.scripts_log.display();
    if args.output == Output::Json {
        say(as_json(outcome));
    } else if let Some(failure) = &outcome.failure {
        let at = failure
            .event
            .map_or(String::new(), |event| format!(" in {event}"));
        note(format_args!(
            "The local deployment {} failed{at}: {}",
            outcome.deployment,
            safe(&failure.message)
        ));
        if let Some(script) = &failure.script_path {
            note(format_args!(
                "Script: {}",
                safe(&script.display().to_string())
            ));
        }
        note(format_args!("Output of the scripts: {log}"));
    } else {
        say(format_args!(
            "The AppSpec is valid, and the local deployment {} succeeded.",
            outcome.deployment
        ));
        say(format_args!("Output of the scripts: {log}"));
    }
    exit(outcome.failure.is_none())
}

fn exit(succeeded: bool) -> Exit {
    if succeeded {
        Exit::Succeeded
    } else {
        Exit::Failed
    }
}

fn refuse(args: &Args, refusal: &Refusal) -> Exit {
    if args.output == Output::Json {
        let failure = Failure {
            kind: refusal.kind,
            event: None,
            script: None,
            script_path: None,
            message: refusal.message.clone(),
        };
        say(json!({
            "ok": false,
            "deploymentId": null,
            "lifecycleEvents": [],
            "error": error_json(&failure),
        }));
    } else {
        note(format_args!("cutover: {}", safe(&refusal.message)));
    }
    Exit::Failed
}

fn as_json(outcome: &Outcome) -> Value {
    let events = outcome.events.iter().map(|event| {
        json!({
            "lifecycleEventName": event.event,
            "status": event.status,
            "startTime": event.start_time,
            "endTime": event.end_time,
            "diagnostics": event.diagnostics,
        })
    });
    let mut object = json!({
        "ok": outcome.failure.is_none(),
        "deploymentId": outcome.deployment,
        "lifecycleEvents": events.collect::<Vec<_>>(),
        "deploymentFolder": outcome.folder.display().to_string(),
        "scriptsLog": outcome.scripts_log.display().to_string(),
    });
    if let Some(failure) = &outcome.failure {
        object["error"] = error_json(failure);
    }
    object
}

fn error_json(failure: &Failure) -> Value {
    json!({
        "kind": failure.kind.word(),
        "event": failure.event,
        "script": failure.script,
        "scriptPath": failure.script_path,
        "message": failure.message,
    })
}
