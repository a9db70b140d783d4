//! `cutover group`: creates, shows, edits and deletes deployment groups.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::application::still;
use super::change::{self, Options};
use super::context::{Context, UsageError, look};
use super::field::Field;
use super::print::say;
use super::{Exit, Output, editor};
use crate::api::whole;
use crate::model::group::GroupKey;
use crate::model::name::Name;
use crate::model::yaml::Path as FieldPath;
use crate::model::yaml::edit::{Change, Content};
use crate::store::documents::edit::typed::{Tag, rollback, selection};
use crate::store::documents::edit::{Changes, New};
use crate::store::documents::place;

/// Creates, shows, edits and deletes deployment groups.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// Which group.
#[derive(Debug, clap::Args)]
struct Which {
    /// The application
    application: Name,
    /// The deployment group
    group: Name,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the document of a new deployment group
    Create {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        options: Options,
    },
    /// Show a deployment group and the hosts that it selects
    Show {
        #[command(flatten)]
        which: Which,
        /// How to print
        #[arg(long, value_enum, default_value = "text")]
        output: Output,
    },
    /// Change fields of the document; without options, open it in $EDITOR
    Edit {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        options: Options,
    },
    /// Delete the document of a deployment group; nothing is uninstalled
    Delete {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        options: Options,
    },
}

