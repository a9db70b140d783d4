//! A simulated world: hosts that answer as told, and a driver that runs a deployment through the pure functions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cutover::engine::deployment::Deployment;
use cutover::engine::event::{Event, Record};
use cutover::engine::input::{Command, Report, What};
use cutover::engine::pending::{WorkId, WorkSet, evolve_with_change};
use cutover::engine::spec::{Options, TargetSpec};
use cutover::engine::{Input, Spec, decide, pending, plan};
use cutover::model::configuration::{
    DeploymentConfiguration, MinimumHealthyHosts, MinimumHealthyHostsType,
};
use cutover::model::deployment::{
    Creator, DeploymentId, ExecutionId, InstanceHealth, RevisionHealth,
};
use cutover::model::diagnostics::Diagnostics;
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::limits::Limits;
use cutover::model::name::Name;
use cutover::model::revision::Revision;
use cutover::model::timestamp::Timestamp;

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn revision(label: &str) -> Revision {
    let byte = label
        .bytes()
        .fold(7u8, |sum, b| sum.wrapping_mul(31).wrapping_add(b));
    Revision {
        digest: cutover::model::revision::Digest::from_bytes(&[byte; 32]),
        label: label.to_owned(),
        size: 1,
    }
}

pub fn configuration(text: &str) -> DeploymentConfiguration {
    use MinimumHealthyHostsType::{FleetPercent, HostCount, MostConcurrency};
    let (kind, value) = match text {
        "CodeDeployDefault.OneAtATime" => (MostConcurrency, 1),
        "CodeDeployDefault.HalfAtATime" => (FleetPercent, 50),
        "CodeDeployDefault.AllAtOnce" => (FleetPercent, 0),
        custom => match custom.split_once('-').unwrap() {
            ("percent", value) => (FleetPercent, value.parse().unwrap()),
            (_, value) => (HostCount, value.parse().unwrap()),
        },
    };
    DeploymentConfiguration {
        deployment_config_name: name(text),
        compute_platform: cutover::model::application::ComputePlatform::Server,
        minimum_healthy_hosts: Some(MinimumHealthyHosts { kind, value }),
        zonal_config: None,
        traffic_routing_config: None,
    }
}

/// A group document as an operator would write it.
pub fn group() -> cutover::model::group::DeploymentGroup {
    cutover::model::yaml::from_str(
        "applicationName: shop\ndeploymentGroupName: production\nec2TagFilters: [{Key: role}]\n",
    )
    .unwrap()
}

/// A specification of `n` healthy targets of which the first `unhealthy` are not.
pub fn spec(n: usize, unhealthy: usize, config: &str) -> Spec {
    Spec {
        deployment_id: "d-AAAAAAAAA".parse().unwrap(),
        group: group(),
        configuration: configuration(config),
        revision: revision("2"),
        previous_revision: Some(revision("1")),
        targets: (1..=n)
            .map(|i| TargetSpec {
                name: name(&format!("host-{i}")),
                zone: None,
                side: None,
                fleet: None,
                instance_health: if i <= unhealthy {
                    InstanceHealth::Unhealthy
                } else {
                    InstanceHealth::Healthy
                },
                revision_health: RevisionHealth::Current,
            })
            .collect(),
        creator: Creator::User,
        by: "ana".to_owned(),
        uid: None,
        description: String::new(),
        up_to_date: 0,
        sides: None,
        function: None,
        service: None,
        task_sets: None,
        provision: None,
        rolls_back: None,
        way_back: false,
        approvals: BTreeMap::new(),
        from_split: None,
        updates: None,
        token: None,
        limits: Limits::default(),
        options: Options::default(),
    }
}

/// A deployment under way, with everything it was told and decided.
pub struct World {
    pub deployment: Deployment,
    pub journal: Vec<Record>,
    /// What the incremental changes say is in flight; compared with `pending` after every event.
    pub in_flight: WorkSet,
    pub now: Timestamp,
    /// How often each execution was begun.
    pub begun: BTreeMap<ExecutionId, u32>,
}

