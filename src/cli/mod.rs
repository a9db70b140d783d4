//! The command line: one file a command. Without a command, the cockpit opens.

mod agent;
mod alarms;
mod appearance;
mod application;
mod audit;
mod change;
mod check;
mod cockpit;
mod compare;
mod complete;
mod configuration;
mod context;
mod control;
mod deploy;
mod descriptors;
mod doctor;
mod editor;
mod exit;
mod export;
mod field;
mod filter;
mod freeze;
mod group;
mod hook;
mod host_edit;
mod host_keys;
mod host_log;
mod host_tokens;
mod hosts;
mod init;
mod keys;
mod lab;
#[cfg(test)]
mod lines;
mod list;
mod local;
mod logs;
mod man;
mod notifications;
mod open;
mod plan;
mod platform;
mod print;
mod push;
mod redeploy;
mod replay;
mod report;
mod revision;
mod rollback;
mod router;
mod serve;
mod show;
mod sim;
mod span;
mod stop;
mod traffic;
mod validate;
mod wait;
mod weight;

use self::print::note;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use self::context::Context;
pub use self::exit::Exit;
use crate::text::table;
use crate::tui::Crashed;

/// Drive software rollouts from a terminal: the CodeDeploy model on your own machines.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Without a command, the cockpit opens on the project of this folder. `cutover lab` tries it on a fleet of its own.\n\nExit codes: 0 succeeded, 1 failed, 2 wrong usage or a document with an error, 3 stopped or rolled back, 70 cutover itself failed.\n\n`cutover --help` says how shells complete names.",
    after_long_help = complete::HELP
)]
struct Cli {
    /// The project's folder; by default the nearest one upwards that has a cutover.yaml
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// Refuse every change
    #[arg(long, global = true, env = "CUTOVER_READ_ONLY")]
    read_only: bool,
    /// Unlock the environment of what a command changes, for this command alone: why, for the audit trail
    #[arg(long, global = true, value_name = "REASON", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    unlock: Option<String>,
    /// Open the cockpit as sentences below one another: for screen readers, terminals that can only print, and logs
    #[arg(long)]
    plain: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try cutover: a live rollout in the cockpit, on a fleet of agents on this machine
    Lab(lab::Args),
    /// Open the cockpit
    Cockpit(cockpit::Args),
    /// Open the cockpit at an address, such as d-7F3KQ21XB/web-5
    Open(open::Args),
    /// Show every key of the cockpit
    Keys(keys::Args),
    /// Write a starter project
    Init(init::Args),
    /// Check the project's documents
    Check(check::Args),
    /// Look at terminal, project, state, orchestrator, hosts and connections, and say what is wrong and what to do
    Doctor(doctor::Args),
    /// Check an AppSpec, and the sources, scripts and permissions that it names
    Validate(validate::Args),
    /// Register a revision of an application: a directory, an archive, an AppSpec of a function or a service, or one from elsewhere
    Push(push::Args),
    /// Deploy a revision to a deployment group
    Deploy(deploy::Args),
    /// Say what a deployment would do: order, window, the minimum at each moment, how long, and what if hosts fail
    Plan(Box<plan::Args>),
    /// List deployments, applications, groups or revisions
    List(list::Args),
    /// Create, show, edit and delete applications
    Application(application::Args),
    /// Create, show, edit and delete deployment groups
    Group(group::Args),
    /// Create, show, edit and delete deployment configurations
    Configuration(configuration::Args),
    /// List, show, register and delete revisions
    Revision(revision::Args),
    /// Show the hosts: whether their agents answer, what is installed, what is wrong; add, edit and remove them
    Hosts(hosts::Args),
    /// Compare two deployments: what was asked for, how long it took, what failed
    Compare(compare::Args),
    /// Print a report of a deployment in Markdown, for those who were not there
    Report(report::Args),
    /// Write a recording of a deployment, which `cutover replay` opens
    Export(export::Args),
    /// Open a deployment or a recording again in the cockpit: the same screens, at any speed, forwards and backwards
    Replay(replay::Args),
    /// Show a deployment with its instances and their lifecycle events
    Show(show::Args),
    /// Show the alarms of the project and their states
    Alarms(alarms::Args),
    /// Print what the scripts of a deployment wrote
    Logs(logs::Args),
    /// List what receivers were told, or send one a test
    Notifications(notifications::Args),
    /// Show who asked for what at the door, and prove that nobody changed the record
    Audit(audit::Args),
    /// For a while, let nothing start and no traffic move; stopping and rolling back go on
    Freeze(freeze::Args),
    /// End a freeze before its time
    Thaw(freeze::ThawArgs),
    /// List the freezes that hold
    Freezes(freeze::ListArgs),
    /// Say how a hook of a deployment ended (put-lifecycle-event-hook-execution-status)
    ReportHook(hook::Args),
    /// Stop a deployment: running events finish, nothing new starts
    Stop(stop::Args),
    #[command(flatten)]
    Steer(control::Verb),
    /// Give the replacement a share of the traffic, and keep that until resumed
    Weight(weight::Args),
    /// Show where the traffic of deployments really goes
    Traffic(traffic::Args),
    /// Roll a deployment back to the revision before it
    Rollback(rollback::Args),
    /// Deploy again: the same revision, configuration and options
    Redeploy(redeploy::Args),
    /// Orchestrate the project in the foreground
    Serve(serve::Args),
    /// Run the agent on a host
    Agent(agent::Args),
    /// Serve HTTP for the servers behind it, and split requests between them: for the lab, and for those who have no load balancer
    Router(router::Args),
    /// Run simulated deployments in a world in which everything goes wrong
    Sim(sim::Args),
    /// Deploy a bundle to this host alone, without an orchestrator (like codedeploy-local)
    Local(local::Args),
    /// Print the manual page of this program or of a command, or write them all
    Man(man::Args),
}

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    // Ends the process if a shell asks what may be typed.
    clap_complete::CompleteEnv::with_factory(complete::command).complete();
    let cli = Cli::parse();
    if let Err(error) = install_reports() {
        return fail(&error);
    }
    let mut runtime = match cli.command {
        // An agent does little at a time, and waking other threads for it is most of what it would cost its host. What
        // takes long has threads of its own.
        Some(Command::Agent(_)) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let outcome = match runtime.enable_all().build() {
        Ok(runtime) => {
            let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run(cli))));
            // A terminal that nobody types into must not keep the process.
            runtime.shutdown_background();
            // The panic has been reported.
            outcome.unwrap_or(Ok(Exit::Crashed))
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => fail(&error),
    }
}

