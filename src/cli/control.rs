//! `cutover pause|resume|approve|retry|skip|next|give-up ID [HOST]`: steering a deployment that runs.

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
use crate::model::deployment::DeploymentId;
use crate::model::name::Name;
use crate::model::yaml::nearest;
use crate::text::safe;

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

/// Carries out a command about one instance.
pub(super) async fn run_on(
    args: HostArgs,
    what: impl FnOnce(Name) -> What,
    context: &Context,
) -> color_eyre::Result<Exit> {
    let what = what(args.host);
    let args = Args {
        deployment: args.deployment,
        how: args.how,
    };
    run(args, what, context).await
}

/// Carries out a command, or says what it would do.
pub(super) async fn run(args: Args, what: What, context: &Context) -> color_eyre::Result<Exit> {
    let Args {
        deployment: id,
        how,
    } = args;
    let client = context.connect().await?;
    let deployment = client.deployment(&id).await.map_err(usage)?;
    if let Some(host) = what.target() {
        known(host, &deployment)?;
    }
    let command = input::Command {
        what: seen_now(what, &deployment),
        by: user(),
        // So that a refusal is foreseen here, too; the door sees for itself.
        uid: Some(nix::unistd::getuid().as_raw()),
        why: how.why,
        seen: how.seen,
    };
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