impl World {
    pub fn new(spec: Spec) -> Self {
        let plan = plan(&spec);
        let record = Record {
            seq: 1,
            at: Timestamp(1_000),
            event: Event::Created {
                spec: Arc::new(spec),
                plan: Arc::new(plan),
            },
        };
        let deployment = Deployment::created(&record).unwrap();
        let in_flight = pending(&deployment);
        Self {
            deployment,
            journal: vec![record],
            in_flight,
            now: Timestamp(1_000),
            begun: BTreeMap::new(),
        }
    }

    pub fn input(&mut self, input: &Input) -> Vec<Event> {
        self.now = Timestamp(self.now.0 + 10);
        let events = decide(&self.deployment, input, self.now);
        for event in &events {
            let record = Record {
                seq: self.deployment.seq + 1,
                at: self.now,
                event: event.clone(),
            };
            let change = evolve_with_change(&mut self.deployment, &record);
            self.journal.push(record);
            for work in change.removed {
                assert_eq!(self.in_flight.remove(&work.id), Some(work));
            }
            for work in change.added {
                if let WorkId::Run(execution) = &work.id {
                    *self.begun.entry(execution.clone()).or_default() += 1;
                }
                assert_eq!(self.in_flight.insert(work.id.clone(), work), None);
            }
            assert_eq!(self.in_flight, pending(&self.deployment), "after {event:?}");
        }
        events
    }

    pub fn admit(&mut self) {
        self.input(&Input::Admitted);
    }

    pub fn command(&mut self, what: What) -> Vec<Event> {
        self.input(&Input::Command(Command::new(what, "ana")))
    }

    pub fn stop(&mut self) {
        self.command(What::Stop {
            auto_rollback: None,
        });
    }

    /// Names of the targets in flight, in order.
    pub fn running(&self) -> Vec<String> {
        self.deployment
            .running()
            .map(|target| target.name.to_string())
            .collect()
    }

    pub fn report(&mut self, target: &str, report: Report) {
        let target = name(target);
        let execution = self
            .deployment
            .target(&target)
            .and_then(|t| t.execution.clone())
            .unwrap_or_else(|| ExecutionId("none".into()));
        self.input(&Input::Report {
            execution,
            target,
            report,
        });
    }

    /// A host runs one event.
    pub fn event(&mut self, target: &str, event: LifecycleEvent, ok: bool) {
        let at = self.now;
        self.report(target, Report::EventStarted { event, at });
        self.report(
            target,
            Report::EventEnded {
                event,
                status: if ok {
                    EventStatus::Succeeded
                } else {
                    EventStatus::Failed
                },
                at,
                diagnostics: (!ok).then(|| Diagnostics::unknown("broken")),
            },
        );
    }

    /// What has to be done for one event is done, to its end.
    pub fn does(&mut self, target: &str, event: LifecycleEvent) {
        self.event(target, event, true);
        self.report(target, Report::Ended);
    }

    /// An event fails, for this reason.
    pub fn fails(&mut self, target: &str, event: LifecycleEvent, why: Diagnostics) {
        let at = self.now;
        self.report(target, Report::EventStarted { event, at });
        let status = EventStatus::Failed;
        let diagnostics = Some(why);
        self.report(
            target,
            Report::EventEnded {
                event,
                status,
                at,
                diagnostics,
            },
        );
        self.report(target, Report::Ended);
    }

    /// A host runs its whole execution, to the end or to a failing `AfterInstall`.
    pub fn finish(&mut self, target: &str, ok: bool) {
        for event in LifecycleEvent::IN_PLACE {
            let good = ok || event != LifecycleEvent::AfterInstall;
            self.event(target, event, good);
            if !good {
                break;
            }
        }
        self.report(target, Report::Ended);
    }

    /// Runs to the end, always finishing the first target in flight; these fail.
    pub fn run(&mut self, failing: &[&str]) {
        let failing: BTreeSet<&str> = failing.iter().copied().collect();
        self.admit();
        while let Some(next) = self.running().first().cloned() {
            self.finish(&next, !failing.contains(next.as_str()));
        }
    }
}

pub fn id(text: &str) -> DeploymentId {
    text.parse().unwrap()
}
