//! What each request needs: the one table. Every command and every route of the door is named here, so that a new one
//! does not compile before somebody has said who may use it.
//!
//! A hook that reports by itself is nobody's, and is not in it: its one right is [its ticket](super::door::Door::report).

use super::command::{Command, Deploy};
use crate::engine::input::What;
use crate::model::access::{Right, Where};
use crate::model::deployment::DeploymentId;
use crate::model::freeze::Scope;
use crate::model::group::GroupKey;
use crate::model::name::Name;

/// A request at the door.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// Who orchestrates.
    Ping,
    /// Everything that happens, as far as one may see it.
    Feed,
    /// A change of the world.
    Command(&'a Command),
    /// A bundle comes in as a revision of an application.
    Upload(&'a Name),
    /// What a deployment would do.
    Preview(&'a Deploy),
    /// The alarms that one may see.
    Alarms,
    /// A deployment, its journal, its traffic, its output or its notifications.
    Deployment(&'a DeploymentId),
    /// The notifications that one may see.
    Notifications,
    /// A group's ledger.
    Ledger(&'a GroupKey),
    /// The tokens by which instances join, without what they go by.
    Tokens,
    /// The audit trail.
    Audit,
}

impl Request<'_> {
    /// What it is called in the audit trail; a command has its own name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Feed => "feed",
            Self::Command(_) => "command",
            Self::Upload(_) => "upload",
            Self::Preview(_) => "preview",
            Self::Alarms => "alarms",
            Self::Deployment(_) => "deployment",
            Self::Notifications => "notifications",
            Self::Ledger(_) => "ledger",
            Self::Tokens => "tokens",
            Self::Audit => "audit",
        }
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// A place that it names.
    Place(Where<'a>),
    /// The scope of a freeze.
    Scope(&'a Scope),
    /// The group of this deployment.
    Deployment(&'a DeploymentId),
    /// Wherever groups stand in this environment that one may see.
    Environment(&'a Name),
}

/// The right that a request needs, and where.
pub fn need<'a>(request: &Request<'a>) -> (Right, About<'a>) {
    let anywhere = About::Place(Where::Anywhere);
    match *request {
        Request::Ping | Request::Feed | Request::Alarms | Request::Notifications => {
            (Right::See, anywhere)
        }
        Request::Command(command) => need_of(command),
        // A revision changes nothing that runs: who may deploy to one of the application's groups must be able to bring it.
        Request::Upload(application) => (Right::Operate, About::Place(Where::Within(application))),
        Request::Preview(deploy) => (Right::See, About::Place(Where::Group(&deploy.group))),
        Request::Deployment(id) => (Right::See, About::Deployment(id)),
        Request::Audit | Request::Tokens => (Right::Administer, About::Place(Where::Project)),
        Request::Ledger(group) => (Right::See, About::Place(Where::Group(group))),
    }
}

/// The right that a command needs, and where.
fn need_of(command: &Command) -> (Right, About<'_>) {
    let project = About::Place(Where::Project);
    match command {
        Command::Push { application, .. } | Command::Fetch { application, .. } => {
            (Right::Operate, About::Place(Where::Within(application)))
        }
        Command::Deploy(deploy) => (Right::Operate, About::Place(Where::Group(&deploy.group))),
        Command::Control {
            deployment,
            control,
        } => (right_to(&control.what), About::Deployment(deployment)),
        Command::Rollback { deployment, .. } | Command::ReportHook { deployment, .. } => {
            (Right::Operate, About::Deployment(deployment))
        }
        Command::DeleteRevision { application, .. } => (
            Right::Operate,
            About::Place(Where::Application(application)),
        ),
        Command::Freeze { scope, .. } | Command::Thaw { scope, .. } => {
            (Right::Administer, About::Scope(scope))
        }
        // It gives nobody a right: what is done after it needs its own.
        Command::Unlock { environment, .. } => (Right::See, About::Environment(environment)),
        Command::TerminateHosts { .. }
        | Command::TestNotification { .. }
        | Command::InviteHost { .. }
        | Command::RevokeHost { .. }
        | Command::InviteInstances { .. }
        | Command::RevokeToken { .. }
        | Command::RotateKey { .. }
        | Command::Shutdown => (Right::Administer, project),
    }
}

/// The right to steer a deployment like this.
fn right_to(what: &What) -> Right {
    match what {
        What::Stop { .. }
        | What::Pause
        | What::Resume
        | What::Retry { .. }
        | What::Skip { .. }
        | What::StartNext { .. }
        | What::GiveUp
        | What::Weight { .. }
        | What::Continue { .. } => Right::Operate,
        What::Approve { .. } => Right::Approve,
    }
}
