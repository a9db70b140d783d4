//! A command as people type it: the line of `cutover` that asks for the same.

use std::fmt::Display;
use std::path::Path;

use super::command::{Command, Deploy};
use crate::engine::input::{self, What};
use crate::engine::plan::Before;
use crate::engine::spec::{OnFailure, Options, RollbackTargets};
use crate::model::deployment::{DeploymentId, FileExistsBehavior};
use crate::model::freeze::Scope;
use crate::model::group::{
    AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent, Selection,
};
use crate::model::tags::TagFilter;
use crate::orchestrator::hooks::report::HookStatus;

/// Why no line asks for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsayable {
    /// A lock is taken off by the command that runs into it.
    #[error("no command of its own: `--unlock REASON` before another command unlocks for that one")]
    Unlock,
    /// The process is ended as any other.
    #[error("no command of its own: `kill` ends the process of the orchestrator")]
    Shutdown,
    /// Options can't say all of it.
    #[error("no options say {0}")]
    Options(&'static str),
}

/// The command line that asks for the same as a command, for a shell; `project` is where that has to be said. Who asks is
/// whoever types it.
///
/// # Errors
/// If there is none.
pub fn line(command: &Command, project: Option<&Path>) -> Result<String, Unsayable> {
    let words = words(command)?.all(project)?;
    let words = words.iter().map(String::as_str);
    shlex::try_join(words).map_err(|_| Unsayable::Options("a text with a zero byte"))
}

/// The words of a line.
struct Words {
    verbs: &'static [&'static str],
    places: Vec<String>,
    options: Vec<String>,
}

impl Words {
    fn new(verbs: &'static [&'static str]) -> Self {
        Self {
            verbs,
            places: Vec::new(),
            options: Vec::new(),
        }
    }

    /// What is told by its place.
    fn with(mut self, value: impl Display) -> Self {
        self.places.push(value.to_string());
        self
    }

    fn switch(mut self, name: &str, on: bool) -> Self {
        self.options.extend(on.then(|| name.to_owned()));
        self
    }

    fn option(mut self, name: &str, value: Option<impl Display>) -> Self {
        match value.map(|value| value.to_string()) {
            // It would be taken for an option.
            Some(value) if value.starts_with('-') => self.options.push(format!("{name}={value}")),
            Some(value) => self.options.extend([name.to_owned(), value]),
            None => {}
        }
        self
    }

    fn all(self, project: Option<&Path>) -> Result<Vec<String>, Unsayable> {
        let mut all = vec!["cutover".to_owned()];
        if let Some(project) = project {
            all.extend(["-C".to_owned(), text(project)?]);
        }
        all.extend(self.verbs.iter().map(|verb| (*verb).to_owned()));
        if self.places.iter().any(|place| place.starts_with('-')) {
            all.extend(self.options);
            all.push("--".to_owned());
            all.extend(self.places);
        } else {
            all.extend(self.places);
            all.extend(self.options);
        }
        Ok(all)
    }
}

fn text(path: &Path) -> Result<String, Unsayable> {
    let text = path.to_str();
    text.map(str::to_owned)
        .ok_or(Unsayable::Options("a path that is no text"))
}

fn words(command: &Command) -> Result<Words, Unsayable> {
    Ok(match command {
        Command::Push {
            application,
            path,
            label,
            to,
        } => Words::new(&["push"])
            .with(application)
            .with(text(path)?)
            .option("--label", label.as_ref())
            .option("--to", to.as_ref().map(|to| &to.object))
            .option("--account", to.as_ref().and_then(|to| to.account.as_ref())),
        Command::Fetch {
            application,
            source,
            label,
        } => Words::new(&["push"])
            .with(application)
            .with(source)
            .option("--label", label.as_ref()),
        Command::Deploy(deploy) => deploying(deploy)?,
        Command::Control {
            deployment,
            control,
        } => steering(deployment, control),
        Command::Rollback { deployment, .. } => Words::new(&["rollback"]).with(deployment),
        Command::DeleteRevision {
            application,
            revision,
        } => Words::new(&["revision", "delete"])
            .with(application)
            .with(revision),
        Command::TestNotification { receiver } => {
            Words::new(&["notifications", "test"]).with(receiver)
        }
        Command::ReportHook {
            deployment,
            ticket,
            status,
        } => Words::new(&["report-hook"])
            .with(deployment)
            .with(ticket)
            .with(match status {
                HookStatus::Succeeded => "succeeded",
                HookStatus::Failed => "failed",
            }),
        Command::Freeze {
            scope,
            why,
            seconds,
            ..
        } => at(Words::new(&["freeze"]), scope)?
            .option("--reason", Some(why))
            .option("--for", Some(span(*seconds))),
        Command::Thaw { scope, why, .. } => {
            at(Words::new(&["thaw"]), scope)?.option("--why", why.as_ref())
        }
        Command::Unlock { .. } => return Err(Unsayable::Unlock),
        Command::Shutdown => return Err(Unsayable::Shutdown),
        Command::TerminateHosts { .. }
        | Command::InviteHost { .. }
        | Command::RevokeHost { .. }
        | Command::InviteInstances { .. }
        | Command::RevokeToken { .. }
        | Command::RotateKey { .. } => about_hosts(command)?,
    })
}

