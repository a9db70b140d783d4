//! What operators can ask for, and what they are answered.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use super::hooks::report::HookStatus;
use crate::engine::input;
use crate::engine::spec::{Options, Spec};
use crate::identity::Pin;
use crate::identity::authority::Authority;
use crate::model::configuration::DeploymentConfiguration;
use crate::model::deployment::{Creator, DeploymentId};
use crate::model::freeze::Scope;
use crate::model::group::{GroupKey, Selection};
use crate::model::name::Name;
use crate::model::revision::RegisteredRevision;
use crate::model::s3::Destination;
use crate::model::source::Source;
use crate::model::timestamp::Timestamp;

/// A change of the world. `POST /v1/commands`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum Command {
    /// Take a directory or a zip, tar or tar.gz archive as a revision of an application.
    Push {
        /// Whose revision it is.
        application: Name,
        /// An absolute path on this machine.
        path: PathBuf,
        /// What people call it; the file's or folder's name when absent.
        label: Option<String>,
        /// Where in S3 it is kept, too; nowhere when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Destination>,
    },
    /// Get an archive from elsewhere as a revision of an application.
    Fetch {
        /// Whose revision it is.
        application: Name,
        /// Where the archive is.
        source: Source,
        /// What people call it; after where it comes from when absent.
        label: Option<String>,
    },
    /// Create a deployment.
    Deploy(Deploy),
    /// Stop, pause or otherwise steer a deployment that runs.
    Control {
        /// Which.
        deployment: DeploymentId,
        /// What.
        control: input::Command,
    },
    /// Roll back: stops a deployment that runs and rolls it back, or deploys the former revision over one that ended.
    Rollback {
        /// Which.
        deployment: DeploymentId,
        /// Who asks.
        by: String,
        /// Of which Unix user; as in [`Deploy::uid`].
        #[serde(skip)]
        uid: Option<u32>,
    },
    /// Delete a revision's record; refused while a group's target revision or a running deployment is of it.
    DeleteRevision {
        /// Whose revision it is.
        application: Name,
        /// A label, the beginning of a digest (eight digits or more), or a whole digest.
        revision: String,
    },
    /// Have fleets terminate hosts that they provisioned; refused for those that a deployment or a group needs.
    TerminateHosts {
        /// Which.
        hosts: Vec<Name>,
    },
    /// Send a receiver a test notification.
    TestNotification {
        /// Its name.
        receiver: String,
    },
    /// Say how a hook ended (`PutLifecycleEventHookExecutionStatus`).
    ReportHook {
        /// Of which deployment.
        deployment: DeploymentId,
        /// What the hook was called with.
        ticket: String,
        /// How it ended.
        status: HookStatus,
    },
    /// Let a host join that is given the token of the answer; refused for one that has a key, unless that is to be replaced.
    InviteHost {
        /// Which.
        host: Name,
        /// Whether its key may be another one from now on.
        replace_key: bool,
        /// Whoever has a certificate of it for the host may join; without one, whoever has the token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authority: Option<Authority>,
        /// Who asks.
        by: String,
    },
    /// Know a host's key no more: it gets and says nothing until it has joined again.
    RevokeHost {
        /// Which.
        host: Name,
    },
    /// Let instances of AWS join that a group selects and that are given the token of the answer.
    InviteInstances {
        /// Of which group.
        group: GroupKey,
        /// For how long; until it is revoked when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Who asks.
        by: String,
    },
    /// Let no instance join any more by a token. Those that have joined stay.
    RevokeToken {
        /// Its id.
        token: String,
    },
    /// Have a host make itself another key, or the orchestrator itself. It is shown when everybody who has to know it does.
    RotateKey {
        /// Which host; none is the orchestrator.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<Name>,
    },
    /// Let nothing start and no traffic move in a scope, for a while. Stopping and going back go on.
    Freeze {
        /// Where.
        scope: Scope,
        /// Why.
        why: String,
        /// For how long.
        seconds: u64,
        /// Who asks.
        by: String,
    },
    /// End a freeze before its time.
    Thaw {
        /// That of exactly this scope.
        scope: Scope,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
        /// Who asks.
        by: String,
    },
    /// Take an environment's lock off, for whoever asks and nobody else: it changes nothing here, and is in the audit trail.
    Unlock {
        /// Which.
        environment: Name,
        /// Why.
        why: String,
        /// For how long; for one command when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
        /// Who asks.
        by: String,
    },
    /// End the orchestrating process; refused while a deployment runs.
    Shutdown,
}

impl Command {
    /// The same, given by this person, whoever it says gave it: the name of a user, and its id.
    #[must_use]
    pub fn signed(mut self, person: &str, id: u32) -> Self {
        match &mut self {
            Self::Deploy(deploy) => {
                person.clone_into(&mut deploy.by);
                deploy.uid = Some(id);
            }
            Self::Control { control, .. } => {
                person.clone_into(&mut control.by);
                control.uid = Some(id);
            }
            Self::Rollback { by, uid, .. } => {
                person.clone_into(by);
                *uid = Some(id);
            }
            Self::InviteHost { by, .. }
            | Self::InviteInstances { by, .. }
            | Self::Freeze { by, .. }
            | Self::Thaw { by, .. }
            | Self::Unlock { by, .. } => {
                person.clone_into(by);
            }
            Self::Push { .. }
            | Self::Fetch { .. }
            | Self::DeleteRevision { .. }
            | Self::TerminateHosts { .. }
            | Self::TestNotification { .. }
            | Self::ReportHook { .. }
            | Self::RevokeHost { .. }
            | Self::RevokeToken { .. }
            | Self::RotateKey { .. }
            | Self::Shutdown => {}
        }
        self
    }

