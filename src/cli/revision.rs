//! `cutover revision`: registers, lists, shows and deletes the revisions of an application.

use clap::Subcommand;
use serde_json::json;

use super::change;
use super::context::{Context, look};
use super::print::say;
use super::{Exit, Output, push, table};
use crate::api::command::Command;
use crate::api::view::View;
use crate::model::name::Name;
use crate::model::revision::RegisteredRevision;
use crate::model::source::Source;
use crate::text::{date_time, safe, size};

/// Registers, lists, shows and deletes revisions.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the revisions of an application, the newest registration first
    List {
        /// The application
        application: Name,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Show a revision: its digest, its times, and whose target revision it is
    Show {
        /// The application
        application: Name,
        /// The revision's label, its digest, or how that starts
        revision: String,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Register a directory, an archive, an AppSpec of a function or a service, or one from elsewhere (like `cutover push`)
    Register(Box<push::Args>),
    /// Delete a revision; refused while it is a group's target revision or is being deployed
    Delete {
        /// The application
        application: Name,
        /// The revision's label, its digest, or how that starts
        revision: String,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let (application, revision, output) = match args.verb {
        Verb::Register(args) => return push::run(*args, context).await,
        Verb::Delete {
            application,
            revision,
        } => return delete(application, revision, context).await,
        Verb::List {
            application,
            output,
        } => (application, None, output),
        Verb::Show {
            application,
            revision,
            output,
        } => (application, Some(revision), output),
    };
    let client = context.connect().await?;
    let view = look(&client).await?;
    if !view.project.applications.contains_key(&application) {
        let known = view.project.applications.keys();
        let error = "ApplicationDoesNotExistException";
        return Err(change::unknown("application", application.as_str(), known, error).into());
    }
    let known = view.revisions.get(&application);
    let known = known.map(Vec::as_slice).unwrap_or_default();
    match revision {
        None => list(known, output)?,
        Some(wanted) => show(&view, &application, find(known, &wanted)?, output)?,
    }
    Ok(Exit::Succeeded)
}

async fn delete(
    application: Name,
    revision: String,
    context: &Context,
) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let deleted = format!("deleted revision {} of {application}", safe(&revision));
    let command = Command::DeleteRevision {
        application,
        revision,
    };
    context.send(&client, command).await?;
    say(deleted);
    Ok(Exit::Succeeded)
}

/// The newest revision of this label, or the one whose digest this is or starts.
fn find<'a>(
    known: &'a [RegisteredRevision],
    wanted: &str,
) -> color_eyre::Result<&'a RegisteredRevision> {
    let digest = |registered: &&RegisteredRevision| {
        wanted.len() >= 7 && registered.revision.digest.to_string().starts_with(wanted)
    };
    known
        .iter()
        .find(|registered| registered.revision.label == wanted)
        .or_else(|| known.iter().find(digest))
        .ok_or_else(|| {
            let labels = known.iter().map(|registered| &registered.revision.label);
            let error = "RevisionDoesNotExistException";
            change::unknown("revision", wanted, labels, error).into()
        })
}

fn list(known: &[RegisteredRevision], output: Output) -> color_eyre::Result<()> {
    if output == Output::Json {
        say(serde_json::to_string_pretty(
            &json!({ "revisions": known }),
        )?);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = known
        .iter()
        .map(|registered| {
            let used = registered.last_used_time;
            vec![
                safe(&registered.revision.label),
                registered.revision.digest.short().to_owned(),
                size(registered.revision.size),
                date_time(registered.register_time),
                used.map_or("-".to_owned(), date_time),
            ]
        })
        .collect();
    let headings = ["REVISION", "DIGEST", "SIZE", "REGISTERED", "LAST USED"];
    table::lines(&headings, &rows).into_iter().for_each(say);
    Ok(())
}

fn show(
    view: &View,
    application: &Name,
    registered: &RegisteredRevision,
    output: Output,
) -> color_eyre::Result<()> {
    let revision = &registered.revision;
    let targets = view.ledgers.iter().filter(|(key, ledger)| {
        let target = ledger.target_revision.as_ref();
        &key.application == application
            && target.is_some_and(|target| target.digest == revision.digest)
    });
    let groups: Vec<&str> = targets.map(|(key, _)| key.group.as_str()).collect();
    if output == Output::Json {
        let value = json!({
            "applicationName": application,
            "revision": revision,
            "revisionLocation": registered.source.as_ref().and_then(Source::location),
            "revisionInfo": {
                "description": registered.description,
                "deploymentGroups": groups,
                "registerTime": registered.register_time,
                "firstUsedTime": registered.first_used_time,
                "lastUsedTime": registered.last_used_time,
            },
        });
        say(serde_json::to_string_pretty(&value)?);
        return Ok(());
    }
    let never = || "never".to_owned();
    let groups = if groups.is_empty() {
        "no group".to_owned()
    } else {
        groups.join(", ")
    };
    for (label, text) in [
        ("revision", revision.label.clone()),
        ("digest", revision.digest.to_string()),
        ("size", size(revision.size)),
        ("from", registered.description.clone()),
        ("registered", date_time(registered.register_time)),
        (
            "first used",
            registered.first_used_time.map_or_else(never, date_time),
        ),
        (
            "last used",
            registered.last_used_time.map_or_else(never, date_time),
        ),
        ("target of", groups),
    ] {
        say(format_args!("{label:<12} {}", safe(&text)));
    }
    Ok(())
}
