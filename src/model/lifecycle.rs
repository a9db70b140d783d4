//! Lifecycle events: their names, their order on each compute platform, and who acts in them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::application::ComputePlatform;
use super::custom_event::CustomEvent;

/// One lifecycle event of a target. Names and order: `CodeDeploy`'s hook reference. The order here is that of every platform,
/// so that sorted events are in the order in which they happen.
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
    AllowTestTraffic,
    AfterAllowTestTraffic,
    BeforeAllowTraffic,
    AllowTraffic,
    AfterAllowTraffic,
    /// One that only the revision's author knows; local deployments alone can run it.
    Custom(CustomEvent),
}

use LifecycleEvent as E;

impl LifecycleEvent {
    /// Every event of the Server platform, in the order of an in-place deployment with a load balancer.
    pub const SERVER: [Self; 13] = [
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

    /// Every event of the Lambda platform, in order.
    pub const LAMBDA: [Self; 3] = Self::ALLOW;

    /// Every event of the ECS platform, in order. Those of test traffic happen only where there is a test listener.
    pub const ECS: [Self; 8] = [
        E::BeforeInstall,
        E::Install,
        E::AfterInstall,
        E::AllowTestTraffic,
        E::AfterAllowTestTraffic,
        E::BeforeAllowTraffic,
        E::AllowTraffic,
        E::AfterAllowTraffic,
    ];

    /// Every event of a platform, in order.
    pub fn of(platform: ComputePlatform) -> &'static [Self] {
        match platform {
            ComputePlatform::Server => &Self::SERVER,
            ComputePlatform::Lambda => &Self::LAMBDA,
            ComputePlatform::Ecs => &Self::ECS,
        }
    }

    /// Whether an `AppSpec` may attach scripts or a function to the event. The others are reserved: the agent or the
    /// orchestrator acts.
    pub fn carries_hooks(self) -> bool {
        !matches!(
            self,
            E::BlockTraffic
                | E::DownloadBundle
                | E::Install
                | E::AllowTestTraffic
                | E::AllowTraffic
        )
    }

    /// Whether the event of a Server target happens on its host. The others happen at the load balancer, or on another
    /// platform.
    pub fn is_on_host(self) -> bool {
        !matches!(
            self,
            E::BlockTraffic | E::AllowTestTraffic | E::AfterAllowTestTraffic | E::AllowTraffic
        )
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
            E::AllowTestTraffic => "AllowTestTraffic",
            E::AfterAllowTestTraffic => "AfterAllowTestTraffic",
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
            E::AllowTestTraffic => "AlTst",
            E::AfterAllowTestTraffic => "AftTs",
            E::BeforeAllowTraffic => "BefAl",
            E::AllowTraffic => "Allow",
            E::AfterAllowTraffic => "AftAl",
            E::Custom(_) => "Other",
        }
    }

    /// The event of a platform with this exact name.
    pub fn from_name(name: &str, platform: ComputePlatform) -> Option<Self> {
        let mut events = Self::of(platform).iter().copied();
        events.find(|event| event.name() == name)
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
        // A name that was made before another platform's event is meant: it comes from this very process.
        Self::from_name(&name, ComputePlatform::Server)
            .or_else(|| CustomEvent::find(&name).map(Self::Custom))
            .or_else(|| Self::from_name(&name, ComputePlatform::Ecs))
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

#[cfg(test)]
mod tests {
    use super::*;

    const PLATFORMS: [ComputePlatform; 3] = [
        ComputePlatform::Server,
        ComputePlatform::Lambda,
        ComputePlatform::Ecs,
    ];

    #[test]
    fn sorted_events_are_in_the_order_of_every_platform() {
        for platform in PLATFORMS {
            assert!(LifecycleEvent::of(platform).is_sorted(), "{platform:?}");
        }
    }

    #[test]
    fn every_event_is_read_as_it_is_written() {
        let all = PLATFORMS.iter().flat_map(|one| LifecycleEvent::of(*one));
        let mut short: Vec<&str> = Vec::new();
        for event in all {
            let written = serde_json::to_string(event).unwrap();
            assert_eq!(written, format!("\"{event}\""));
            assert_eq!(
                serde_json::from_str::<LifecycleEvent>(&written).unwrap(),
                *event
            );
            assert!(event.short_name().len() <= 5, "{event}");
            short.push(event.short_name());
        }
        short.sort_unstable();
        short.dedup();
        assert_eq!(short.len(), 15, "{short:?}");
    }

    #[test]
    fn an_event_belongs_to_its_platforms_only() {
        let names = |name| PLATFORMS.map(|platform| LifecycleEvent::from_name(name, platform));
        assert_eq!(
            names("ApplicationStop"),
            [Some(E::ApplicationStop), None, None]
        );
        assert_eq!(names("Install"), [Some(E::Install), None, Some(E::Install)]);
        let after = Some(E::AfterAllowTraffic);
        assert_eq!(names("AfterAllowTraffic"), [after; 3]);
        let test = Some(E::AfterAllowTestTraffic);
        assert_eq!(names("AfterAllowTestTraffic"), [None, None, test]);
        assert_eq!(names("afterallowtraffic"), [None; 3]);
    }
}
