//! The alias of a function, whose versions are servers behind it: who they are, and whether it leads where the deployment takes
//! it to. Pure.

use super::balancers::Gate;
use super::round::{Member, Times};
use crate::engine::Deployment;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::leg::Actor;
use crate::engine::traffic::{Place, place};
use crate::model::connections::{FunctionConnection, FunctionKind, Version};
use crate::model::deployment::{ErrorCode, TargetStatus};
use crate::model::diagnostics::Diagnostics;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::project::Project;
use crate::model::traffic::Side;
use crate::providers::traffic::{At, Observed, Seen, Service};

/// An alias, and where a deployment moves its traffic.
#[derive(Clone, Debug)]
pub struct Alias {
    /// What gives its versions requests.
    pub(super) gate: Gate,
    /// The deployment's target.
    target: Name,
    /// As its `AppSpec` names it.
    function: String,
    /// The alias, likewise.
    name: String,
    current: u64,
    next: u64,
    versions: Vec<(u64, Name, At)>,
}

impl Alias {
    /// The alias of a deployment; `None` if that is to hosts.
    ///
    /// # Errors
    /// If the project says no longer where it is, in a sentence.
    pub fn of(deployment: &Deployment, project: &Project) -> Result<Option<Self>, String> {
        let Some(asked) = &deployment.spec.function else {
            return Ok(None);
        };
        let function = &asked.function;
        let known = project
            .connections
            .function(&function.name, &function.alias);
        let (Some(known), Some(current), Some(target)) =
            (known, function.current_version, deployment.targets.first())
        else {
            return Err(format!(
                "the alias {} of {} is no longer below `connections.functions` of cutover.yaml",
                function.alias, function.name
            ));
        };
        let both = [current, function.target_version].map(Version);
        let mut versions = Vec::new();
        for (version, at) in places(known, both)? {
            versions.push((version.0, known.server(version)?, at));
        }
        Ok(Some(Self {
            gate: gate(known),
            target: target.name.clone(),
            function: function.name.clone(),
            name: function.alias.clone(),
            current,
            next: function.target_version,
            versions,
        }))
    }

    /// Its versions as the load balancer ought to have them. What is neither of the two gets nothing.
    pub fn members(&self, deployment: &Deployment, times: Times) -> Vec<Member> {
        let Some(target) = deployment.target(&self.target) else {
            return Vec::new();
        };
        let allow = target.event(LifecycleEvent::AllowTraffic);
        let since = allow.and_then(|entry| entry.start_time);
        let status = allow.map(|entry| entry.status);
        let entered = status == Some(EventStatus::Succeeded);
        let began = since.filter(|_| status == Some(EventStatus::InProgress));
        let versions = self.versions.iter();
        let members = versions.map(|(version, name, at)| {
            let place = match (*version, deployment.spec.goes_back()) {
                // The former version has served until now: how well it does is no matter of its successor. Once traffic shifts,
                // the share that it has left has to have somewhere to go.
                (version, false) if version == self.current => entered.then_some(Place::In),
                (version, true) if version == self.current => Some(Place::In),
                (version, false) if version == self.next => place(target),
                (version, true) if version == self.next => None,
                _ if deliberate(Bug::BystandersStay) => None,
                _ => Some(Place::Out),
            };
            let side = if *version == self.next {
                Side::Green
            } else {
                Side::Blue
            };
            Member {
                name: name.clone(),
                target: self.target.clone(),
                endpoint: at.clone(),
                side,
                place,
                // Some load balancers never say that a server has nothing in flight.
                leave_by: since.map(|at| at + times.drain),
                enter_by: began.map(|at| at + times.enter),
                moved: began.is_some(),
                asked: false,
                bystander: *version != self.current && *version != self.next,
            }
        });
        members.collect()
    }

    /// Where people find it, if the alias itself is elsewhere.
    fn place(&self) -> String {
        match &self.gate {
            Gate::LoadBalancer(name) => format!(" at {name}"),
            Gate::Alias { .. } | Gate::Listener(_) => String::new(),
        }
    }