/// What says who may be a host.
fn about_hosts(command: &Command) -> Result<Words, Unsayable> {
    Ok(match command {
        Command::TerminateHosts { hosts } => {
            let words = Words::new(&["hosts", "terminate"]);
            hosts.iter().fold(words, Words::with)
        }
        Command::InviteHost {
            authority: Some(_), ..
        } => return Err(Unsayable::Options("an authority without its file")),
        Command::InviteHost {
            host, replace_key, ..
        } => Words::new(&["hosts", "invite"])
            .with(host)
            .switch("--replace-key", *replace_key),
        Command::RevokeHost { host } => Words::new(&["hosts", "revoke"]).with(host),
        Command::InviteInstances { group, seconds, .. } => Words::new(&["hosts", "invite"])
            .option("--instances", Some(group))
            .option("--for", seconds.map(span)),
        Command::RevokeToken { token } => {
            Words::new(&["hosts", "revoke"]).option("--token", Some(token))
        }
        Command::RotateKey { host: Some(host) } => Words::new(&["hosts", "rotate"]).with(host),
        _ => Words::new(&["hosts", "rotate"]).switch("--orchestrator", true),
    })
}

fn deploying(deploy: &Deploy) -> Result<Words, Unsayable> {
    let Options {
        file_exists_behavior,
        ignore_application_stop_failures,
        auto_rollback_configuration,
        override_alarm_configuration,
        update_outdated_instances_only,
        on_failure,
        rollback_targets,
    } = &deploy.options;
    let replacement = match deploy.target_instances.as_deref() {
        Some(selection) => {
            tags(selection).ok_or(Unsayable::Options("a replacement that is more than tags"))?
        }
        None => Vec::new(),
    };
    let exists = match file_exists_behavior {
        FileExistsBehavior::Disallow => None,
        FileExistsBehavior::Overwrite => Some("overwrite"),
        FileExistsBehavior::Retain => Some("retain"),
    };
    let back = auto_rollback_configuration.as_ref().map(occasions);
    let alarms = override_alarm_configuration.as_deref().map(alarms);
    let words = Words::new(&["deploy"])
        .with(&deploy.group.application)
        .with(&deploy.group.group)
        .with(&deploy.revision);
    let words = replacement
        .into_iter()
        .fold(words, |words, tag| words.option("--replacement", Some(tag)));
    let poll = override_alarm_configuration.as_ref();
    let attempted = *rollback_targets == RollbackTargets::Attempted;
    let description = Some(&deploy.description).filter(|text| !text.is_empty());
    Ok(words
        .option("--config", deploy.configuration.as_ref())
        .option("--description", description)
        .switch(
            "--ignore-application-stop-failures",
            *ignore_application_stop_failures,
        )
        .option("--file-exists-behavior", exists)
        .option("--auto-rollback", back.transpose()?)
        .option("--alarms", alarms.transpose()?)
        .switch(
            "--ignore-poll-alarm-failure",
            poll.is_some_and(|alarms| alarms.ignore_poll_alarm_failure),
        )
        .switch("--rollback-attempted-only", attempted)
        .switch(
            "--update-outdated-instances-only",
            *update_outdated_instances_only,
        )
        .option(
            "--on-failure",
            (*on_failure == OnFailure::Hold).then_some("hold"),
        )
        .option("--token", deploy.token.as_ref())
        .switch("--verify-artifact", deploy.verify_artifact))
}

