//! `cutover pause|resume|approve|retry|skip|next|give-up ID [HOST]`: steering a deployment that runs.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::context::{Context, UsageError, look, usage, user};
use super::print::say;
use super::{Exit, Output};
use crate::api::client::Client;
use crate::api::command::Command;
use crate::clock;
use crate::engine::foresee::Foreseen;
use crate::engine::input::{self, What};
use crate::engine::plan::Before;
use crate::engine::{Deployment, foresee, outlook};
use crate::model::approval::Step;
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::yaml::nearest;
use crate::text::safe;

/// Steers a deployment that runs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Start nothing new until told to go on; what runs goes on, and traffic keeps its shares
    #[command(visible_alias = "hold")]
    Pause(Args),
    /// Go on with a paused deployment
    Resume(Args),
    /// Try a failed instance again, before any other starts
    Retry(HostArgs),
    /// Leave an instance out that has not started
    Skip(HostArgs),
    /// Start an instance before the others
    Next(HostArgs),
    /// End a deployment that holds: it fails
    GiveUp(Args),
    /// Move traffic to the replacement of a blue/green deployment that waits for it
    Reroute(Args),
    /// Keep the original of a blue/green deployment no longer than until now
    SkipWait(Args),
    /// Approve what somebody else has created: that it starts, or that its traffic moves
    Approve(ApproveArgs),
}

/// Steers a deployment.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Which deployment
    pub deployment: DeploymentId,
    #[command(flatten)]
    how: How,
}

/// Steers one instance of a deployment.
#[derive(Debug, clap::Args)]
pub(super) struct HostArgs {
    /// Which deployment
    deployment: DeploymentId,
    /// Which instance
    host: Name,
    #[command(flatten)]
    how: How,
}

/// Approves.
#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    #[command(flatten)]
    args: Args,
    /// Only this step; by default the one that waits
    #[arg(long, value_enum)]
    step: Option<Waiting>,
}

/// What waits for an approval.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Waiting {
    Start,
    Reroute,
}

impl From<Waiting> for Step {
    fn from(value: Waiting) -> Self {
        match value {
            Waiting::Start => Self::Start,
            Waiting::Reroute => Self::Reroute,
        }
    }
}