    /// What the server of a version has to be called there.
    fn called(&self, version: u64) -> String {
        let mut versions = self.versions.iter();
        let found = versions.find(|(number, ..)| *number == version);
        match (&self.gate, found) {
            (Gate::LoadBalancer(_), Some((_, name, _))) => {
                format!(", where its server has to be called {name}")
            }
            _ => String::new(),
        }
    }

    /// Whether anything may be changed: not before the hooks have agreed, and not once the alias was found to be wrong.
    pub fn is_entrusted(&self, deployment: &Deployment) -> bool {
        let target = deployment.target(&self.target);
        let entry = target.and_then(|target| target.event(LifecycleEvent::AllowTraffic));
        deployment.spec.goes_back()
            || deliberate(Bug::AliasTouchedEarly)
            || entry.is_some_and(|entry| {
                matches!(
                    entry.status,
                    EventStatus::InProgress | EventStatus::Succeeded
                )
            })
    }

    /// Why nothing can be shifted, while that is asked for the first time: the alias leads elsewhere than the deployment
    /// takes it to (operations.md §10).
    pub fn fault(
        &self,
        deployment: &Deployment,
        observed: &Observed,
    ) -> Option<(Name, Diagnostics)> {
        let target = deployment.target(&self.target)?;
        let enters = target.status == TargetStatus::InProgress
            && !deployment.spec.goes_back()
            && target
                .running()
                .is_some_and(|entry| entry.actor() == Actor::Balancer);
        if !enters || deliberate(Bug::AliasUnseen) {
            return None;
        }
        let leads_to = |(name, seen): (&Name, &Seen)| {
            let version = version(name)?;
            gets_requests(seen).then_some(version)
        };
        let mut found: Vec<u64> = observed.servers.iter().filter_map(leads_to).collect();
        found.sort_unstable();
        let all = observed.others + found.len();
        let (function, alias, current) = (&self.function, &self.name, self.current);
        let message = match found.as_slice() {
            [version] if all == 1 && *version == current => return None,
            [version] if all == 1 => format!(
                "the alias {alias} of {function} leads to version {version}, and not to {current}, from which it is to go: write CurrentVersion: {version} in the AppSpec, or give {current} its traffic back"
            ),
            [] => format!(
                "the alias {alias} of {function} leads to no version: let version {current} have its traffic{} first{}",
                self.place(),
                self.called(current)
            ),
            _ => format!(
                "the alias {alias} of {function} is split: {} get its traffic. Roll the deployment back that left it so (`cutover rollback`), or give version {current} all of it{}",
                words(&found, observed.others),
                self.place()
            ),
        };
        let why = Diagnostics::ending(ErrorCode::InvalidLambdaConfiguration, message);
        Some((self.target.clone(), why))
    }
}

/// The version that a server is, also one that a deployment is not about.
fn version(server: &Name) -> Option<u64> {
    let number = server.as_str().rsplit('-').next();
    number.and_then(|number| number.parse().ok())
}

/// What gives requests to the versions of a function.
fn gate(known: &FunctionConnection) -> Gate {
    match &known.via {
        FunctionKind::Endpoints(endpoints) => Gate::LoadBalancer(endpoints.load_balancer.clone()),
        FunctionKind::Lambda(_) => Gate::Alias {
            function: known.name.clone(),
            alias: known.alias.clone(),
        },
    }
}

/// The versions that are looked after, each with where it serves: those that are known, or only those that a deployment is
/// about where that is no matter of the project's.
fn places(known: &FunctionConnection, both: [Version; 2]) -> Result<Vec<(Version, At)>, String> {
    let FunctionKind::Endpoints(endpoints) = &known.via else {
        return Ok(both.map(|version| (version, At::Version(version))).into());
    };
    let lost = both.iter().find(|it| !endpoints.versions.contains_key(it));
    if let Some(version) = lost {
        return Err(format!(
            "version {version} of {} is no longer below `connections.functions` of cutover.yaml",
            known.name
        ));
    }
    let places = endpoints.versions.iter();
    let places = places.map(|(version, at)| (*version, At::Endpoint(at.clone())));
    Ok(places.collect())
}

