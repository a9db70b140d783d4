//! Which events a local deployment runs, and in which order.

use crate::model::application::ComputePlatform;
use crate::model::custom_event::CustomEvent;
use crate::model::lifecycle::LifecycleEvent;
use LifecycleEvent as E;

/// Why a list of events cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventsError {
    /// A name is missing between two commas.
    #[error("the list of events has an empty name in it")]
    Empty,
    /// An event is there more than once.
    #[error("{0} is in the list of events twice")]
    Twice(LifecycleEvent),
    /// Load balancers do this, not hosts.
    #[error("{0} happens at the load balancer, not on a host")]
    Elsewhere(LifecycleEvent),
    /// What the event works on is not there yet.
    #[error("{event} cannot come before {needs}")]
    TooEarly {
        /// The event.
        event: LifecycleEvent,
        /// What must come first.
        needs: LifecycleEvent,
    },
}

/// The events to run, and which of them were added to those asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// In order.
    pub run: Vec<LifecycleEvent>,
    /// Those nobody named.
    pub added: Vec<LifecycleEvent>,
}

impl Events {
    /// Reads a list such as `DownloadBundle,Install,Warm`. As `codedeploy-local` does it, `DownloadBundle` and `Install`
    /// are put first where they are missing, unless exactly the listed events are asked for.
    ///
    /// # Errors
    ///
    /// When the events cannot be run in this order.
    pub fn read(list: &str, exactly: bool) -> Result<Self, EventsError> {
        let mut asked = Vec::new();
        for name in list.split(',').map(str::trim) {
            let event = match E::from_name(name, ComputePlatform::Server) {
                _ if name.is_empty() => return Err(EventsError::Empty),
                Some(event) if !event.is_on_host() => {
                    return Err(EventsError::Elsewhere(event));
                }
                Some(event) => event,
                None => E::Custom(CustomEvent::named(name)),
            };
            if asked.contains(&event) {
                return Err(EventsError::Twice(event));
            }
            asked.push(event);
        }
        let missing = [E::DownloadBundle, E::Install];
        let added: Vec<_> = missing
            .into_iter()
            .filter(|event| !exactly && !asked.contains(event))
            .collect();
        let mut run = [added.clone(), asked].concat();
        let place = |event| run.iter().position(|other| *other == event);
        if let (Some(download), Some(install)) = (place(E::DownloadBundle), place(E::Install))
            && install < download
            && !added.is_empty()
        {
            run.swap(install, download);
        }
        in_order(&run)?;
        Ok(Self { run, added })
    }

    /// Every event that happens on a host, in the order of the platform.
    pub fn all() -> Self {
        Self {
            run: E::SERVER
                .into_iter()
                .filter(|event| event.is_on_host())
                .collect(),
            added: Vec::new(),
        }
    }

    /// The events whose scripts an `AppSpec` may name.
    pub fn possible(&self) -> Vec<LifecycleEvent> {
        let mut possible = Self::all().run;
        let own = self.run.iter().filter(|event| !possible.contains(event));
        possible.extend(own.copied().collect::<Vec<_>>());
        possible
    }
}

fn in_order(run: &[LifecycleEvent]) -> Result<(), EventsError> {
    const WITHOUT_BUNDLE: [LifecycleEvent; 3] = [
        E::BeforeBlockTraffic,
        E::AfterBlockTraffic,
        E::ApplicationStop,
    ];
    // Where the event that others need is not there at all, nothing comes before it.
    let before = |needs: LifecycleEvent| {
        let place = run.iter().position(|event| *event == needs);
        run.iter().take(place.unwrap_or(0))
    };
    let early = before(E::DownloadBundle)
        .find(|event| !WITHOUT_BUNDLE.contains(event))
        .map(|event| (*event, E::DownloadBundle));
    let early = early.or_else(|| {
        before(E::Install)
            .find(|event| {
                !WITHOUT_BUNDLE.contains(event)
                    && !matches!(event, E::DownloadBundle | E::BeforeInstall)
            })
            .map(|event| (*event, E::Install))
    });
    match early {
        Some((event, needs)) => Err(EventsError::TooEarly { event, needs }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> String {
        let events = Events::read(list, false).unwrap();
        let names: Vec<_> = events.run.iter().map(|event| event.name()).collect();
        names.join(",")
    }

    #[test]
    fn download_and_install_are_put_first_where_they_are_missing() {
        for (list, expected) in [
            ("ApplicationStop", "DownloadBundle,Install,ApplicationStop"),
            (
                "DownloadBundle,AfterInstall",
                "DownloadBundle,Install,AfterInstall",
            ),
            (
                "ApplicationStop,Install,Warm",
                "DownloadBundle,ApplicationStop,Install,Warm",
            ),
            (
                "ApplicationStop, DownloadBundle, BeforeInstall, Install",
                "ApplicationStop,DownloadBundle,BeforeInstall,Install",
            ),
        ] {
            assert_eq!(names(list), expected, "{list}");
        }
        let exactly = Events::read("ApplicationStop", true).unwrap();
        assert_eq!(exactly.run, [E::ApplicationStop]);
    }

    #[test]
    fn an_order_that_cannot_work_is_refused() {
        for (list, message) in [
            ("", "the list of events has an empty name in it"),
            ("Install,,X", "the list of events has an empty name in it"),
            ("X,X", "X is in the list of events twice"),
            (
                "AllowTraffic",
                "AllowTraffic happens at the load balancer, not on a host",
            ),
            (
                "BeforeInstall,DownloadBundle,Install",
                "BeforeInstall cannot come before DownloadBundle",
            ),
            (
                "Install,DownloadBundle",
                "Install cannot come before DownloadBundle",
            ),
            (
                "DownloadBundle,AfterInstall,Install",
                "AfterInstall cannot come before Install",
            ),
        ] {
            let error = Events::read(list, false).unwrap_err();
            assert_eq!(error.to_string(), message, "{list}");
        }
    }

    #[test]
    fn custom_events_join_the_possible_ones() {
        let events = Events::read("Warm", false).unwrap();
        let custom = E::Custom(CustomEvent::named("Warm"));
        assert_eq!(events.possible().len(), Events::all().run.len() + 1);
        assert!(events.possible().contains(&custom));
        assert_eq!(events.added, [E::DownloadBundle, E::Install]);
    }
}
