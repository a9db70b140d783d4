//! Target groups: which targets they have, how each is, and which target a server is.

use std::collections::BTreeMap;
use std::net::IpAddr;

use aws_sdk_elasticloadbalancingv2::types::{
    TargetHealth, TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
    TargetTypeEnum,
};

use crate::providers::traffic::{Server, Service};

/// What a target is called: an address or an instance, and a port.
pub(super) type Id = (String, u16);

/// What identifies the targets of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ip,
    Instance,
}

/// A target as its group has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub service: Service,
    pub healthy: Option<bool>,
    pub trouble: Option<String>,
}

/// The targets of one group, or of two.
pub(super) struct Groups(pub Vec<BTreeMap<Id, Target>>);

impl Kind {
    /// The kind of a target group.
    ///
    /// # Errors
    /// If its targets are no hosts.
    pub fn read(kind: Option<&TargetTypeEnum>) -> Result<Self, String> {
        match kind {
            Some(TargetTypeEnum::Ip) => Ok(Self::Ip),
            Some(TargetTypeEnum::Instance) => Ok(Self::Instance),
            other => Err(format!(
                "its target group has targets of the type {}, which are no hosts: name one of the type instance or ip",
                other.map_or("unknown", TargetTypeEnum::as_str)
            )),
        }
    }

    /// The target that a server is.
    ///
    /// # Errors
    /// If its document doesn't say, with the remedy.
    pub fn id(self, server: &Server) -> Result<Id, String> {
        let is_instance = |text: &str| text.starts_with("i-");
        let (host, port) = (server.endpoint.host.as_str(), server.endpoint.port);
        match self {
            Self::Ip if host.parse::<IpAddr>().is_ok() => Ok((plain(host), port)),
            Self::Ip => Err(format!(
                "targets are addresses, and {host} is none: give the host an address below `endpoints`, as in 10.0.0.7:{port}"
            )),
            Self::Instance if is_instance(host) => Ok((host.to_owned(), port)),
            Self::Instance if is_instance(server.name.as_str()) => {
                Ok((server.name.to_string(), port))
            }
            Self::Instance => Err(format!(
                "targets are instances, and {host} is no instance's id: give the host one below `endpoints`, as in i-0123456789abcdef0:{port}"
            )),
        }
    }
}

impl Groups {
    /// The group that has a target, though it may be leaving: rather one that it is not leaving.
    pub fn place(&self, id: &Id) -> Option<usize> {
        let stays = |target: &Target| target.service == Service::In;
        let with = |fits: &dyn Fn(&Target) -> bool| {
            let mut groups = self.0.iter();
            groups.position(|group| group.get(id).is_some_and(fits))
        };
        with(&stays).or_else(|| with(&|_| true))
    }

    /// A target of a group.
    pub fn get(&self, at: usize, id: &Id) -> Option<&Target> {
        self.0.get(at)?.get(id)
    }

    /// How many targets of a group are registered.
    pub fn registered(&self, at: usize) -> usize {
        let targets = self.0.get(at).into_iter().flat_map(BTreeMap::values);
        targets
            .filter(|target| target.service == Service::In)
            .count()
    }

    /// How many targets of a group are registered and well, besides these.
    pub fn serving_besides(&self, at: usize, these: &[Id]) -> usize {
        let targets = self.0.get(at).into_iter().flatten();
        let others = targets.filter(|(id, target)| target.serves() && !these.contains(id));
        others.count()
    }
}

impl Target {
    /// Whether it gets requests that it can answer.
    pub fn serves(&self) -> bool {
        self.service == Service::In && self.healthy != Some(false)
    }
}

/// The targets of a group, from what AWS says of each. What is not registered is not there.
pub(super) fn targets(all: &[TargetHealthDescription]) -> BTreeMap<Id, Target> {
    let read = all.iter().filter_map(|one| {
        let id = one.target()?;
        let port = u16::try_from(id.port()?).ok()?;
        let health = one.target_health()?;
        Some(((plain(id.id()?), port), target(health)?))
    });
    read.collect()
}

/// An address as everybody writes it: an IPv6 address has many ways.
fn plain(id: &str) -> String {
    let address = id.parse::<IpAddr>().ok();
    address.map_or_else(|| id.to_owned(), |address| address.to_string())
}