/// Whether a server has a share; what tells no weights has one for each that is in service.
pub(super) fn gets_requests(seen: &Seen) -> bool {
    seen.service == Service::In && seen.weight != Some(0)
}

fn words(versions: &[u64], others: usize) -> String {
    let mut words: Vec<String> = versions.iter().map(|it| format!("version {it}")).collect();
    match others {
        0 => {}
        1 => words.push("another server".to_owned()),
        more => words.push(format!("{more} other servers")),
    }
    words.join(" and ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::engine::event::{Event, Record};
    use crate::engine::{Spec, plan};
    use crate::model::timestamp::Timestamp;

    const MINUTE: Times = Times {
        drain: Duration::from_mins(1),
        enter: Duration::from_hours(1),
    };

    /// Version 2 takes over from version 1; version 3 has nothing to do with it.
    fn alias() -> Alias {
        let versions = [1, 2, 3].map(|version| {
            let name = format!("thumbs-{version}").parse().unwrap();
            (version, name, At::Version(Version(version)))
        });
        Alias {
            gate: Gate::LoadBalancer("edge".to_owned()),
            target: "thumbs".parse().unwrap(),
            function: "thumbs".to_owned(),
            name: "live".to_owned(),
            current: 1,
            next: 2,
            versions: versions.into(),
        }
    }

    /// A deployment whose event at the alias stands here.
    fn deployment(status: EventStatus) -> Deployment {
        let spec: Spec = serde_json::from_value(json!({
            "deploymentId": "d-AAAAAAAAA",
            "group": { "applicationName": "thumbs", "deploymentGroupName": "live" },
            "configuration": {
                "deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce",
                "computePlatform": "Lambda",
                "trafficRoutingConfig": { "type": "AllAtOnce" },
            },
            "revision": { "digest": crate::model::revision::Digest::from_bytes(&[7; 32]), "label": "2", "size": 1 },
            "previousRevision": null,
            "targets": [{ "name": "thumbs", "side": "Green", "instanceHealth": "Unhealthy", "revisionHealth": "Unknown" }],
            "function": { "function": { "name": "thumbs", "alias": "live", "currentVersion": 1, "targetVersion": 2 } },
            "creator": "user",
            "by": "ana",
            "description": "",
            "rollsBack": null,
            "options": {},
        }))
        .unwrap();
        let plan = Arc::new(plan(&spec));
        let spec = Arc::new(spec);
        let record = |seq, event| Record {
            seq,
            at: Timestamp(0),
            event,
        };
        let created = record(1, Event::Created { spec, plan });
        let mut deployment = Deployment::created(&created).unwrap();
        let (target, event) = ("thumbs".parse().unwrap(), LifecycleEvent::AllowTraffic);
        let host_time = Timestamp(1_000);
        deployment.evolve(&record(
            2,
            Event::EventStarted {
                target,
                event,
                host_time,
            },
        ));
        if status != EventStatus::InProgress {
            deployment.evolve(&record(
                3,
                Event::EventEnded {
                    target: "thumbs".parse().unwrap(),
                    event,
                    status,
                    host_time,
                    diagnostics: None,
                },
            ));
        }
        deployment
    }

    fn members(status: EventStatus) -> BTreeMap<String, Member> {
        let members = alias().members(&deployment(status), MINUTE);
        let named = members.into_iter().map(|it| (it.name.to_string(), it));
        named.collect()
    }

    #[test]
    fn a_version_that_is_to_have_nothing_leaves_in_its_time_even_if_nobody_counts_its_requests() {
        for status in [EventStatus::InProgress, EventStatus::Succeeded] {
            let third = members(status).remove("thumbs-3").unwrap();
            assert_eq!(third.place, Some(Place::Out));
            assert_eq!(third.leave_by, Some(Timestamp(61_000)));
        }
    }

    #[test]
    fn while_traffic_shifts_the_former_version_is_put_back_that_others_took_out() {
        let place = |status| members(status).remove("thumbs-1").unwrap().place;
        assert_eq!(place(EventStatus::InProgress), None, "as it is found");
        assert_eq!(place(EventStatus::Succeeded), Some(Place::In));
        assert_eq!(place(EventStatus::Failed), None);
    }
}
