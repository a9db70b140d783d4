//! Locks of environments: which of them a command runs into. A lock is a safety catch of whoever sits in front of a cockpit
//! or types a command; it keeps nobody out, and is told to the [gate](super::gate) by them.

use std::collections::{BTreeMap, BTreeSet};

use super::command::Command;
use super::view::View;
use crate::engine::input::What;
use crate::engine::plan::Before;
use crate::model::deployment::DeploymentId;
use crate::model::environment::Environment;
use crate::model::freeze::Scope;
use crate::model::group::{DeploymentGroup, GroupKey};
use crate::model::host::Host;
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Split;

/// What a command is about, as far as locks go.
#[derive(Clone, Copy, Debug)]
enum Subject<'a> {
    /// No lock is in its way.
    Free,
    /// A deployment group.
    Group(&'a GroupKey),
    /// The group of a deployment.
    Deployment(&'a DeploymentId),
    /// Every group of an application.
    Application(&'a Name),
    /// Every group in the scope of a freeze.
    Scope(&'a Scope),
    /// Every group that has one of these hosts.
    Hosts(&'a [Name]),
    /// Every group.
    Project,
}

/// The one table: every command is named here, so that a new one does not compile before somebody has said what it is about.
fn subject(command: &Command) -> Subject<'_> {
    match command {
        // These change nothing that runs; and who has the ticket of a hook is asked by a deployment that was let start.
        Command::Push { .. }
        | Command::Fetch { .. }
        | Command::TestNotification { .. }
        | Command::Shutdown
        | Command::Unlock { .. }
        | Command::ReportHook { .. } => Subject::Free,
        _ if is_way_out(command) => Subject::Free,
        Command::Deploy(deploy) => Subject::Group(&deploy.group),
        Command::Control { deployment, .. } | Command::Rollback { deployment, .. } => {
            Subject::Deployment(deployment)
        }
        Command::DeleteRevision { application, .. } => Subject::Application(application),
        Command::Freeze { scope, .. } | Command::Thaw { scope, .. } => Subject::Scope(scope),
        Command::TerminateHosts { hosts } => Subject::Hosts(hosts),
        Command::InviteHost { host, .. }
        | Command::RevokeHost { host }
        | Command::RotateKey { host: Some(host) } => Subject::Hosts(std::slice::from_ref(host)),
        Command::InviteInstances { group, .. } => Subject::Group(group),
        Command::RevokeToken { .. } | Command::RotateKey { host: None } => Subject::Project,
    }
}

/// Whether no lock is ever in the way of a command.
pub fn is_free(command: &Command) -> bool {
    matches!(subject(command), Subject::Free)
}

/// Whether a command is the way out, which nothing makes hard: it stops, and rolls back only what is configured to be.
pub fn is_way_out(command: &Command) -> bool {
    matches!(command, Command::Control { control, .. }
        if matches!(control.what, What::Stop { auto_rollback } if auto_rollback != Some(true)))
}

/// Whether a command decides what the users of an environment get, all at once: in production its name is asked for.
pub fn is_weighty(command: &Command) -> bool {
    match command {
        Command::Deploy(_) | Command::Rollback { .. } | Command::TerminateHosts { .. } => true,
        Command::Control { control, .. } => match &control.what {
            What::Stop { auto_rollback } => *auto_rollback == Some(true),
            What::Continue {
                before: Before::Reroute | Before::Termination,
            } => true,
            What::Weight { split } => *split == Split::REPLACEMENT,
            What::Pause
            | What::Resume
            | What::Retry { .. }
            | What::Skip { .. }
            | What::StartNext { .. }
            | What::GiveUp
            | What::Approve { .. } => false,
        },
        _ => false,
    }
}

/// The environments that a command is about. `group_of` knows the groups of deployments.
pub fn environments(
    command: &Command,
    project: &Project,
    group_of: impl Fn(&DeploymentId) -> Option<GroupKey>,
) -> BTreeSet<Name> {
    // The cockpit asks with every frame.
    if project.environments.is_empty() {
        return BTreeSet::new();
    }
    let subject = subject(command);
    let of = match subject {
        Subject::Deployment(id) => group_of(id),
        _ => None,
    };
    let made_for = |host: &Host| group_of(&host.provisioned.as_ref()?.deployment);
    let names: &[Name] = match subject {
        Subject::Hosts(names) => names,
        _ => &[],
    };
    let hosts = project
        .hosts
        .iter()
        .filter(|host| names.contains(&host.name));
    let hosts: Vec<&Host> = hosts.collect();
    // What is not known, such as the copy of a group at AWS, or what something forgotten has made, may be anybody's.
    let strange = names
        .iter()
        .any(|name| hosts.iter().all(|host| host.name != *name))
        || hosts
            .iter()
            .any(|host| host.provisioned.is_some() && made_for(host).is_none());
    let concerns = |group: &DeploymentGroup| match subject {
        Subject::Free => false,
        Subject::Group(key) => group.key() == *key,
        Subject::Deployment(_) => Some(group.key()) == of,
        Subject::Application(name) => group.application_name == *name,
        Subject::Scope(scope) => scope.covers(&group.key()),
        Subject::Hosts(_) => {
            let made = |host: &Host| made_for(host).as_ref() == Some(&group.key());
            strange || hosts.iter().any(|host| group.selects(host) || made(host))
        }
        Subject::Project => true,
    };
    let standing = project.groups.iter();
    standing
        .filter(|group| group.environment.is_some() && concerns(group))
        .filter_map(|group| group.environment.clone())
        .collect()
}

impl View {
    /// The environments that a command is about.
    pub fn environments(&self, command: &Command) -> BTreeSet<Name> {
        environments(command, &self.project, |id| {
            Some(self.summaries.get(id)?.group.clone())
        })
    }

    /// The environments whose locks a command runs into.
    pub fn locks(&self, command: &Command) -> BTreeSet<Name> {
        let mut found = self.environments(command);
        found.retain(|name| {
            let known = self.project.environments.get(name);
            known.is_some_and(Environment::is_locked)
        });
        found
    }
}

/// What one person has unlocked, for themselves alone and for a while. It is kept nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unlocked(BTreeMap<Name, Timestamp>);

impl Unlocked {
    /// An environment is unlocked until then.
    pub fn unlock(&mut self, environment: Name, until: Timestamp) {
        self.0.insert(environment, until);
    }

    /// It is locked again.
    pub fn lock(&mut self, environment: &Name) {
        self.0.remove(environment);
    }

    /// Until when an environment is unlocked.
    pub fn until(&self, environment: &Name, now: Timestamp) -> Option<Timestamp> {
        self.0
            .get(environment)
            .copied()
            .filter(|until| *until > now)
    }

    /// Whether anything is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets those whose time is over, and says which they are.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Name> {
        self.0
            .extract_if(.., |_, until| *until <= now)
            .map(|(name, _)| name)
            .collect()
    }
}
