//! `cutover application`: creates, shows, edits and deletes applications.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::change::{self, Options};
use super::context::{Context, UsageError, look};
use super::field::Field;
use super::platform::Platform;
use super::print::say;
use super::{Exit, Output, editor};
use crate::api::whole;
use crate::model::application::ComputePlatform;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::yaml::Path as FieldPath;
use crate::model::yaml::edit::Change;
use crate::store::documents::edit::{Changes, New};
use crate::store::documents::place;

/// Creates, shows, edits and deletes applications.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the document of a new application
    Create {
        /// The application
        name: Name,
        /// What its deployments act on; never changes
        #[arg(long, value_enum, default_value = "server", ignore_case = true)]
        platform: Platform,
        #[command(flatten)]
        options: Options,
    },
    /// Show an application and its groups
    Show {
        /// The application
        name: Name,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Change fields of the document; without options, open it in $EDITOR
    Edit {
        /// The application
        name: Name,
        /// Set a field, such as a.b=VALUE (YAML)
        #[arg(long, value_name = "PATH=VALUE")]
        set: Vec<Field>,
        /// Take a field away
        #[arg(long, value_name = "PATH")]
        unset: Vec<FieldPath>,
        #[command(flatten)]
        options: Options,
    },
    /// Delete the document of an application; hosts and revisions stay as they are
    Delete {
        /// The application
        name: Name,
        /// Delete its deployment groups too
        #[arg(long)]
        with_groups: bool,
        #[command(flatten)]
        options: Options,
    },
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let folder = context.folder()?;
    match args.verb {
        Verb::Create {
            name,
            platform,
            options,
        } => {
            let platform = ComputePlatform::from(platform);
            let new = New::Application { name, platform };
            let draft = new
                .draft(&folder)
                .map_err(|error| change::explain(&error))?;
            change::finish(draft.changes(), options, context)
        }
        Verb::Show { name, output } => show(&folder, &name, output),
        Verb::Edit {
            name,
            set,
            unset,
            options,
        } => {
            let path = existing(&folder, &name).ok_or_else(|| missing(&folder, &name))?;
            if set.is_empty() && unset.is_empty() {
                return editor::edit(context, &folder, &path, options);
            }
            let mut changes = Changes::of(&folder);
            let root = changes
                .root(&path, place::APPLICATION_WRAPPER)
                .map_err(|error| change::explain(&error))?;
            let mut edits: Vec<Change> = set.iter().map(|field| field.set(&root)).collect();
            edits.extend(unset.iter().map(|path| Change::Remove(root.join(path))));
            changes
                .edit(&path, &edits)
                .map_err(|error| change::explain(&error))?;
            change::finish(&changes, options, context)
        }
        Verb::Delete {
            name,
            with_groups,
            options,
        } => delete(context, &folder, &name, with_groups, options).await,
    }
}

fn existing(folder: &Path, name: &Name) -> Option<PathBuf> {
    place::application(folder, name)
}

fn missing(folder: &Path, name: &Name) -> UsageError {
    let known = place::applications(folder);
    change::unknown(
        "application",
        name.as_str(),
        &known,
        "ApplicationDoesNotExistException",
    )
}

fn show(folder: &Path, name: &Name, output: Output) -> color_eyre::Result<Exit> {
    let project: Project = change::load(folder)?.project;
    let application = project
        .applications
        .get(name)
        .ok_or_else(|| missing(folder, name))?;
    match output {
        Output::Json => {
            let value = whole::application::json(application);
            say(serde_json::to_string_pretty(&value)?);
        }
        Output::Text => {
            let lines = whole::application::lines(&project, name, application);
            lines.into_iter().for_each(say);
        }
    }
    Ok(Exit::Succeeded)
}

async fn delete(
    context: &Context,
    folder: &Path,
    name: &Name,
    with_groups: bool,
    options: Options,
) -> color_eyre::Result<Exit> {
    let Some(path) = existing(folder, name) else {
        say(format_args!(
            "there is no application {name}: nothing to delete"
        ));
        return Ok(Exit::Succeeded);
    };
    let groups = place::groups(folder, name);
    if !groups.is_empty() && !with_groups {
        let names: Vec<&str> = groups.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!(
            "{name} has the deployment groups {}: delete them first, or give --with-groups",
            names.join(", ")
        );
        return Err(UsageError(message).into());
    }
    if !options.dry_run {
        change::allowed(context)?;
    }
    still(context, |application, _| application == name).await?;
    let mut changes = Changes::of(folder);
    for (_, path) in &groups {
        changes
            .delete(path)
            .map_err(|error| change::explain(&error))?;
    }
    changes
        .delete(&path)
        .map_err(|error| change::explain(&error))?;
    change::finish(&changes, options, context)
}

/// Refuses while a deployment of such a group runs. The orchestrator knows; it is started if none runs.
pub(super) async fn still(
    context: &Context,
    concerns: impl Fn(&Name, &Name) -> bool,
) -> color_eyre::Result<()> {
    let client = context.connect().await?;
    let view = look(&client).await?;
    let running = view
        .running()
        .find(|summary| concerns(&summary.group.application, &summary.group.group));
    match running {
        Some(summary) => Err(UsageError(format!(
            "{} of {} runs: wait until it has ended, or stop it with `cutover stop {}`, then delete",
            summary.deployment_id, summary.group, summary.deployment_id
        ))
        .into()),
        None => Ok(()),
    }
}
