//! What has come of a look at the load balancers of a deployment, and what its errands are told of it. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::round::{Member, Round, Times, is_there, round};
use super::route::Route;
use super::shares::{goes_elsewhere, is_split};
use crate::engine::Deployment;
use crate::engine::deliberate::{Bug, deliberate};
use crate::engine::deployment::{Target, TargetEvent};
use crate::engine::leg::Actor;
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::endpoint::{Endpoint, NoEndpoint};
use crate::model::lifecycle::EventStatus;
use crate::model::name::Name;
use crate::model::timestamp::Timestamp;
use crate::model::traffic::{Side, Split};
use crate::providers::traffic::{Observed, TrafficError};

/// What has come of a look.
#[derive(Debug, Default)]
pub struct Findings {
    /// Targets of which this look can say nothing: it did not know yet of an event that runs.
    pub unknown: BTreeSet<Name>,
    /// Targets that are not where they ought to be, somewhere.
    pub waiting: BTreeSet<Name>,
    /// Targets that can't get there, and why.
    pub refused: BTreeMap<Name, Diagnostics>,
    /// Targets that left, and with how many requests in flight.
    pub left: BTreeMap<Name, u64>,
    /// Load balancers that could not be looked after, and why.
    pub trouble: Vec<String>,
    /// The split that is asked for, once all load balancers have it in effect.
    pub in_effect: Option<Split>,
    /// Each load balancer as it is now.
    pub balancers: Vec<Looked>,
}

/// A load balancer as it was found.
#[derive(Debug)]
pub struct Looked {
    /// As `loadBalancerInfo` names it.
    pub name: String,
    /// As people call its kind.
    pub kind: Option<&'static str>,
    /// The targets as it ought to have them.
    pub members: Vec<Member>,
    /// How they are there; nothing if it could not be asked.
    pub observed: Option<Observed>,
    /// The split that it was asked for.
    pub asked: Option<Split>,
    /// The largest weight that it can give a server.
    pub largest_weight: u32,
    /// Whether the deployment may change anything there.
    pub entrusted: bool,
    /// Whether production traffic comes in there.
    pub production: bool,
    /// What is wrong.
    pub trouble: Option<String>,
}

impl Looked {
    /// Nothing is known yet of one that this deployment uses.
    pub fn new(name: &str, deployment: &Deployment) -> Self {
        Self {
            name: name.to_owned(),
            kind: None,
            members: Vec::new(),
            observed: None,
            asked: deployment.split(),
            largest_weight: 0,
            entrusted: deployment.start_time.is_some(),
            production: true,
            trouble: None,
        }
    }

    /// What to ask for next. Nothing while the deployment waits for its turn or for approval: until then traffic goes as it went.
    pub fn round(&self, observed: &Observed, now: Timestamp) -> Option<Round> {
        let entrusted = self.entrusted || deliberate(Bug::KeeperBeginsEarly);
        entrusted.then(|| round(&self.members, observed, self.asked, now))
    }

    /// What is wrong with a route, as it was found, if something is: then nothing is changed there, nor before it is entrusted.
    pub fn judge(
        &mut self,
        route: &Route,
        deployment: &Deployment,
        observed: &Observed,
    ) -> Option<(Name, Diagnostics)> {
        let fault = route.fault(deployment, observed);
        self.entrusted &= fault.is_none() && route.is_entrusted(deployment);
        fault
    }

    /// A side that was to get a share has nobody to serve it.
    pub fn withhold(&mut self, side: Side) {
        let share = self.asked.map_or(0, |asked| asked.share(side));
        self.trouble = Some(format!(
            "the {} was to get {share} %, and none of its servers is in service and well: the split stays as it is",
            side.label()
        ));
    }

    /// Whether the split that it was asked for is in effect.
    fn is_split(&self) -> bool {
        let members = &self.members;
        let same = |split| {
            let found = self.observed.as_ref();
            deliberate(Bug::ShareAssumed)
                || found.is_some_and(|it| {
                    is_split(split, members, it, self.largest_weight)
                        && !goes_elsewhere(members, it)
                })
        };
        self.trouble.is_none() && self.asked.is_some_and(same)
    }
}

impl Findings {
    /// A target as a load balancer of this name ought to have it; `None` if nothing can be done about it there.
    ///
    /// Where it ought to be follows from the event that runs. Until the deployment knows that one does, nothing is said of it.
    pub fn member(
        &mut self,
        target: &Target,
        endpoint: Option<Result<Endpoint, NoEndpoint>>,
        balancer: &str,
        times: Times,
    ) -> Option<Member> {
        self.hear_of(target);
        let name = &target.name;
        let why = match endpoint {
            Some(Ok(endpoint)) => return Some(Member::of(target, endpoint, times)),
            Some(Err(error)) => error.to_string(),
            None => format!(
                "{name} is no longer in the project, so nobody knows where it serves: it stays as it is at {balancer}"
            ),
        };
        self.refuses(name, why);
        None
    }

