//! `cutover plan APP GROUP REVISION`: what a deployment would do, and what if some hosts failed. Nothing is deployed.

mod draw;

use std::collections::BTreeSet;
use std::time::Duration;

use color_eyre::eyre::eyre;
use serde_json::json;

use super::context::{Context, UsageError, usage};
use super::print::say;
use super::{Exit, Output, control, deploy};
use crate::api::command::Preview;
use crate::clock;
use crate::engine::rehearse::{Assumptions, Durations, Rehearsed};
use crate::engine::{Deployment, rehearse};
use crate::model::name::Name;
use crate::orchestrator::forecast::Forecast;

/// Says what a deployment would do.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Args {
    #[command(flatten)]
    deploy: deploy::Args,
    /// What if these instances failed
    #[arg(long, value_name = "HOST,HOST", value_delimiter = ',')]
    fail: Vec<Name>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

/// What there is to print.
struct Planned {
    preview: Preview,
    forecast: Forecast,
    /// The deployment as it would be created now.
    deployment: Deployment,
    fails: Vec<Name>,
    /// Whether past durations are known; otherwise every instance takes one step.
    timed: bool,
    rehearsed: Rehearsed,
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    if args.deploy.wait {
        let message = "a plan deploys nothing: there is no end to --wait for";
        return Err(UsageError(message.to_owned()).into());
    }
    let client = context.connect().await?;
    let request = deploy::request(args.deploy, context, &client).await?;
    let mut preview = client.preview(&request).await.map_err(usage)?;
    let forecast = preview.forecast.take();
    let forecast = *forecast.ok_or_else(|| eyre!("the orchestrator sent no forecast"))?;
    let now = clock::now();
    let deployment = forecast.deployment(&preview.plan, now);
    let deployment = deployment.ok_or_else(|| eyre!("the plan can't be read"))?;
    for host in &args.fail {
        control::known(host, &deployment).map_err(|error| {
            // It has no id that anybody could look up.
            let id = deployment.id().as_str();
            UsageError(error.0.replace(id, "this deployment"))
        })?;
    }
    let durations = forecast.past.durations();
    let timed = durations.is_some();
    let assumptions = Assumptions {
        durations: durations.unwrap_or(Durations {
            otherwise: Duration::from_secs(1),
            ..Durations::default()
        }),
        fails: args.fail.iter().cloned().collect::<BTreeSet<_>>(),
    };
    let planned = Planned {
        rehearsed: rehearse(&deployment, &assumptions, now),
        preview,
        forecast,
        deployment,
        fails: args.fail,
        timed,
    };
    match args.output {
        Output::Json => say(serde_json::to_string_pretty(&as_json(&planned))?),
        Output::Text => draw::lines(&planned).into_iter().for_each(say),
    }
    Ok(match planned.preview.refusal {
        Some(_) => Exit::Failed,
        None => Exit::Succeeded,
    })
}

fn as_json(planned: &Planned) -> serde_json::Value {
    let Planned {
        preview, forecast, ..
    } = planned;
    json!({
        "group": forecast.spec.group_key().to_string(),
        "revision": preview.revision,
        "configuration": preview.configuration,
        "plan": preview.plan,
        "instances": forecast.spec.targets,
        "upToDate": forecast.spec.up_to_date,
        "alarms": forecast.spec.alarms(),
        "approvals": forecast.spec.approvals,
        "refusal": preview.refusal,
        "warnings": forecast.warnings,
        "past": forecast.past,
        "fail": planned.fails,
        // Without durations of the past, every instance is rehearsed as if it took a second.
        "estimated": planned.timed,
        "rehearsal": planned.rehearsed,
    })
}
