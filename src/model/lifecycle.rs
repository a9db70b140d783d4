//! Lifecycle events: their names, which of them carry hooks, and their order on a Server target.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::custom_event::CustomEvent;

/// One lifecycle event of a target. Names and order: the `CodeDeploy` hook reference for the Server platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "Cow<'_, str>")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum LifecycleEvent {
    BeforeBlockTraffic,
    BlockTraffic,
    AfterBlockTraffic,
    ApplicationStop,
    DownloadBundle,
    BeforeInstall,
    Install,
    AfterInstall,
    ApplicationStart,
    ValidateService,
    BeforeAllowTraffic,
    AllowTraffic,
    AfterAllowTraffic,
    /// One that only the revision's author knows; local deployments alone can run it.
    Custom(CustomEvent),
}

use LifecycleEvent as E;

impl LifecycleEvent {
    /// Every event of the platform, in the order of an in-place deployment with a load balancer.
    pub const ALL: [Self; 13] = [
        E::BeforeBlockTraffic,
        E::BlockTraffic,
        E::AfterBlockTraffic,
        E::ApplicationStop,
        E::DownloadBundle,
        E::BeforeInstall,
        E::Install,
        E::AfterInstall,
        E::ApplicationStart,
        E::ValidateService,
        E::BeforeAllowTraffic,
        E::AllowTraffic,
        E::AfterAllowTraffic,
    ];

    /// The events of an in-place deployment without a load balancer, in order.
    pub const IN_PLACE: [Self; 7] = [
        E::ApplicationStop,
        E::DownloadBundle,
        E::BeforeInstall,
        E::Install,
        E::AfterInstall,
        E::ApplicationStart,
        E::ValidateService,
    ];

    /// What a replacement instance goes through before it may get traffic, in order. One that gets some by now, from a
    /// deployment that was stopped or by somebody's hand, leaves first: nothing is installed where requests go.
    pub const REPLACEMENT: [Self; 8] = [
        E::BlockTraffic,
        E::ApplicationStop,
        E::DownloadBundle,
        E::BeforeInstall,
        E::Install,
        E::AfterInstall,
        E::ApplicationStart,
        E::ValidateService,
    ];

    /// The events in which an instance leaves the load balancers, in order.
    pub const BLOCK: [Self; 3] = [E::BeforeBlockTraffic, E::BlockTraffic, E::AfterBlockTraffic];

    /// The events in which an instance enters the load balancers, in order.
    pub const ALLOW: [Self; 3] = [E::BeforeAllowTraffic, E::AllowTraffic, E::AfterAllowTraffic];

    /// Whether an `AppSpec` may attach scripts to the event. The others are reserved: the agent or the orchestrator acts.
    pub fn carries_hooks(self) -> bool {
        !matches!(
            self,
            E::BlockTraffic | E::DownloadBundle | E::Install | E::AllowTraffic
        )
    }

    /// Whether the event happens on a host. The others happen at the load balancer.
    pub fn is_on_host(self) -> bool {
        !matches!(self, E::BlockTraffic | E::AllowTraffic)
    }

    /// Whether `ignoreApplicationStopFailures` lets a target go on after this event failed.
    pub fn failure_may_be_ignored(self) -> bool {
        matches!(
            self,
            E::ApplicationStop | E::BeforeBlockTraffic | E::AfterBlockTraffic
        )
    }

    /// The event's name as `CodeDeploy` writes it.
    pub fn name(self) -> &'static str {
        match self {
            E::BeforeBlockTraffic => "BeforeBlockTraffic",
            E::BlockTraffic => "BlockTraffic",
            E::AfterBlockTraffic => "AfterBlockTraffic",
            E::ApplicationStop => "ApplicationStop",
            E::DownloadBundle => "DownloadBundle",
            E::BeforeInstall => "BeforeInstall",
            E::Install => "Install",
            E::AfterInstall => "AfterInstall",
            E::ApplicationStart => "ApplicationStart",
            E::ValidateService => "ValidateService",
            E::BeforeAllowTraffic => "BeforeAllowTraffic",
            E::AllowTraffic => "AllowTraffic",
            E::AfterAllowTraffic => "AfterAllowTraffic",
            E::Custom(event) => event.name(),
        }
    }

    /// A heading of at most five characters for narrow columns.
    pub fn short_name(self) -> &'static str {
        match self {
            E::BeforeBlockTraffic => "BefBl",
            E::BlockTraffic => "Block",
            E::AfterBlockTraffic => "AftBl",
            E::ApplicationStop => "Stop",
            E::DownloadBundle => "Bundl",
            E::BeforeInstall => "BefIn",
            E::Install => "Instl",
            E::AfterInstall => "AftIn",
            E::ApplicationStart => "Start",
            E::ValidateService => "Valid",
            E::BeforeAllowTraffic => "BefAl",
            E::AllowTraffic => "Allow",
            E::AfterAllowTraffic => "AftAl",
            E::Custom(_) => "Other",
        }
    }

    /// The event of the platform with this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

impl From<LifecycleEvent> for &'static str {
    fn from(event: LifecycleEvent) -> Self {
        event.name()
    }
}

impl TryFrom<Cow<'_, str>> for LifecycleEvent {
    type Error = String;

    fn try_from(name: Cow<'_, str>) -> Result<Self, String> {
        Self::from_name(&name)
            .or_else(|| CustomEvent::find(&name).map(Self::Custom))
            .ok_or_else(|| format!("there is no lifecycle event {name:?}"))
    }
}

impl fmt::Display for LifecycleEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The status of one lifecycle event of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum EventStatus {
    #[default]
    Pending,
    InProgress,
    Succeeded,
    Failed,
    Skipped,
    Unknown,
}

impl EventStatus {
    /// Whether the status never changes again.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}
