//! `cutover freeze`, `cutover thaw` and `cutover freezes`.

use std::str::FromStr;

use serde_json::json;

use super::context::{Context, look, user};
use super::print::say;
use super::span::Span;
use super::{Exit, Output, table};
use crate::api::command::Command;
use crate::model::freeze::Scope;
use crate::model::name::Name;
use crate::text::{date_time, safe};

/// An application, or one of its groups, as people type it.
#[derive(Clone, Debug)]
struct Place(Scope);

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = |text: &str| text.parse::<Name>().map_err(|error| error.to_string());
        let (application, group) = match text.split_once('/') {
            Some((application, group)) => (application, Some(name(group)?)),
            None => (text, None),
        };
        Ok(Self(Scope {
            application: Some(name(application)?),
            group,
        }))
    }
}

fn scope(place: Option<Place>) -> Scope {
    place.map(|place| place.0).unwrap_or_default()
}

/// Freezes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is frozen; everything when absent
    #[arg(value_name = "APPLICATION[/GROUP]")]
    place: Option<Place>,
    /// Why, for everybody who runs into it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long: 90s, 30m, 2h, 3d. It ends by itself
    #[arg(long = "for", value_name = "SPAN")]
    span: Span,
}

/// Thaws.
#[derive(Debug, clap::Args)]
pub(super) struct ThawArgs {
    /// What was frozen, as it was written; everything when absent
    #[arg(value_name = "APPLICATION[/GROUP]")]
    place: Option<Place>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

/// Lists freezes.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

impl Args {
    /// What is sent.
    pub(super) fn request(self) -> Command {
        Command::Freeze {
            scope: scope(self.place),
            why: self.reason,
            seconds: self.span.0.as_secs(),
            by: user(),
        }
    }
}

impl ThawArgs {
    /// What is sent.
    pub(super) fn request(self) -> Command {
        Command::Thaw {
            scope: scope(self.place),
            why: self.why,
            by: user(),
        }
    }
}

/// Orders a freeze.
pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let scope = scope(args.place.clone());
    context.send(&client, args.request()).await?;
    let view = look(&client).await?;
    let freeze = view.freezes.iter().find(|freeze| freeze.scope == scope);
    let until = freeze.map_or_else(String::new, |freeze| {
        format!(" until {}", date_time(freeze.until))
    });
    let running = view
        .running()
        .filter(|one| scope.covers(&one.group))
        .count();
    let running = match running {
        0 => String::new(),
        1 => "; 1 deployment in it is not over".to_owned(),
        many => format!("; {many} deployments in it are not over"),
    };
    say(format_args!("{scope} is frozen{until}{running}"));
    Ok(Exit::Succeeded)
}

/// Ends a freeze.
pub(super) async fn thaw(args: ThawArgs, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let scope = scope(args.place.clone());
    context.send(&client, args.request()).await?;
    say(format_args!("{scope} is thawed"));
    Ok(Exit::Succeeded)
}

/// Lists the freezes that hold.
pub(super) async fn list(args: &ListArgs, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let freezes = look(&client).await?.freezes;
    if args.output == Output::Json {
        say(serde_json::to_string_pretty(
            &json!({ "freezes": freezes }),
        )?);
        return Ok(Exit::Succeeded);
    }
    let rows: Vec<Vec<String>> = freezes
        .iter()
        .map(|freeze| {
            vec![
                freeze.scope.to_string(),
                date_time(freeze.until),
                safe(&freeze.by),
                safe(&freeze.why),
            ]
        })
        .collect();
    for line in table::lines(&["FROZEN", "UNTIL", "BY", "WHY"], &rows) {
        say(line);
    }
    Ok(Exit::Succeeded)
}
