//! The pure core: what one event costs with few and with many targets, how fast a journal folds, how large the state is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use cutover::engine::event::{Event, Record};
use cutover::engine::input::{Input, Report};
use cutover::engine::pending::evolve_with_change;
use cutover::engine::spec::{Options, TargetSpec};
use cutover::engine::{Deployment, Spec, decide, fold, plan};
use cutover::model::application::ComputePlatform;
use cutover::model::configuration::{
    DeploymentConfiguration, MinimumHealthyHosts, MinimumHealthyHostsType,
};
use cutover::model::deployment::{
    Creator, DeploymentId, ExecutionId, InstanceHealth, RevisionHealth,
};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent};
use cutover::model::limits::Limits;
use cutover::model::name::Name;
use cutover::model::revision::{Digest, Revision};
use cutover::model::timestamp::Timestamp;
use cutover::model::yaml;

use crate::figures::{Aim, Figure, Samples, Unit};

const ROUNDS: usize = 5;
const SIZES: [usize; 3] = [10, 1_000, 10_000];
const MOST: usize = SIZES[2];
const ENTRIES: usize = 100_000;

/// What is known of a rollout that a journal is written for.
pub fn spec(id: &str, targets: impl IntoIterator<Item = Name>, at_once: u32) -> Spec {
    let group = "applicationName: bench\ndeploymentGroupName: all\nec2TagFilters: [{Key: role}]\n";
    let target = |name| TargetSpec {
        name,
        zone: None,
        side: None,
        fleet: None,
        instance_health: InstanceHealth::Healthy,
        revision_health: RevisionHealth::Current,
    };
    Spec {
        deployment_id: id.parse().unwrap(),
        group: yaml::from_str(group).unwrap(),
        configuration: DeploymentConfiguration {
            deployment_config_name: "AtOnce".parse().unwrap(),
            compute_platform: ComputePlatform::Server,
            minimum_healthy_hosts: Some(MinimumHealthyHosts {
                kind: MinimumHealthyHostsType::MostConcurrency,
                value: at_once,
            }),
            zonal_config: None,
            traffic_routing_config: None,
        },
        revision: Revision {
            digest: Digest::from_bytes(&[7; 32]),
            label: "2".to_owned(),
            size: 1,
        },
        previous_revision: None,
        targets: targets.into_iter().map(target).collect(),
        up_to_date: 0,
        creator: Creator::User,
        by: "bench".to_owned(),
        uid: None,
        description: String::new(),
        sides: None,
        function: None,
        service: None,
        task_sets: None,
        provision: None,
        rolls_back: None,
        way_back: false,
        approvals: std::collections::BTreeMap::new(),
        from_split: None,
        updates: None,
        token: None,
        limits: Limits::default(),
        options: Options::default(),
    }
}

pub fn names(count: usize) -> impl Iterator<Item = Name> {
    (1..=count).map(|number| format!("host-{number}").parse().unwrap())
}

/// A rollout whose hosts do as they are told, without a world: what is decided is folded at once.
pub struct Rollout {
    pub deployment: Deployment,
    pub records: Vec<Record>,
    running: VecDeque<(Name, ExecutionId)>,
    keep: bool,
}

impl Rollout {
    pub fn new(spec: Spec, created: Timestamp) -> Self {
        let plan = plan(&spec);
        let record = Record {
            seq: 1,
            at: created,
            event: Event::Created {
                spec: Arc::new(spec),
                plan: Arc::new(plan),
            },
        };
        Self {
            deployment: Deployment::created(&record).unwrap(),
            records: vec![record],
            running: VecDeque::new(),
            keep: true,
        }
    }

    pub fn id(&self) -> &DeploymentId {
        self.deployment.id()
    }

    fn input(&mut self, input: &Input) {
        let now = Timestamp(self.deployment.create_time.0 + self.deployment.seq.cast_signed());
        for event in decide(&self.deployment, input, now) {
            let record = Record {
                seq: self.deployment.seq + 1,
                at: now,
                event,
            };
            let _change = evolve_with_change(&mut self.deployment, &record);
            if let Event::TargetStarted { target, execution } = &record.event {
                self.running.push_back((target.clone(), execution.clone()));
            }
            if self.keep {
                self.records.push(record);
            }
        }
    }