/// Fields of the document.
#[derive(Debug, clap::Args)]
struct Fields {
    /// Select hosts that have this tag; with several keys a host needs all of them, with several values of one key any
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<Tag>,
    /// The deployment configuration
    #[arg(long, value_name = "NAME")]
    config: Option<Name>,
    /// When a deployment is rolled back
    #[arg(long, value_enum, value_delimiter = ',', value_name = "EVENTS")]
    auto_rollback: Vec<Rollback>,
    /// What happens to hosts that missed a deployment
    #[arg(long, value_enum)]
    outdated: Option<Outdated>,
    /// Set a field, such as `deploymentStyle.deploymentType=IN_PLACE` (the value is YAML)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<Field>,
    /// Take a field away
    #[arg(long, value_name = "PATH")]
    unset: Vec<FieldPath>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rollback {
    /// Never; the events are kept
    Off,
    /// The deployment failed
    #[value(alias = "DEPLOYMENT_FAILURE")]
    Failure,
    /// An alarm stopped it
    #[value(alias = "DEPLOYMENT_STOP_ON_ALARM")]
    Alarm,
    /// Somebody stopped it
    #[value(alias = "DEPLOYMENT_STOP_ON_REQUEST")]
    Request,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Outdated {
    /// A further deployment brings them up to date
    Update,
    /// They stay as they are
    Ignore,
}

impl Fields {
    fn is_empty(&self) -> bool {
        self.tags.is_empty()
            && self.config.is_none()
            && self.auto_rollback.is_empty()
            && self.outdated.is_none()
            && self.set.is_empty()
            && self.unset.is_empty()
    }

    /// The changes of a document that says this now, whose fields are below a path.
    fn changes(&self, now: &Content, root: &FieldPath) -> color_eyre::Result<Vec<Change>> {
        let mut changes = Vec::new();
        if let Some(config) = &self.config {
            let path = root.key("deploymentConfigName");
            changes.push(Change::Set(path, Content::text(config.as_str())));
        }
        if !self.tags.is_empty() {
            // What selects now goes: together they would select more.
            for field in [
                "ec2TagFilters",
                "onPremisesInstanceTagFilters",
                "onPremisesTagSet",
            ] {
                let path = root.key(field);
                if now.at(&path).is_some() {
                    changes.push(Change::Remove(path));
                }
            }
            changes.push(selection(root, &self.tags));
        }
        if !self.auto_rollback.is_empty() {
            let events: Vec<&str> = self
                .auto_rollback
                .iter()
                .map(|event| event.word())
                .collect();
            let wrong = |error| UsageError(format!("--auto-rollback: {error}"));
            changes.extend(rollback(root, &events).map_err(wrong)?);
        }
        if let Some(outdated) = self.outdated {
            let name = match outdated {
                Outdated::Update => "UPDATE",
                Outdated::Ignore => "IGNORE",
            };
            let path = root.key("outdatedInstancesStrategy");
            changes.push(Change::Set(path, Content::text(name)));
        }
        changes.extend(self.set.iter().map(|field| field.set(root)));
        let unset = self
            .unset
            .iter()
            .map(|path| Change::Remove(root.join(path)));
        changes.extend(unset);
        Ok(changes)
    }
}

impl Rollback {
    fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Failure => "failure",
            Self::Alarm => "alarm",
            Self::Request => "request",
        }
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let folder = context.folder()?;
    match args.verb {
        Verb::Create {
            which,
            fields,
            options,
        } => {
            let edits = fields.changes(&Content::empty(), &FieldPath::root())?;
            let key = GroupKey {
                application: which.application,
                group: which.group,
            };
            let draft = New::Group(key, edits).draft(&folder);
            let draft = draft.map_err(|error| change::explain(&error))?;
            change::finish(draft.changes(), options, context)
        }
        Verb::Show { which, output } => show(context, &folder, &which, output).await,
        Verb::Edit {
            which,
            fields,
            options,
        } => {
            let path = existing(&folder, &which)?;
            if fields.is_empty() {
                return editor::edit(context, &folder, &path, options);
            }
            let mut changes = Changes::of(&folder);
            let root = changes
                .root(&path, place::GROUP_WRAPPER)
                .map_err(|error| change::explain(&error))?;
            let now = changes
                .content(&path)
                .map_err(|error| change::explain(&error))?;
            let edits = fields.changes(&now, &root)?;
            changes
                .edit(&path, &edits)
                .map_err(|error| change::explain(&error))?;
            change::finish(&changes, options, context)
        }
        Verb::Delete { which, options } => {
            let Some(path) = place::group(&folder, &which.application, &which.group) else {
                let key = GroupKey {
                    application: which.application,
                    group: which.group,
                };
                say(format_args!(
                    "there is no deployment group {key}: nothing to delete"
                ));
                return Ok(Exit::Succeeded);
            };
            if !options.dry_run {
                change::allowed(context)?;
            }
            still(context, |application, group| {
                *application == which.application && *group == which.group
            })
            .await?;
            let mut changes = Changes::of(&folder);
            changes
                .delete(&path)
                .map_err(|error| change::explain(&error))?;
            change::finish(&changes, options, context)
        }
    }
}

fn existing(folder: &Path, which: &Which) -> color_eyre::Result<PathBuf> {
    let path = place::group(folder, &which.application, &which.group);
    path.ok_or_else(|| missing(folder, which).into())
}

fn missing(folder: &Path, which: &Which) -> UsageError {
    let Which { application, group } = which;
    if place::application(folder, application).is_none() {
        let error = "ApplicationDoesNotExistException";
        let known = place::applications(folder);
        return change::unknown("application", application.as_str(), known, error);
    }
    let groups = place::groups(folder, application);
    let known = groups.iter().map(|(name, _)| name);
    let kind = format!("deployment group of {application} called");
    let error = "DeploymentGroupDoesNotExistException";
    change::unknown(&kind, group.as_str(), known, error)
}

async fn show(
    context: &Context,
    folder: &Path,
    which: &Which,
    output: Output,
) -> color_eyre::Result<Exit> {
    let project = change::load(folder)?.project;
    let key = GroupKey {
        application: which.application.clone(),
        group: which.group.clone(),
    };
    let group = project.group(&key).ok_or_else(|| missing(folder, which))?;
    let view = match project.automatic_deployment(&key) {
        Some(_) => Some(look(&context.connect().await?).await?),
        None => None,
    };
    match output {
        Output::Json => {
            let value = whole::group::json(&project, group, view.as_ref());
            say(serde_json::to_string_pretty(&value)?);
        }
        Output::Text => {
            let lines = whole::group::lines(&project, group, view.as_ref());
            lines.into_iter().for_each(say);
        }
    }
    Ok(Exit::Succeeded)
}