/// The tags that a replacement is told by, each of which must match.
fn tags(selection: &Selection) -> Option<Vec<String>> {
    let set = selection.ec2_tag_set.as_ref()?;
    let alone = Selection {
        ec2_tag_set: Some(set.clone()),
        ..Selection::default()
    };
    if *selection != alone || set.ec2_tag_set_list.is_empty() {
        return None;
    }
    let tag = |filters: &Vec<TagFilter>| match filters.as_slice() {
        [
            TagFilter {
                key: Some(key),
                value,
                kind: None,
            },
        ] if !key.contains('=') => Some(match value {
            Some(value) => format!("{key}={value}"),
            None => key.clone(),
        }),
        _ => None,
    };
    set.ec2_tag_set_list.iter().map(tag).collect()
}

fn occasions(back: &AutoRollbackConfiguration) -> Result<String, Unsayable> {
    let names: Vec<&str> = back
        .events
        .iter()
        .map(|event| match event {
            AutoRollbackEvent::DeploymentFailure => "failure",
            AutoRollbackEvent::DeploymentStopOnRequest => "stop",
            AutoRollbackEvent::DeploymentStopOnAlarm => "alarm",
        })
        .collect();
    match (back.enabled, names.as_slice()) {
        (false, []) => Ok("off".to_owned()),
        (true, [_, ..]) => Ok(names.join(",")),
        _ => Err(Unsayable::Options("a rollback that is neither on nor off")),
    }
}

fn alarms(alarms: &AlarmConfiguration) -> Result<String, Unsayable> {
    let names: Vec<&str> = alarms
        .alarms
        .iter()
        .map(|alarm| alarm.name.as_str())
        .collect();
    let odd = names.iter().any(|name| name.contains(',')) || names == ["off"];
    match (alarms.enabled, names.as_slice()) {
        (false, []) => Ok("off".to_owned()),
        (true, [_, ..]) if !odd => Ok(names.join(",")),
        _ => Err(Unsayable::Options("these alarms")),
    }
}

fn steering(deployment: &DeploymentId, control: &input::Command) -> Words {
    let words = match &control.what {
        What::Stop { auto_rollback } => Words::new(&["stop"])
            .with(deployment)
            .switch("--rollback", *auto_rollback == Some(true))
            .switch("--no-rollback", *auto_rollback == Some(false)),
        What::Pause => Words::new(&["pause"]).with(deployment),
        What::Resume => Words::new(&["resume"]).with(deployment),
        What::Retry { target } => Words::new(&["retry"]).with(deployment).with(target),
        What::Skip { target } => Words::new(&["skip"]).with(deployment).with(target),
        What::StartNext { target } => Words::new(&["next"]).with(deployment).with(target),
        What::GiveUp => Words::new(&["give-up"]).with(deployment),
        What::Weight { split } => Words::new(&["weight"])
            .with(deployment)
            .with(split.replacement()),
        What::Continue {
            before: Before::Reroute,
        } => Words::new(&["reroute"]).with(deployment),
        What::Continue {
            before: Before::Termination,
        } => Words::new(&["skip-wait"]).with(deployment),
        What::Approve { step } => Words::new(&["approve"])
            .with(deployment)
            .option("--step", *step),
    };
    // A stop is done whatever was decided since.
    let seen = match control.what {
        What::Stop { .. } => None,
        _ => control.seen,
    };
    words
        .option("--why", control.why.as_ref())
        .option("--seen", seen)
}

/// Where a freeze holds; everywhere if nothing is said.
fn at(words: Words, scope: &Scope) -> Result<Words, Unsayable> {
    match (&scope.application, &scope.group) {
        (None, None) => Ok(words),
        (Some(application), None) => Ok(words.with(application)),
        (Some(application), Some(group)) => Ok(words.with(format!("{application}/{group}"))),
        (None, Some(_)) => Err(Unsayable::Options("a group without its application")),
    }
}

/// A span of time as people type it.
fn span(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, 'd'),
        (seconds / 3600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    parts.concat()
}