    /// Stops a deployment: running events finish, nothing new starts. `auto_rollback` of `None` leaves it to the
    /// configuration whether it is rolled back.
    pub fn stop(
        deployment: DeploymentId,
        auto_rollback: Option<bool>,
        by: impl Into<String>,
    ) -> Self {
        let stop = input::What::Stop { auto_rollback };
        Self::Control {
            deployment,
            control: input::Command::new(stop, by),
        }
    }
}

/// What a new deployment asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deploy {
    /// Where to.
    pub group: GroupKey,
    /// A label, the beginning of a digest (eight digits or more), or a whole digest.
    pub revision: String,
    /// The replacement of a blue/green deployment (`targetInstances`); without it, the side that had the traffic before the
    /// last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_instances: Option<Box<Selection>>,
    /// Another configuration than the group's.
    #[serde(default)]
    pub configuration: Option<Name>,
    /// Free text of at most 256 characters.
    #[serde(default)]
    pub description: String,
    /// Settings of this deployment.
    #[serde(default)]
    pub options: Options,
    /// What the caller knows it by: asking twice with the same token creates one deployment.
    #[serde(default)]
    pub token: Option<String>,
    /// Look into the bundle before anything is created: it must be there, whole, and its `AppSpec` valid.
    #[serde(default)]
    pub verify_artifact: bool,
    /// Whether somebody asks, or it is made by itself. Never read from what a client sends.
    #[serde(skip)]
    pub creator: Creator,
    /// Who asks.
    pub by: String,
    /// Of which Unix user. The door says so; it is never read from what a client sends.
    #[serde(skip)]
    pub uid: Option<u32>,
}

impl Deploy {
    /// The same again: revision, configuration and options of a deployment that there was.
    pub fn again(spec: &Spec, by: impl Into<String>) -> Self {
        Self {
            group: spec.group_key(),
            revision: spec.revision.digest.to_string(),
            target_instances: None,
            configuration: Some(spec.configuration.deployment_config_name.clone()),
            description: String::new(),
            options: spec.options.clone(),
            token: None,
            verify_artifact: false,
            creator: Creator::User,
            by: by.into(),
            uid: None,
        }
    }
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    tag = "type",
    rename_all_fields = "camelCase"
)]
pub enum Answer {
    /// A deployment was created.
    Created {
        /// Its id.
        deployment: DeploymentId,
    },
    /// A deployment was steered: it is in its journal.
    Taken {
        /// Whether events still run (`CodeDeploy`'s `Pending` of a stop).
        pending: bool,
        /// What still runs, in a sentence.
        message: String,
    },
    /// A revision was registered.
    Registered {
        /// What is known of it.
        revision: RegisteredRevision,
    },
    /// Hosts are gone.
    Terminated {
        /// Which.
        hosts: Vec<Name>,
        /// Why others are left.
        trouble: Option<String>,
    },
    /// A receiver was sent a test notification.
    Notified {
        /// Whether it took it.
        taken: bool,
        /// What it answered, or what went wrong.
        answer: String,
    },
    /// A host may join.
    Invited {
        /// Which.
        host: Name,
        /// Where it will be looked for.
        address: String,
        /// What it joins with.
        pass: Pass,
        /// The orchestrator's key.
        orchestrator: Pin,
        /// Until when.
        until: Timestamp,
    },
    /// Instances may join.
    Offered {
        /// Of which group.
        group: GroupKey,
        /// What the token is told by.
        id: String,
        /// Where their agents will be looked for.
        port: u16,
        /// What they are to be given.
        token: String,
        /// The orchestrator's key.
        orchestrator: Pin,
        /// Until when; without one, until the token is revoked.
        until: Option<Timestamp>,
    },
    /// The person may go on as if an environment were not locked.
    Unlocked {
        /// Which.
        environment: Name,
        /// Until when; without one, for one command.
        until: Option<Timestamp>,
    },
    /// There is another key.
    Rotated {
        /// The new one.
        key: Pin,
        /// Who has to note it before it is shown: hosts, or for a host's key the projects of orchestrators with their fingerprints.
        waits_for: BTreeSet<String>,
    },
    /// Nothing more to say.
    Done,
}

/// What a host joins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pass {
    /// What it is to be given; whoever has it may join in its place.
    Token(String),
    /// Certificates of the authority: its own, and one of the orchestrator under this name.
    Certificate(String),
}

impl Answer {
    /// What may be kept of it: without the token by which hosts join.
    #[must_use]
    pub fn kept(&self) -> Self {
        let mut kept = self.clone();
        if let Self::Invited {
            pass: Pass::Token(token),
            ..
        }
        | Self::Offered { token, .. } = &mut kept
        {
            "not kept".clone_into(token);
        }
        kept
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// `CodeDeploy`'s exception name where it has one.
    pub code: String,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
}

impl ApiError {
    /// An error with this code and message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// The answer to `POST /v1/preview` ([`Deploy`] in): what the deployment would do, without doing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// What would be deployed.
    pub revision: RegisteredRevision,
    /// How many at a time.
    pub configuration: DeploymentConfiguration,
    /// The stages.
    pub plan: crate::engine::Plan,
    /// What stands in the way, if anything does.
    pub refusal: Option<ApiError>,
    /// What is known about how it would go.
    #[serde(default)]
    pub forecast: Option<Box<Forecast>>,
}