    /// The servers of a route as its load balancer ought to have them.
    pub fn servers(&mut self, route: &Route, deployment: &Deployment, times: Times) -> Vec<Member> {
        for target in &deployment.targets {
            self.hear_of(target);
        }
        route.members(deployment, times)
    }

    /// Notes whether anything can be said of a target.
    fn hear_of(&mut self, target: &Target) {
        let running = target.running().map(TargetEvent::actor);
        if running != Some(Actor::Balancer) {
            self.unknown.insert(target.name.clone());
        }
    }

    /// A load balancer refused what these servers need.
    pub fn refuse(&mut self, members: &[Member], differing: &[Name], error: &TrafficError) {
        let concerns = |member: &&Member| match error {
            TrafficError::NoServer { server, .. } => member.name == *server,
            _ => differing.contains(&member.name),
        };
        for member in members.iter().filter(concerns) {
            self.refused
                .insert(member.target.clone(), diagnostics(error));
        }
    }

    /// A load balancer says nothing for a reason that ends a deployment that waits for it.
    pub fn give_up(&mut self, members: &[Member], error: &TrafficError) {
        if matches!(error, TrafficError::Fatal { .. }) {
            let targets = members.iter().map(|member| member.target.clone());
            let why = targets.map(|target| (target, diagnostics(error)));
            self.refused.extend(why);
        }
    }

    fn refuses(&mut self, target: &Name, why: String) {
        self.refuses_for(target, Diagnostics::unknown(why));
    }

    /// What ends the deployment stands: another load balancer has nothing to say that matters more.
    fn refuses_for(&mut self, target: &Name, why: Diagnostics) {
        let known = self.refused.get(target);
        if known.is_none_or(|known| known.ends_with.is_none()) {
            self.refused.insert(target.clone(), why);
        }
    }

    /// How things are at a load balancer after everything that could be done there. `judges` says whether it looks after health
    /// by itself; `kept` had to stay; `late` did not come into service in time, and why not.
    pub fn settle(
        &mut self,
        deployment: &Deployment,
        members: &[Member],
        observed: &Observed,
        judges: bool,
        kept: &BTreeSet<Name>,
        late: &BTreeMap<Name, String>,
    ) {
        for member in members {
            let is_there = is_there(member, observed, judges);
            // It will not leave again, for it is all that there is.
            let stays = kept.contains(&member.name) && deployment.spec.service.is_some();
            let given_up = late.get(&member.target).filter(|_| stays);
            if let Some(why) = given_up {
                self.refuses(&member.target, why.clone());
            } else if !is_there {
                self.waiting.insert(member.target.clone());
            } else if let Some(why) = late.get(&member.target) {
                let why = Diagnostics {
                    ends_with: deployment.spec.without_version(),
                    ..Diagnostics::unknown(why.clone())
                };
                self.refuses_for(&member.target, why);
            }
        }
        self.refuse_the_last(deployment, kept);
    }

    /// All load balancers were looked at. From here on only those matter that have a side.
    pub fn conclude(&mut self, asked: Option<Split>) {
        let mut production = self.balancers.iter().filter(|looked| looked.production);
        let all = production.all(Looked::is_split);
        self.in_effect = asked.filter(|_| all);
        for looked in &mut self.balancers {
            looked.members.retain(|member| !member.bystander);
        }
    }

    /// Servers that have to stay wait for others to come back. If none can, waiting is no use.
    fn refuse_the_last(&mut self, deployment: &Deployment, kept: &BTreeSet<Name>) {
        let hope = deployment
            .running()
            .any(|target| !kept.contains(&target.name));
        if hope {
            return;
        }
        for name in kept {
            let message = format!(
                "without {name} the route would have no healthy server, and none is on its way back: put another into service first"
            );
            self.refuses(name, message);
        }
    }

    /// How the event of a target at the load balancers has ended; `None` if it has not. `left` says with how many requests
    /// in flight it left, if it did, at this look or at an earlier one.
    pub fn outcome(
        &self,
        target: &Name,
        left: Option<u64>,
    ) -> Option<(EventStatus, Option<Diagnostics>)> {
        if self.unknown.contains(target) {
            return None;
        }
        if let Some(why) = self.refused.get(target) {
            return Some((EventStatus::Failed, Some(why.clone())));
        }
        if !self.trouble.is_empty() || self.waiting.contains(target) {
            return None;
        }
        let cut = left.filter(|requests| *requests > 0 && !deliberate(Bug::CutUntold));
        Some((EventStatus::Succeeded, cut.map(cut_off)))
    }
}

