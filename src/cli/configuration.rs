//! `cutover configuration`: creates, shows, edits and deletes deployment configurations.

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use super::change::{self, Options};
use super::context::{Context, UsageError};
use super::field::Field;
use super::print::{note, say};
use super::{Exit, Output, editor};
use crate::model::configuration::{MinimumHealthyHosts, MinimumHealthyHostsType, ZonalConfig};
use crate::model::name::Name;
use crate::model::routing::TrafficRoutingConfig;
use crate::model::yaml::Path as FieldPath;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::edit::typed::{Pace, healthy};
use crate::store::documents::edit::{Changes, New};
use crate::store::documents::{RESERVED, place};

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
    let users: Vec<String> = project
        .groups
        .iter()
        .filter(|group| group.deployment_config_name == *name)
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
    if name.as_str().starts_with(RESERVED) {
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
        let value = json!({ "deploymentConfigInfo": configuration });
        say(serde_json::to_string_pretty(&value)?);
        return Ok(Exit::Succeeded);
    }
    say(format_args!("configuration  {name}"));
    say(format_args!(
        "platform       {}",
        configuration.compute_platform.name()
    ));
    if let Some(minimum) = configuration.minimum_healthy_hosts {
        say(format_args!("healthy        {}", meaning(minimum)));
    }
    if let Some(zonal) = &configuration.zonal_config {
        say(format_args!("zones          {}", by_zone(zonal)));
    }
    if let Some(routing) = &configuration.traffic_routing_config {
        say(format_args!("traffic        {}", by_weight(routing)));
    }
    let users = project
        .groups
        .iter()
        .filter(|group| group.deployment_config_name == *name);
    let users: Vec<String> = users.map(|group| group.key().to_string()).collect();
    let users = if users.is_empty() {
        "no group".to_owned()
    } else {
        users.join(", ")
    };
    say(format_args!("used by        {users}"));
    Ok(Exit::Succeeded)
}

/// `the replacement gets 10 %, 20 %, … 100 %, a step every 3 minutes`
fn by_weight(routing: &TrafficRoutingConfig) -> String {
    let steps = routing.steps();
    let mut shares: Vec<String> = steps
        .iter()
        .map(|split| format!("{} %", split.replacement()))
        .collect();
    if shares.len() > 4 {
        shares.splice(2..shares.len() - 1, ["…".to_owned()]);
    }
    match steps.len() {
        1 => "the replacement gets all of it at once".to_owned(),
        _ => format!(
            "the replacement gets {}, a step every {} min",
            shares.join(", "),
            routing.interval()
        ),
    }
}

fn meaning(minimum: MinimumHealthyHosts) -> String {
    match minimum.kind {
        MinimumHealthyHostsType::HostCount => format!("at least {} hosts", minimum.value),
        MinimumHealthyHostsType::FleetPercent => {
            format!("at least {} % of the hosts", minimum.value)
        }
        MinimumHealthyHostsType::MostConcurrency => format!("all but {}", minimum.value),
    }
}

/// `one after the other; the first is watched for 300 s, the others for 60 s; healthy in each: at least 1 hosts`
fn by_zone(zonal: &ZonalConfig) -> String {
    let each = zonal.monitor_duration_in_seconds.unwrap_or(0);
    let first = zonal.first_zone_monitor_duration_in_seconds.unwrap_or(each);
    let watched = match (first, each) {
        (0, 0) => "nothing is waited for between them".to_owned(),
        (first, each) if first == each => format!("each is watched for {each} s"),
        (first, each) => format!("the first is watched for {first} s, the others for {each} s"),
    };
    let healthy = zonal.minimum_healthy_hosts_per_zone.map(meaning);
    let healthy = healthy.map(|healthy| format!("; healthy in each: {healthy}"));
    format!(
        "one after the other; {watched}{}",
        healthy.unwrap_or_default()
    )
}
