//! `cutover deploy APP GROUP REVISION`: creates a deployment, and waits for its end if asked to.

use super::print::say;

use clap::ValueEnum;
use color_eyre::eyre::bail;

use super::Exit;
use super::context::{Context, UsageError, user};
use super::push::{Origin, bring};
use super::wait;
use crate::api::client::Client;
use crate::api::command::{Answer, Command, Deploy};
use crate::engine::spec::{OnFailure, Options, RollbackTargets};
use crate::model::deployment::Creator;
use crate::model::deployment::FileExistsBehavior;
use crate::model::group::{
    Alarm, AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent, Ec2TagSet, GroupKey,
    Selection,
};
use crate::model::name::Name;
use crate::model::source::SourceError;
use crate::model::tags::TagFilter;

/// Creates a deployment.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Args {
    /// The application
    application: Name,
    /// The deployment group
    group: Name,
    /// A revision's label or digest, or what `cutover push` takes (./dir, app.tar.gz, github:…), which is pushed first
    revision: String,
    /// Wait until it has ended, and a rollback of it too
    #[arg(long)]
    pub wait: bool,
    /// Blue/green: the replacement has this tag, and every other that is named; without it, the side that had the traffic
    /// before the last one
    #[arg(long, value_name = "KEY[=VALUE]")]
    replacement: Vec<String>,
    /// Another deployment configuration than the group's
    #[arg(long, value_name = "NAME")]
    config: Option<Name>,
    /// Free text for the history
    #[arg(long, default_value = "")]
    description: String,
    /// Go on when `ApplicationStop` fails
    #[arg(long)]
    ignore_application_stop_failures: bool,
    /// What to do with files that exist, where the AppSpec says nothing
    #[arg(long, value_enum, default_value = "disallow")]
    file_exists_behavior: FileExists,
    /// Roll back by itself after these, or never, whatever the group says
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        value_name = "off|failure,stop,alarm"
    )]
    auto_rollback: Option<Vec<Occasion>>,
    /// Watch these alarms instead of the group's, or none
    #[arg(long, value_delimiter = ',', value_name = "off|NAME,NAME")]
    alarms: Option<Vec<String>>,
    /// Go on when the state of one of these alarms can't be read
    #[arg(long, requires = "alarms")]
    ignore_poll_alarm_failure: bool,
    /// Which instances an automatic rollback goes to: only those that this deployment started on
    #[arg(long)]
    rollback_attempted_only: bool,
    /// Only instances that have another revision than this one
    #[arg(long)]
    update_outdated_instances_only: bool,
    /// When too much has failed: end, or hold until somebody retries, gives up or stops
    #[arg(long, value_enum, default_value = "end")]
    on_failure: Failing,
    /// A name for this request: the same token in the same group creates one deployment, however often it is sent
    #[arg(long, value_name = "TEXT")]
    token: Option<String>,
    /// Look into the bundle first, and create nothing if hosts would refuse it
    #[arg(long)]
    verify_artifact: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Occasion {
    Off,
    Failure,
    Stop,
    Alarm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Failing {
    End,
    Hold,
}

impl From<Failing> for OnFailure {
    fn from(value: Failing) -> Self {
        match value {
            Failing::End => Self::End,
            Failing::Hold => Self::Hold,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileExists {
    Disallow,
    Overwrite,
    Retain,
}

impl From<FileExists> for FileExistsBehavior {
    fn from(value: FileExists) -> Self {
        match value {
            FileExists::Disallow => Self::Disallow,
            FileExists::Overwrite => Self::Overwrite,
            FileExists::Retain => Self::Retain,
        }
    }
}

pub(super) async fn run(args: Args, context: &Context) -> color_eyre::Result<Exit> {
    let client = context.connect().await?;
    let wait = args.wait;
    let command = Command::Deploy(request(args, context, &client).await?);
    let Answer::Created { deployment } = context.send(&client, command).await? else {
        bail!("an unexpected answer");
    };
    say(&deployment);
    if wait {
        return wait::until_ended(context, &client, &deployment).await;
    }
    Ok(Exit::Succeeded)
}

/// What is asked for. A revision that says where it is, is pushed.
pub(super) async fn request(
    args: Args,
    context: &Context,
    client: &Client,
) -> color_eyre::Result<Deploy> {
    let mut deploy = asked(args)?;
    if is_place(&deploy.revision) {
        let origin: Origin = deploy
            .revision
            .parse()
            .map_err(|error| wrong_usage(&error))?;
        let application = deploy.group.application.clone();
        let pushed = bring(context, client, application, origin, None).await?;
        deploy.revision = pushed.revision.digest.to_string();
    }
    Ok(deploy)
}

/// What is asked for, as it was typed.
pub(super) fn asked(args: Args) -> Result<Deploy, UsageError> {
    let auto_rollback_configuration = args.auto_rollback.as_deref().map(rollback).transpose()?;
    Ok(Deploy {
        group: GroupKey {
            application: args.application,
            group: args.group,
        },
        revision: args.revision,
        target_instances: replacement(&args.replacement).map(Box::new),
        configuration: args.config,
        description: args.description,
        options: Options {
            file_exists_behavior: args.file_exists_behavior.into(),
            ignore_application_stop_failures: args.ignore_application_stop_failures,
            auto_rollback_configuration,
            override_alarm_configuration: args
                .alarms
                .as_deref()
                .map(|names| Box::new(alarms(names, args.ignore_poll_alarm_failure))),
            update_outdated_instances_only: args.update_outdated_instances_only,
            on_failure: args.on_failure.into(),
            rollback_targets: if args.rollback_attempted_only {
                RollbackTargets::Attempted
            } else {
                RollbackTargets::All
            },
        },
        token: args.token,
        verify_artifact: args.verify_artifact,
        creator: Creator::User,
        by: user(),
        uid: None,
    })
}

/// What `--replacement` says: every tag must match.
fn replacement(tags: &[String]) -> Option<Selection> {
    let groups = tags.iter().map(|tag| {
        let (key, value) = match tag.split_once('=') {
            Some((key, value)) => (key, Some(value.to_owned())),
            None => (tag.as_str(), None),
        };
        vec![TagFilter {
            key: Some(key.to_owned()),
            value,
            ..TagFilter::default()
        }]
    });
    let ec2_tag_set_list: Vec<_> = groups.collect();
    (!ec2_tag_set_list.is_empty()).then(|| Selection {
        ec2_tag_set: Some(Ec2TagSet { ec2_tag_set_list }),
        ..Selection::default()
    })
}

/// What `--alarms` says.
fn alarms(names: &[String], ignore_poll_alarm_failure: bool) -> AlarmConfiguration {
    let off = matches!(names, [only] if only == "off");
    let watched = if off { &[] } else { names };
    AlarmConfiguration {
        enabled: !off,
        ignore_poll_alarm_failure,
        alarms: watched.iter().cloned().map(|name| Alarm { name }).collect(),
    }
}

/// What `--auto-rollback` says.
fn rollback(occasions: &[Occasion]) -> Result<AutoRollbackConfiguration, UsageError> {
    if occasions.contains(&Occasion::Off) && occasions.len() > 1 {
        let message = "--auto-rollback is off, or some of failure, stop and alarm";
        return Err(UsageError(message.to_owned()));
    }
    let events: Vec<AutoRollbackEvent> = occasions
        .iter()
        .filter_map(|occasion| match occasion {
            Occasion::Off => None,
            Occasion::Failure => Some(AutoRollbackEvent::DeploymentFailure),
            Occasion::Stop => Some(AutoRollbackEvent::DeploymentStopOnRequest),
            Occasion::Alarm => Some(AutoRollbackEvent::DeploymentStopOnAlarm),
        })
        .collect();
    Ok(AutoRollbackConfiguration {
        enabled: !events.is_empty(),
        events,
    })
}

fn wrong_usage(error: &SourceError) -> UsageError {
    UsageError(error.to_string())
}

/// A revision that is written as a path or a source: labels have no slash, and do not end like an archive.
fn is_place(revision: &str) -> bool {
    let archive = [".tar.gz", ".tgz", ".tar", ".zip"]
        .iter()
        .any(|ending| revision.ends_with(ending));
    archive || revision.contains('/') || revision == "."
}