    /// Goes on until this target has been told to run, or to the end.
    pub fn run(&mut self, until: Option<&Name>) {
        self.input(&Input::Admitted);
        while let Some((target, execution)) = self.running.pop_front() {
            if Some(&target) == until {
                return;
            }
            let at = Timestamp(1);
            for event in LifecycleEvent::IN_PLACE {
                self.report(&target, &execution, Report::EventStarted { event, at });
                let status = EventStatus::Succeeded;
                let diagnostics = None;
                let ended = Report::EventEnded {
                    event,
                    status,
                    at,
                    diagnostics,
                };
                self.report(&target, &execution, ended);
            }
            self.report(&target, &execution, Report::Ended);
        }
    }

    fn report(&mut self, target: &Name, execution: &ExecutionId, report: Report) {
        self.input(&Input::Report {
            execution: execution.clone(),
            target: target.clone(),
            report,
        });
    }
}

pub fn measure() -> Vec<Figure> {
    // First, while nothing that was freed can hide what it takes.
    let mut figures = vec![memory()];
    let ten = |_| 10;
    let all = |size| u32::try_from(size).unwrap();
    figures.extend(events("ten at a time", ten));
    figures.extend(events("all at once", all));
    figures.push(folding());
    figures
}

/// The resident memory of a whole rollout's state.
fn memory() -> Figure {
    const COPIES: usize = 4;
    let mut rollout = Rollout::new(spec("d-AAAAAAAAA", names(MOST), 10), Timestamp(1));
    rollout.keep = false;
    rollout.run(None);
    let before = resident();
    let copies: Vec<Deployment> = vec![rollout.deployment.clone(); COPIES];
    let bytes = (resident() - before) as f64 / COPIES as f64;
    assert_eq!(copies.len(), COPIES);
    Figure {
        unit: Unit::Bytes,
        ..Figure::time(format!("state of {MOST} targets, all done"), bytes)
    }
}

fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// What one event costs, over whole rollouts to fleets of each size: as many targets in all for each.
fn events(how: &str, at_once: impl Fn(usize) -> u32) -> Vec<Figure> {
    let mut samples = SIZES.map(|_| Samples::default());
    for _ in 0..ROUNDS {
        for (size, samples) in SIZES.iter().zip(&mut samples) {
            let rollouts = MOST / size;
            let mut rollouts: Vec<Rollout> = (0..rollouts)
                .map(|_| {
                    let spec = spec("d-AAAAAAAAA", names(*size), at_once(*size));
                    let mut rollout = Rollout::new(spec, Timestamp(1));
                    rollout.keep = false;
                    rollout
                })
                .collect();
            let began = Instant::now();
            for rollout in &mut rollouts {
                rollout.run(None);
            }
            let took = began.elapsed().as_secs_f64();
            let events: u64 = rollouts
                .iter()
                .map(|rollout| rollout.deployment.seq - 1)
                .sum();
            samples.push(took / events as f64);
        }
    }
    let floor = samples[0].median();
    SIZES
        .iter()
        .zip(&samples)
        .map(|(size, samples)| {
            let figure = Figure::median(format!("an event, {how}, {size} targets"), samples);
            match size {
                10 => figure,
                _ => figure.over(floor).aim(Aim::Ratio(2.0)),
            }
        })
        .collect()
}

/// Folding entries that have been read, against reading them from their text.
fn folding() -> Figure {
    let mut rollout = Rollout::new(spec("d-AAAAAAAAA", names(ENTRIES / 16), 10), Timestamp(1));
    rollout.run(None);
    let lines: Vec<String> = rollout
        .records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap())
        .collect();
    let (mut folding, mut reading) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let records: Vec<Record> = lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        reading.add(began.elapsed());
        let began = Instant::now();
        let deployment = fold(&records).unwrap();
        folding.add(began.elapsed());
        assert_eq!(deployment, rollout.deployment);
    }
    Figure::median(format!("folding {} entries", lines.len()), &folding).over(reading.median())
}