fn target(health: &TargetHealth) -> Option<Target> {
    use TargetHealthStateEnum as State;
    if health.reason() == Some(&TargetHealthReasonEnum::NotRegistered) {
        return None;
    }
    let state = health.state()?;
    let (service, healthy) = match state {
        State::Draining | State::UnhealthyDraining => (Service::Draining, Some(false)),
        State::Healthy => (Service::In, Some(true)),
        // Nobody looks after its health.
        State::Unavailable => (Service::In, None),
        _ => (Service::In, Some(false)),
    };
    let trouble = || {
        let reason = health.reason().map(TargetHealthReasonEnum::as_str);
        let words = [Some(state.as_str()), reason, health.description()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        words.join(": ")
    };
    Some(Target {
        service,
        healthy,
        trouble: (healthy == Some(false)).then(trouble),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::TargetDescription;

    use super::*;
    use crate::model::endpoint::Endpoint;
    use crate::model::traffic::Side;

    fn server(name: &str, endpoint: &str) -> Server {
        Server {
            name: name.parse().unwrap(),
            endpoint: Endpoint::parse(endpoint).unwrap(),
            side: Side::Blue,
            service: Service::In,
        }
    }

    #[test]
    fn a_server_is_a_target_by_its_address_or_by_its_instance() {
        let id = |kind: Kind, name, endpoint| kind.id(&server(name, endpoint));
        let is = |host: &str, port| Ok((host.to_owned(), port));
        assert_eq!(id(Kind::Ip, "web-1", "10.0.0.7:80"), is("10.0.0.7", 80));
        assert_eq!(id(Kind::Ip, "web-1", "[fd00::7]:80"), is("fd00::7", 80));
        let long = id(Kind::Ip, "web-1", "[FD00:0:0::0007]:80");
        assert_eq!(long, is("fd00::7", 80));
        let named = id(Kind::Ip, "web-1", "web-1.example:80").unwrap_err();
        assert!(named.contains("give the host an address"), "{named}");
        let by_endpoint = id(Kind::Instance, "web-1", "i-0123456789abcdef0:80");
        assert_eq!(by_endpoint, is("i-0123456789abcdef0", 80));
        let by_name = id(Kind::Instance, "i-0123456789abcdef0", "10.0.0.7:80");
        assert_eq!(by_name, is("i-0123456789abcdef0", 80));
        let neither = id(Kind::Instance, "web-1", "10.0.0.7:80").unwrap_err();
        assert!(neither.contains("i-0123456789abcdef0:80"), "{neither}");
        assert!(Kind::read(Some(&TargetTypeEnum::Lambda)).is_err());
    }

    fn described(state: TargetHealthStateEnum, reason: Option<TargetHealthReasonEnum>) -> Target {
        let health = TargetHealth::builder().state(state).set_reason(reason);
        let health = health.description("words").build();
        target(&health).unwrap()
    }

    #[test]
    fn the_state_of_a_target_says_whether_it_serves() {
        use TargetHealthReasonEnum as Reason;
        use TargetHealthStateEnum as State;
        let healthy = described(State::Healthy, None);
        assert!(healthy.serves() && healthy.trouble.is_none());
        let initial = described(State::Initial, Some(Reason::RegistrationInProgress));
        assert_eq!(initial.service, Service::In);
        assert!(!initial.serves());
        assert_eq!(
            initial.trouble.as_deref(),
            Some("initial: Elb.RegistrationInProgress: words")
        );
        let unused = described(State::Unused, Some(Reason::NotInUse));
        assert!(unused.service == Service::In && !unused.serves());
        assert!(described(State::Unavailable, Some(Reason::HealthCheckDisabled)).serves());
        for state in [State::Draining, State::UnhealthyDraining] {
            assert_eq!(described(state, None).service, Service::Draining);
        }
        let gone = TargetHealth::builder()
            .state(State::Unused)
            .reason(Reason::NotRegistered)
            .build();
        assert_eq!(target(&gone), None);
    }

    #[test]
    fn of_two_groups_the_one_counts_that_a_target_is_not_leaving() {
        let described = |state: TargetHealthStateEnum| {
            let target = TargetDescription::builder().id("10.0.0.7").port(80).build();
            let health = TargetHealth::builder().state(state).build();
            TargetHealthDescription::builder()
                .target(target)
                .target_health(health)
                .build()
        };
        let leaving = targets(&[described(TargetHealthStateEnum::Draining)]);
        let staying = targets(&[described(TargetHealthStateEnum::Initial)]);
        let id = ("10.0.0.7".to_owned(), 80);
        let groups = Groups(vec![leaving.clone(), staying]);
        assert_eq!(groups.place(&id), Some(1));
        assert_eq!((groups.registered(0), groups.registered(1)), (0, 1));
        assert_eq!(Groups(vec![leaving]).place(&id), Some(0));
    }
}