#[derive(Debug, clap::Args)]
struct How {
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Only say what it would do
    #[arg(long)]
    dry_run: bool,
    /// Do it only if nothing was decided since this number ("decided" of `cutover show --output json`)
    #[arg(long, value_name = "SEQ")]
    seen: Option<u64>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Verb {
    /// What it wants of a deployment.
    pub(super) fn wish(self) -> (Args, What) {
        let host = |args: HostArgs| {
            let (deployment, how) = (args.deployment, args.how);
            (Args { deployment, how }, args.host)
        };
        match self {
            Self::Pause(args) => (args, What::Pause),
            Self::Resume(args) => (args, What::Resume),
            Self::GiveUp(args) => (args, What::GiveUp),
            Self::Reroute(args) => {
                let before = Before::Reroute;
                (args, What::Continue { before })
            }
            Self::SkipWait(args) => {
                let before = Before::Termination;
                (args, What::Continue { before })
            }
            Self::Approve(ApproveArgs { args, step }) => {
                let step = step.map(Step::from);
                (args, What::Approve { step })
            }
            Self::Retry(args) => {
                let (args, target) = host(args);
                (args, What::Retry { target })
            }
            Self::Skip(args) => {
                let (args, target) = host(args);
                (args, What::Skip { target })
            }
            Self::Next(args) => {
                let (args, target) = host(args);
                (args, What::StartNext { target })
            }
        }
    }
}

impl Args {
    /// What is sent to have this done.
    pub(super) fn order(&self, what: What) -> input::Command {
        input::Command {
            what,
            by: user(),
            // So that a refusal is foreseen here, too; the door sees for itself.
            uid: Some(nix::unistd::getuid().as_raw()),
            why: self.how.why.clone(),
            seen: self.how.seen,
        }
    }
}

/// Carries out a command, or says what it would do.
pub(super) async fn run_verb(verb: Verb, context: &Context) -> color_eyre::Result<Exit> {
    let (args, what) = verb.wish();
    run(args, what, context).await
}

/// The same.
pub(super) async fn run(args: Args, what: What, context: &Context) -> color_eyre::Result<Exit> {
    let id = args.deployment.clone();
    let client = context.connect().await?;
    let deployment = client.deployment(&id).await.map_err(usage)?;
    if let Some(host) = what.target() {
        known(host, &deployment)?;
    }
    let command = args.order(seen_now(what, &deployment));
    let how = args.how;
    let foreseen = ahead(&client, &deployment, &command).await?;
    if how.dry_run {
        preview(&foreseen, how.output)?;
        return Ok(Exit::Succeeded);
    }
    let text = how.output == Output::Text;
    // What is given up for good is said before it is done.
    if let (What::Skip { .. }, Some(arithmetic)) = (&foreseen.what, foreseen.arithmetic())
        && text
    {
        say(safe(&arithmetic));
    }
    let what = command.what.clone();
    let control = Command::Control {
        deployment: id.clone(),
        control: command,
    };
    context.send(&client, control).await?;
    let deployment = client.deployment(&id).await.map_err(usage)?;
    if text {
        say(format_args!("{id}: {}", done(&what, &deployment)));
        say(outlook_of(&deployment));
    } else {
        let value = json!({
            "deploymentId": id,
            "decided": deployment.decided,
            "foreseen": foreseen,
            "outlook": outlook(&deployment, clock::now()),
        });
        say(serde_json::to_string_pretty(&value)?);
    }
    Ok(Exit::Succeeded)
}

/// The same about what was seen: what comes next in the meantime is not approved with it.
fn seen_now(what: What, deployment: &Deployment) -> What {
    match what {
        What::Approve { step: None } => What::Approve {
            step: deployment.next_approval(),
        },
        what => what,
    }
}

/// What a command would do.
pub(super) async fn ahead(
    client: &Client,
    deployment: &Deployment,
    command: &input::Command,
) -> color_eyre::Result<Foreseen> {
    let view = look(client).await?;
    let ledger = view.ledgers.get(&deployment.group_key());
    let goal = ledger.and_then(|ledger| ledger.target_revision.as_ref());
    Ok(foresee(deployment, command, clock::now(), goal)?)
}

/// What a deployment waits for and what comes then, in a line.
pub(super) fn outlook_of(deployment: &Deployment) -> String {
    safe(&outlook(deployment, clock::now()).to_string())
}

/// Refuses a name that no instance of the deployment has.
pub(super) fn known(host: &Name, deployment: &Deployment) -> Result<(), UsageError> {
    if deployment.target(host).is_some() {
        return Ok(());
    }
    let names = deployment.targets.iter().map(|target| &target.name);
    let help = nearest(host.as_str(), names);
    let help = help.unwrap_or_else(|| format!("`cutover show {}` lists them", deployment.id()));
    Err(UsageError(format!(
        "{host} is no instance of {}: {help}",
        deployment.id()
    )))
}

/// Prints what a command would do.
pub(super) fn preview(foreseen: &Foreseen, output: Output) -> color_eyre::Result<()> {
    if output == Output::Json {
        say(serde_json::to_string_pretty(foreseen)?);
        return Ok(());
    }
    say(format_args!("at once     {}", safe(&foreseen.at_once())));
    if let Some(arithmetic) = foreseen.arithmetic() {
        say(format_args!("minimum     {}", safe(&arithmetic)));
    }
    say(format_args!("in the end  {}", safe(&foreseen.in_the_end())));
    Ok(())
}

/// What has come of a command, by the deployment as it is afterwards.
fn done(what: &What, deployment: &Deployment) -> String {
    match what {
        What::Stop { .. } => "stopping".to_owned(),
        What::Pause => "paused".to_owned(),
        What::Resume => "resumed".to_owned(),
        What::Retry { target } => format!("{target} is tried again"),
        What::Skip { target } => format!("{target} is left out"),
        What::StartNext { target } => format!("{target} comes before the others"),
        What::GiveUp => "given up".to_owned(),
        What::Weight { split } => format!(
            "the replacement is to get {} % of the traffic, and keeps it until resumed",
            split.replacement()
        ),
        What::Continue {
            before: Before::Reroute,
        } if deployment.awaits_approval().is_some() => "to be rerouted once approved".to_owned(),
        What::Continue {
            before: Before::Reroute,
        } => "rerouting".to_owned(),
        What::Continue {
            before: Before::Termination,
        } => "the original is waited for no longer".to_owned(),
        What::Approve { step: Some(step) } => format!("approved the {step}"),
        What::Approve { step: None } => "approved".to_owned(),
    }
}
