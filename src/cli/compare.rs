//! `cutover compare ID ID`: two deployments beside each other.

use clap::ValueEnum;

use super::context::{Context, usage};
use super::print::say;
use super::{Exit, table};
use crate::api::afterwards::compare::{Comparison, compare};
use crate::clock;
use crate::model::deployment::DeploymentId;
use crate::text::safe;

/// Compares two deployments: what was asked for, how long each lifecycle event took, what failed, when traffic moved.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The one that the other is measured by
    before: DeploymentId,
    /// The one that is looked at
    after: DeploymentId,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Form,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    Text,
    /// For programs
    Json,
    /// For a page or a mail
    Markdown,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let before = client.deployment(&args.before).await.map_err(usage)?;
    let after = client.deployment(&args.after).await.map_err(usage)?;
    let comparison = compare(&before, &after, clock::now());
    match args.output {
        Form::Text => lines(&comparison).into_iter().for_each(say),
        Form::Json => say(serde_json::to_string_pretty(&comparison)?),
        Form::Markdown => say(comparison.markdown().trim_end()),
    }
    Ok(Exit::Succeeded)
}

fn lines(comparison: &Comparison) -> Vec<String> {
    let headings = [
        "",
        "",
        comparison.before.as_str(),
        comparison.after.as_str(),
    ];
    let rows: Vec<Vec<String>> = comparison
        .lines
        .iter()
        .map(|line| {
            vec![
                line.change.sign().to_owned(),
                safe(&line.what),
                safe(&line.before),
                safe(&line.after),
            ]
        })
        .collect();
    let mut lines = table::lines(&headings, &rows);
    lines.push(String::new());
    lines.push("* different  + better  ! worse".to_owned());
    lines
}
