//! `cutover configuration`: creates, shows, edits and deletes deployment configurations.

use std::path::Path;

use clap::Subcommand;

use super::change::{self, Options};
use super::context::{Context, UsageError};
use super::field::Field;
use super::print::{note, say};
use super::{Exit, Output, editor};
use crate::api::configuration::{is_predefined, users};
use crate::api::whole;
use crate::model::name::Name;
use crate::model::yaml::Path as FieldPath;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::edit::typed::{Pace, healthy};
use crate::store::documents::edit::{Changes, New};
use crate::store::documents::place;

/// Creates, shows, edits and deletes deployment configurations.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the document of a new configuration
    Create {
        /// The configuration
        name: Name,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        options: Options,
    },
    /// Show a configuration and who uses it
    Show {
        /// The configuration
        name: Name,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Change fields of the document; without options, open it in $EDITOR
    Edit {
        /// The configuration
        name: Name,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        options: Options,
    },
    /// Delete the document of a configuration that no group uses
    Delete {
        /// The configuration
        name: Name,
        #[command(flatten)]
        options: Options,
    },
}

/// Fields of the document.
#[derive(Debug, clap::Args)]
struct Fields {
    /// How many hosts must stay healthy: 75% of them, or 3
    #[arg(long, value_name = "NUMBER", value_parser = healthy)]
    minimum_healthy: Option<Content>,
    /// How long to wait after each zone, in seconds
    #[arg(long, value_name = "SECONDS")]
    monitor: Option<u64>,
    /// How long to wait after the first zone, in seconds
    #[arg(long, value_name = "SECONDS")]
    first_zone_monitor: Option<u64>,
    /// How many hosts of a zone must stay healthy: 50% of them, or 1
    #[arg(long, value_name = "NUMBER", value_parser = healthy)]
    per_zone: Option<Content>,
    /// Set a field, such as minimumHealthyHosts.value=2 (the value is YAML)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Field>,
    /// Take a field away
    #[arg(long, value_name = "PATH")]
    unset: Vec<FieldPath>,
}

impl Fields {
    fn changes(&self, root: &FieldPath) -> Vec<Change> {
        let pace = Pace {
            minimum_healthy: self.minimum_healthy.clone(),
            per_zone: self.per_zone.clone(),
            monitor: self.monitor,
            first_zone_monitor: self.first_zone_monitor,
        };
        let set = self.set.iter().map(|field| field.set(root));
        let unset = self.unset.iter();
        let unset = unset.map(|path| Change::Remove(root.join(path)));
        let given = pace.changes(root).into_iter();
        given.chain(set).chain(unset).collect()
    }
}

pub(super) fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let folder = context.folder()?;
    match args.verb {
        Verb::Create {
            name,
            fields,
            options,
        } => {
            let new = New::Configuration(name, fields.changes(&FieldPath::root()));
            let draft = new
                .draft(&folder)
                .map_err(|error| change::explain(&error))?;
            change::finish(draft.changes(), options, context)
        }
        Verb::Show { name, output } => show(&folder, &name, output),
        Verb::Edit {
            name,
            fields,
            options,
        } => edit(context, &folder, &name, &fields, options),
        Verb::Delete { name, options } => delete(context, &folder, &name, options),
    }
}

fn edit(
    context: &Context,
    folder: &Path,
    name: &Name,
    fields: &Fields,
    options: Options,
) -> color_eyre::Result<Exit> {
    predefined(name, "changed")?;
    let path = place::configuration(folder, name).ok_or_else(|| missing(folder, name))?;
    let mut changes = Changes::of(folder);
    let root = changes
        .root(&path, place::CONFIGURATION_WRAPPER)
        .map_err(|error| change::explain(&error))?;
    let edits = fields.changes(&root);
    let exit = if edits.is_empty() {
        editor::edit(context, folder, &path, options)?
    } else {
        changes
            .edit(&path, &edits)
            .map_err(|error| change::explain(&error))?;
        change::finish(&changes, options, context)?
    };
    note("deployments under way keep the configuration that they started with");
    Ok(exit)
}

fn delete(
    context: &Context,
    folder: &Path,
    name: &Name,
    options: Options,
) -> color_eyre::Result<Exit> {
    predefined(name, "deleted")?;
    let Some(path) = place::configuration(folder, name) else {
        say(format_args!(
            "there is no configuration {name}: nothing to delete"
        ));
        return Ok(Exit::Succeeded);
    };
    let project = change::load(folder)?.project;
    let users: Vec<String> = users(&project, name)
        .map(|group| group.key().to_string())
        .collect();
    if !users.is_empty() {
        let message = format!(
            "{name} is in use by {}: let them use another one first (DeploymentConfigInUseException)",
            users.join(", ")
        );
        return Err(UsageError(message).into());
    }
    let mut changes = Changes::of(folder);
    changes
        .delete(&path)
        .map_err(|error| change::explain(&error))?;
    change::finish(&changes, options, context)
}

fn predefined(name: &Name, verb: &str) -> Result<(), UsageError> {
    if is_predefined(name) {
        return Err(UsageError(format!(
            "{name} is predefined and can't be {verb} (InvalidOperationException)"
        )));
    }
    Ok(())
}

fn missing(folder: &Path, name: &Name) -> color_eyre::Report {
    let project = match change::load(folder) {
        Ok(loaded) => loaded.project,
        Err(error) => return error,
    };
    let known = project.configurations.keys();
    let error = "DeploymentConfigDoesNotExistException";
    change::unknown("configuration", name.as_str(), known, error).into()
}

fn show(folder: &Path, name: &Name, output: Output) -> color_eyre::Result<Exit> {
    let project = change::load(folder)?.project;
    let configuration = project
        .configurations
        .get(name)
        .ok_or_else(|| missing(folder, name))?;
    if output == Output::Json {
        let value = whole::configuration::json(configuration);
        say(serde_json::to_string_pretty(&value)?);
        return Ok(Exit::Succeeded);
    }
    for line in whole::configuration::lines(&project, name, configuration) {
        say(line);
    }
    Ok(Exit::Succeeded)
}
