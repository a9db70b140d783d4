//! `cutover audit`: who asked for what at the door, and what came of it.

use color_eyre::eyre::bail;
use serde_json::{Value, json};

use super::context::{Context, usage};
use super::print::say;
use super::span::Span;
use super::{Exit, Output, table};
use crate::clock;
use crate::store::audit::Entry;
use crate::store::chain;
use crate::text::{date_time, safe};

/// Shows the audit trail, oldest first, or proves it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only what is no older than this: 90s, 30m, 2h, 3d
    #[arg(long, value_name = "SPAN")]
    since: Option<Span>,
    /// Prove that nothing in it was changed or taken out, and print the newest hash: one that was written down elsewhere must
    /// still be in it
    #[arg(long, conflicts_with = "since")]
    verify: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) async fn run(args: &Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let log = client.audit().await.map_err(usage)?;
    if args.verify {
        return verify(&log, args.output);
    }
    let now = clock::now();
    let mut rows: Vec<Value> = Vec::new();
    let mut shown: Vec<Vec<String>> = Vec::new();
    for line in chain::lines(&log).0 {
        let Some((hash, entry)) = chain::split(line) else {
            bail!("an entry can't be read: `cutover audit --verify` says which");
        };
        let entry: Entry = serde_json::from_slice(entry)?;
        if args.since.is_some_and(|span| now.since(entry.at) > span.0) {
            continue;
        }
        if args.output == Output::Json {
            let mut value = json!(entry);
            value["hash"] = json!(hash);
            rows.push(value);
        } else {
            shown.push(row(&entry));
        }
    }
    if args.output == Output::Json {
        say(serde_json::to_string_pretty(&json!({ "entries": rows }))?);
        return Ok(Exit::Succeeded);
    }
    let headings = ["ENTRY", "AT", "WHO", "WHAT", "WHERE", "OUTCOME", "TOLD"];
    for line in table::lines(&headings, &shown) {
        say(line);
    }
    Ok(Exit::Succeeded)
}

fn verify(log: &[u8], output: Output) -> color_eyre::Result<Exit> {
    let proof = chain::verify(log);
    if output == Output::Json {
        let value = match &proof {
            Ok(sound) => json!({ "sound": true, "entries": sound.entries, "newest": sound.newest }),
            Err(broken) => {
                json!({ "sound": false, "entry": broken.entry, "reason": broken.reason })
            }
        };
        say(serde_json::to_string_pretty(&value)?);
    }
    match proof {
        Ok(sound) => {
            if output == Output::Text {
                say(format_args!("sound: {} entries", sound.entries));
                say(format_args!("newest: {}", sound.newest));
            }
            Ok(Exit::Succeeded)
        }
        Err(broken) => bail!("the audit trail was changed: {broken}"),
    }
}

fn row(entry: &Entry) -> Vec<String> {
    let fact = &entry.fact;
    let outcome = match fact.of {
        Some(of) => format!("{} ({of})", fact.outcome.name()),
        None => fact.outcome.name().to_owned(),
    };
    let uid = fact.uid.map_or_else(String::new, |uid| format!(" ({uid})"));
    vec![
        entry.seq.to_string(),
        date_time(entry.at),
        format!("{}{uid}", safe(&fact.user)),
        safe(&what(&fact.what)),
        safe(&fact.place),
        outcome,
        safe(fact.told.as_deref().unwrap_or("-")),
    ]
}

/// A request in a few words.
fn what(what: &Value) -> String {
    let steer = what["control"]["what"].as_str();
    let name = steer.or_else(|| what["type"].as_str()).unwrap_or("?");
    let of = ["revision", "label", "receiver", "source", "environment"]
        .iter()
        .find_map(|field| what[*field].as_str());
    let why = what["why"].as_str().filter(|_| name == "unlock");
    match (of, why) {
        (Some(of), Some(why)) => format!("{name} {of}: {why}"),
        (Some(of), None) => format!("{name} {of}"),
        (None, _) => name.to_owned(),
    }
}