async fn run(cli: Cli) -> color_eyre::Result<Exit> {
    if cli.plain && cli.command.is_some() {
        let text = "--plain is of the command that opens the cockpit: write it behind that, as in `cutover lab --plain`";
        return Err(context::UsageError(text.to_owned()).into());
    }
    let context = Context {
        project: cli.project,
        read_only: cli.read_only,
        unlock: cli.unlock,
    };
    match cli.command {
        Some(Command::Keys(args)) => keys::run(&args),
        Some(Command::Init(args)) => init::run(&args),
        Some(Command::Check(args)) => check::run(&args, &context),
        Some(Command::Doctor(args)) => doctor::run(&args, &context).await,
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Validate(args)) => validate::run(&args),
        Some(Command::Agent(args)) => agent::run(args).await,
        Some(Command::Export(args)) => export::run(&args, &context).await,
        Some(Command::Replay(args)) => replay::run(args, &context).await,
        Some(Command::Compare(args)) => compare::run(&args, &context).await,
        Some(Command::Report(args)) => report::run(&args, &context).await,
        Some(Command::Local(args)) => local::run(args).await,
        Some(Command::Router(args)) => router::run(&args).await,
        Some(Command::Sim(args)) => sim::run(&args),
        Some(Command::Serve(args)) => serve::run(&args, &context).await,
        Some(Command::Lab(args)) => lab::run(&args, &context).await,
        Some(Command::Push(args)) => push::run(args, &context).await,
        Some(Command::Deploy(args)) => deploy::run(args, &context).await,
        Some(Command::List(args)) => list::run(&args, &context).await,
        Some(Command::Application(args)) => application::run(args, &context).await,
        Some(Command::Group(args)) => group::run(args, &context).await,
        Some(Command::Configuration(args)) => configuration::run(args, &context),
        Some(Command::Revision(args)) => revision::run(args, &context).await,
        Some(Command::Hosts(args)) => hosts::run(&args, &context).await,
        Some(Command::Alarms(args)) => alarms::run(&args, &context).await,
        Some(Command::Show(args)) => show::run(&args, &context).await,
        Some(Command::Logs(args)) => logs::run(&args, &context).await,
        Some(Command::Notifications(args)) => notifications::run(args, &context).await,
        Some(Command::Audit(args)) => audit::run(&args, &context).await,
        Some(Command::Freeze(args)) => freeze::run(args, &context).await,
        Some(Command::Thaw(args)) => freeze::thaw(args, &context).await,
        Some(Command::ReportHook(args)) => hook::run(args, &context).await,
        Some(Command::Freezes(args)) => freeze::list(&args, &context).await,
        Some(Command::Stop(args)) => stop::run(args, &context).await,
        Some(Command::Plan(args)) => plan::run(*args, &context).await,
        Some(Command::Steer(verb)) => control::run_verb(verb, &context).await,
        Some(Command::Weight(args)) => weight::run(args, &context).await,
        Some(Command::Traffic(args)) => traffic::run(&args, &context).await,
        Some(Command::Rollback(args)) => rollback::run(args, &context).await,
        Some(Command::Redeploy(args)) => redeploy::run(args, &context).await,
        Some(Command::Open(args)) => open::run(args, &context).await,
        Some(Command::Cockpit(args)) => cockpit::run(args, &context).await,
        None => cockpit::run(cockpit::Args::plain(cli.plain), &context).await,
    }
}

fn install_reports() -> color_eyre::Result<()> {
    color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .theme(color_eyre::config::Theme::new())
        .install()
}

/// Prints an error as people read it: the causes on one line, no decoration.
fn fail(error: &color_eyre::Report) -> ExitCode {
    note(format_args!("cutover: {error:#}"));
    if error.is::<context::UsageError>() {
        Exit::Usage.into()
    } else if error.is::<Crashed>() {
        Exit::Crashed.into()
    } else {
        Exit::Failed.into()
    }
}
