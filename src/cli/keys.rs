//! `cutover keys`: every action of the cockpit with its keys, as the user's own files make them.

use serde_json::{Value, json};

use super::appearance::Appearance;
use super::context::UsageError;
use super::print::say;
use super::{Exit, Output, table};
use crate::tui;

/// Shows the cockpit's keys.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    appearance: Appearance,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    let preferences = args.appearance.preferences()?;
    let keys = tui::keys(&preferences).map_err(|error| UsageError(error.to_string()))?;
    match args.output {
        Output::Json => {
            let rows: Vec<Value> = keys
                .iter()
                .map(|key| {
                    json!({
                        "action": key.action,
                        "where": key.context,
                        "keys": key.keys,
                        "does": key.doc,
                    })
                })
                .collect();
            say(serde_json::to_string_pretty(&json!({ "keys": rows }))?);
        }
        Output::Text => {
            let mut heading = "";
            for part in keys.chunk_by(|one, other| one.context == other.context) {
                let Some(first) = part.first() else { continue };
                if !heading.is_empty() {
                    say("");
                }
                heading = first.context;
                say(heading);
                let rows: Vec<Vec<String>> = part
                    .iter()
                    .map(|key| vec![key.action.to_owned(), key.listed(), key.doc.to_owned()])
                    .collect();
                for line in table::lines(&["ACTION", "KEYS", "DOES"], &rows) {
                    say(format_args!("  {line}"));
                }
            }
        }
    }
    Ok(Exit::Succeeded)
}
