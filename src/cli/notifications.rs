//! `cutover notifications`: what receivers were told about deployments, and a test of one.

use color_eyre::eyre::bail;
use serde_json::{Value, json};

use super::context::{Context, usage};
use super::print::say;
use super::{Exit, Output, table};
use crate::api::command::{Answer, Command};
use crate::model::deployment::DeploymentId;
use crate::model::notification::{Delivery, DeliveryStatus};
use crate::text::{clock_time, date_time, safe};

/// Lists notifications, newest first, or sends a test.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    /// Of which deployment; of all by default
    deployment: Option<DeploymentId>,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(subcommand)]
    pub what: Option<What>,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Send a receiver a test notification now, and say what it answers
    Test {
        /// Its name in `connections.receivers`
        receiver: String,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    if let Some(What::Test { receiver }) = args.what {
        return test(receiver, context).await;
    }
    let client = context.connect().await?;
    let found = client.notifications(args.deployment.as_ref(), args.limit);
    let found = found.await.map_err(usage)?;
    if args.output == Output::Json {
        let all: Vec<Value> = found.iter().map(as_json).collect();
        let all = json!({ "notifications": all });
        say(format_args!("{}", serde_json::to_string_pretty(&all)?));
        return Ok(Exit::Succeeded);
    }
    let headings = [
        "AT",
        "DEPLOYMENT",
        "EVENT",
        "INSTANCE",
        "RECEIVER",
        "STATUS",
        "TRIES",
        "ANSWER",
    ];
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    for line in table::lines(&headings, &rows) {
        say(line);
    }
    Ok(Exit::Succeeded)
}

async fn test(receiver: String, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let command = Command::TestNotification {
        receiver: receiver.clone(),
    };
    let Answer::Notified { taken, answer } = context.send(&client, command).await? else {
        bail!("an unexpected answer");
    };
    if !taken {
        bail!("{} did not take it: {}", safe(&receiver), safe(&answer));
    }
    say(format_args!(
        "{} took it: {}",
        safe(&receiver),
        safe(&answer)
    ));
    Ok(Exit::Succeeded)
}

/// The delivery, with the notification's JSON as such.
fn as_json(delivery: &Delivery) -> Value {
    let mut value = json!(delivery);
    let payload: Value =
        serde_json::from_str(&delivery.notification.message.body).unwrap_or_default();
    value["message"]["body"] = payload;
    value
}

fn row(delivery: &Delivery) -> Vec<String> {
    let (of, progress) = (&delivery.notification, &delivery.progress);
    let mut answer = progress.last_answer.clone().unwrap_or_default();
    if progress.status == DeliveryStatus::Pending && progress.attempts > 0 {
        answer = format!("{answer}; again at {}", clock_time(progress.due));
    }
    vec![
        date_time(of.at),
        of.deployment_id.to_string(),
        of.event.name().to_owned(),
        of.target
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string),
        safe(&of.receiver),
        progress.status.name().to_owned(),
        progress.attempts.to_string(),
        safe(&answer),
    ]
}
