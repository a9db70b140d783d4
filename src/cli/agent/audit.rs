//! `cutover agent audit`: who commanded what on this host, and the proof of it.

use color_eyre::eyre::WrapErr as _;
use serde_json::{Value, json};

use super::super::print::say;
use super::super::{Exit, Output, table};
use super::join::Place;
use crate::agent::commands::audit::{self, Audited, Obeyed};
use crate::agent::layout::Layout;
use crate::identity::orchestrators::KnownOrchestrators;
use crate::text::{date_time, safe};

/// The arguments of `cutover agent audit`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Prove that nothing was changed or taken out and that every command was signed as it is, and print the newest hash: one
    /// that was written down elsewhere must still be in it
    #[arg(long)]
    verify: bool,
    /// How to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> color_eyre::Result<Exit> {
    let layout = args.place.layout()?;
    let folder = layout.commands();
    let audited = audit::read(&folder);
    let audited = audited.wrap_err_with(|| format!("reading {}", folder.display()))?;
    if args.verify {
        verify(&audited, args.output)
    } else {
        show(&audited, &layout, args.output)
    }
}

fn show(audited: &Audited, layout: &Layout, output: Output) -> color_eyre::Result<Exit> {
    let known = KnownOrchestrators::open(layout.orchestrators())?.all();
    let is_known = |one: &Obeyed| known.iter().any(|known| known.commander == one.key);
    let commands = audited.commands();
    let commands: Vec<Obeyed> = commands.collect::<Result<_, _>>()?;
    if output == Output::Json {
        let rows: Vec<Value> = commands
            .iter()
            .map(|one| json!({ "at": one.at, "key": one.key, "known": is_known(one), "statement": one.said }))
            .collect();
        say(serde_json::to_string_pretty(&json!({ "commands": rows }))?);
        return Ok(Exit::Succeeded);
    }
    let headings = ["AT", "WHO", "WHAT", "OF", "PROJECT", "EPOCH", "NUMBER"];
    let rows: Vec<Vec<String>> = commands.iter().map(row).collect();
    for line in table::lines(&headings, &rows) {
        say(line);
    }
    Ok(Exit::Succeeded)
}

fn row(one: &Obeyed) -> Vec<String> {
    let said = &one.said;
    let of = if said.name.is_empty() {
        "-"
    } else {
        &said.name
    };
    vec![
        date_time(one.at),
        safe(&said.by),
        said.kind.word().to_owned(),
        safe(of),
        said.project.to_string(),
        said.epoch.to_string(),
        said.sequence.to_string(),
    ]
}

fn verify(audited: &Audited, output: Output) -> color_eyre::Result<Exit> {
    let proof = audited.verify();
    if output == Output::Json {
        let value = match &proof {
            Ok(sound) => {
                json!({ "sound": true, "commands": sound.commands, "newest": sound.newest })
            }
            Err(broken) => json!({
                "sound": false,
                "file": broken.file,
                "entry": broken.entry,
                "reason": broken.reason,
            }),
        };
        say(serde_json::to_string_pretty(&value)?);
    }
    let sound = proof.wrap_err("the record of commands was changed")?;
    if output == Output::Text {
        say(format_args!("sound: {} commands", sound.commands));
        say(format_args!("newest: {}", sound.newest));
    }
    Ok(Exit::Succeeded)
}