/// What is to be known of what a load balancer refused.
fn diagnostics(error: &TrafficError) -> Diagnostics {
    let ends_with = match error {
        TrafficError::Fatal { code, .. } => Some(*code),
        _ => None,
    };
    Diagnostics {
        ends_with,
        ..Diagnostics::unknown(error.to_string())
    }
}

/// What is to be known of a target that left with requests in flight.
fn cut_off(in_flight: u64) -> Diagnostics {
    Diagnostics {
        error_code: LifecycleErrorCode::Success,
        ..Diagnostics::unknown(format!(
            "left with {in_flight} requests in flight: its time to drain was over"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::deployment::{ErrorCode, InstanceHealth, TargetStatus};
    use crate::model::lifecycle::LifecycleEvent;

    /// One that leaves the load balancer, whose event is here.
    fn leaves(status: EventStatus) -> Target {
        Target {
            name: "a".parse().unwrap(),
            status: TargetStatus::InProgress,
            side: None,
            stage: 0,
            health_before: InstanceHealth::Healthy,
            attempt: 1,
            lost: None,
            events: vec![TargetEvent {
                hook: None,
                task_set: false,
                event: LifecycleEvent::BlockTraffic,
                stage: 0,
                status,
                start_time: None,
                end_time: None,
                diagnostics: None,
            }],
            leg: 0,
            execution: None,
            due: None,
            silent_since: None,
            start_time: None,
            end_time: None,
            message: None,
        }
    }

    fn look(target: &Target, there: bool) -> (Findings, Option<Member>) {
        let mut findings = Findings::default();
        let endpoint = Endpoint::parse("127.0.0.1:80").unwrap();
        let endpoint = there.then_some(Ok(endpoint));
        let times = Times {
            drain: Duration::from_secs(1),
            enter: Duration::from_secs(1),
        };
        let member = findings.member(target, endpoint, "web", times);
        (findings, member)
    }

    #[test]
    fn a_look_that_does_not_know_of_an_event_says_nothing_of_it() {
        let early = leaves(EventStatus::Pending);
        let (mut findings, member) = look(&early, true);
        assert!(is_there(&member.unwrap(), &Observed::default(), true));
        assert_eq!(findings.outcome(&early.name, None), None);
        findings.refuses(&early.name, "it has to stay".to_owned());
        assert_eq!(findings.outcome(&early.name, None), None);
        let begun = leaves(EventStatus::InProgress);
        let (findings, _) = look(&begun, true);
        let (status, _) = findings.outcome(&begun.name, None).unwrap();
        assert_eq!(status, EventStatus::Succeeded);
    }

    #[test]
    fn what_is_no_longer_in_the_project_has_neither_left_nor_entered() {
        let begun = leaves(EventStatus::InProgress);
        let (findings, member) = look(&begun, false);
        assert!(member.is_none());
        let (status, said) = findings.outcome(&begun.name, None).unwrap();
        assert_eq!(status, EventStatus::Failed);
        let said = said.unwrap().message;
        assert!(said.contains("no longer in the project") && said.contains("web"));
    }

    #[test]
    fn what_ends_a_deployment_is_not_forgotten_at_the_next_load_balancer() {
        let begun = leaves(EventStatus::InProgress);
        let (mut findings, _) = look(&begun, true);
        let fault = Diagnostics::ending(
            ErrorCode::ElasticLoadBalancingInvalid,
            "nobody gets requests".to_owned(),
        );
        findings.refused.insert(begun.name.clone(), fault);
        findings.refuses(&begun.name, "it was late".to_owned());
        let (_, said) = findings.outcome(&begun.name, None).unwrap();
        let ends_with = said.unwrap().ends_with;
        assert_eq!(ends_with, Some(ErrorCode::ElasticLoadBalancingInvalid));
    }

    #[test]
    fn requests_that_were_cut_off_are_told_and_a_drain_that_ended_is_not() {
        let findings = Findings::default();
        let said = |left| {
            let (status, diagnostics) = findings.outcome(&"a".parse().unwrap(), left).unwrap();
            assert_eq!(status, EventStatus::Succeeded);
            diagnostics.map(|diagnostics| diagnostics.message)
        };
        assert_eq!(said(None), None);
        assert_eq!(said(Some(0)), None);
        assert!(said(Some(3)).unwrap().contains("3 requests in flight"));
    }
}
