//! A project in the middle of a rollout, folded from events that the engine decided.

use std::sync::Arc;

use crate::agent::facts::{Disk, Facts, HealthProblem, Installed, Os, Running};
use crate::api::command::Preview;
use crate::api::feed::OutputLine;
use crate::api::snapshot::{AgentStatus, HostStatus, Snapshot, Summary};
use crate::engine::event::{Event, Record};
use crate::engine::input::{Command, Input, Report, What};
use crate::engine::ledger::{HostRecord, LastDeployment, Ledger};
use crate::engine::{Deployment, Spec, decide, members, plan, rollback};
use crate::model::application::{Application, ComputePlatform};
use crate::model::configuration::{
    DeploymentConfiguration, MinimumHealthyHosts, MinimumHealthyHostsType,
};
use crate::model::connections::Connections;
use crate::model::deployment::{
    Creator, DeploymentId, DeploymentStatus, ExecutionId, InstanceHealth, RevisionHealth,
};
use crate::model::diagnostics::{Diagnostics, LifecycleErrorCode};
use crate::model::group::DeploymentGroup;
use crate::model::group::GroupKey;
use crate::model::host::Host;
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::name::Name;
use crate::model::output::OutputSource;
use crate::model::project::{Project, Settings};
use crate::model::revision::{Digest, RegisteredRevision, Revision};
use crate::model::timestamp::Timestamp;

pub(super) const LIVE: &str = "d-7F3KQ21XB";
pub(super) const BEFORE: &str = "d-6ZP04MN2C";
pub(super) const FAILED: &str = "d-5RR8T0QWE";

/// So many milliseconds after 14:02:11 of some day.
pub(super) fn now(milliseconds: i64) -> Timestamp {
    Timestamp(1_900_000_000_000 - 1_900_000_000_000 % 86_400_000 + 50_531_000 + milliseconds)
}

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn id(text: &str) -> DeploymentId {
    text.parse().unwrap()
}

pub(super) fn production() -> GroupKey {
    GroupKey {
        application: name("shop"),
        group: name("production"),
    }
}

pub(super) fn revision(label: &str) -> Revision {
    let digits: Vec<u8> = label.bytes().cycle().take(32).collect();
    Revision {
        digest: Digest::from_bytes(&digits),
        label: label.to_owned(),
        size: 4096,
    }
}

pub(super) fn configuration(most: u32) -> DeploymentConfiguration {
    DeploymentConfiguration {
        deployment_config_name: name(if most == 1 {
            "CodeDeployDefault.OneAtATime"
        } else {
            "FewAtATime"
        }),
        compute_platform: ComputePlatform::Server,
        minimum_healthy_hosts: Some(MinimumHealthyHosts {
            kind: MinimumHealthyHostsType::MostConcurrency,
            value: most,
        }),
        zonal_config: None,
        traffic_routing_config: None,
    }
}

fn group(application: &str, group: &str) -> DeploymentGroup {
    let json = serde_json::json!({
        "applicationName": application,
        "deploymentGroupName": group,
        "ec2TagFilters": [{"Key": "Env", "Value": group, "Type": "KEY_AND_VALUE"}],
    });
    serde_json::from_value(json).unwrap()
}

pub(super) fn project(hosts: usize) -> Project {
    let application = |text: &str| Application {
        application_name: name(text),
        compute_platform: ComputePlatform::Server,
    };
    Project {
        name: name("shop"),
        settings: Settings::default(),
        hosts: (1..=hosts)
            .map(|n| Host {
                name: name(&format!("web-{n}")),
                address: format!("http://127.0.0.1:{}", 7000 + n % 50_000),
                tags: [("Env".to_owned(), "production".to_owned())].into(),
                zone: None,
                endpoints: std::collections::BTreeMap::default(),
                provisioned: None,
                instance: None,
            })
            .collect(),
        secrets: std::collections::BTreeMap::default(),
        connections: Connections::default(),
        access: None,
        environments: std::collections::BTreeMap::default(),
        automatic_deployments: Vec::new(),
        applications: ["checkout", "shop", "thumbs"]
            .map(|text| (name(text), application(text)))
            .into(),
        groups: vec![
            group("checkout", "all"),
            group("shop", "production"),
            group("shop", "staging"),
            group("shop", "test"),
            group("thumbs", "all"),
        ],
        configurations: [(name("FewAtATime"), configuration(3))].into(),
    }
}

/// A deployment whose journal grows by what the engine decides.
pub(super) struct Run {
    pub deployment: Deployment,
    pub records: Vec<Record>,
    at: Timestamp,
}

impl Run {
    pub(super) fn new(
        project: &Project,
        deployment: &str,
        label: &str,
        at: Timestamp,
        ledger: &Ledger,
    ) -> Self {
        let mut run = Self::created(project, deployment, label, at, ledger, |_| {});
        run.input(&Input::Admitted);
        run
    }

    /// One that has not begun, with its specification changed.
    pub(super) fn created(
        project: &Project,
        deployment: &str,
        label: &str,
        at: Timestamp,
        ledger: &Ledger,
        change: impl FnOnce(&mut Spec),
    ) -> Self {
        let group = project.group(&production()).unwrap();
        let mut spec = Spec {
            deployment_id: id(deployment),
            group: group.clone(),
            configuration: configuration(if project.hosts.len() > 6 { 3 } else { 1 }),
            revision: revision(label),
            previous_revision: ledger.target_revision.clone(),
            targets: members::targets(project.members(group), ledger),
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
            approvals: std::collections::BTreeMap::new(),
            from_split: None,
            updates: None,
            token: None,
            limits: crate::model::limits::Limits::default(),
            options: crate::engine::spec::Options::default(),
        };
        change(&mut spec);
        let plan = plan(&spec);
        let record = Record {
            seq: 1,
            at,
            event: Event::Created {
                spec: Arc::new(spec),
                plan: Arc::new(plan),
            },
        };
        Self {
            deployment: Deployment::created(&record).unwrap(),
            records: vec![record],
            at,
        }
    }

    /// Somebody wants this.
    pub(super) fn command(&mut self, by: &str, why: &str, what: What) -> Vec<Record> {
        let mut command = Command::new(what, by);
        command.why = (!why.is_empty()).then(|| why.to_owned());
        self.input(&Input::Command(command))
    }

    pub(super) fn input(&mut self, input: &Input) -> Vec<Record> {
        let mut new = Vec::new();
        for event in decide(&self.deployment, input, self.at) {
            let record = Record {
                seq: self.deployment.seq + 1,
                at: self.at,
                event,
            };
            self.deployment.evolve(&record);
            self.records.push(record.clone());
            new.push(record);
        }
        new
    }

    pub(super) fn report(&mut self, target: &str, report: Report) {
        let target = name(target);
        let known = self.deployment.target(&target).unwrap();
        // What was not started is not heard.
        let none = || ExecutionId::new(self.deployment.id(), &target, 0, 1);
        let execution = known.execution.clone().unwrap_or_else(none);
        self.input(&Input::Report {
            execution,
            target,
            report,
        });
    }

    pub(super) fn now(&self) -> Timestamp {
        self.at
    }

    pub(super) fn wait(&mut self, milliseconds: i64) -> &mut Self {
        self.at = Timestamp(self.at.0 + milliseconds);
        self
    }

    /// The target goes through so many events, half a second each, and starts the next.
    pub(super) fn walk(&mut self, target: &str, events: usize) -> &mut Self {
        for event in LifecycleEvent::IN_PLACE.into_iter().take(events) {
            self.report(target, Report::EventStarted { event, at: self.at });
            self.wait(500);
            self.report(
                target,
                Report::EventEnded {
                    event,
                    status: EventStatus::Succeeded,
                    at: self.at,
                    diagnostics: None,
                },
            );
        }
        match LifecycleEvent::IN_PLACE.get(events) {
            Some(event) => self.report(
                target,
                Report::EventStarted {
                    event: *event,
                    at: self.at,
                },
            ),
            None => self.report(target, Report::Ended),
        }
        self
    }

    /// The event that runs on the target fails.
    pub(super) fn fail(&mut self, target: &str) -> &mut Self {
        self.wait(700);
        let event = self
            .deployment
            .target(&name(target))
            .unwrap()
            .running()
            .unwrap()
            .event;
        let diagnostics = Diagnostics {
            error_code: LifecycleErrorCode::ScriptFailed,
            script_name: "scripts/migrate.sh".to_owned(),
            message: "the script ended with exit code 1".to_owned(),
            log_tail: "migrating\nrelation \"orders\" does not exist\n".to_owned(),
            ends_with: None,
        };
        self.report(
            target,
            Report::EventEnded {
                event,
                status: EventStatus::Failed,
                at: self.at,
                diagnostics: Some(diagnostics),
            },
        );
        self.report(target, Report::Ended);
        self
    }

    /// The target goes on by one event.
    pub(super) fn walk_on(&mut self, target: &str) -> Vec<Record> {
        let before = self.records.len();
        let event = self
            .deployment
            .target(&name(target))
            .unwrap()
            .running()
            .unwrap()
            .event;
        self.report(
            target,
            Report::EventEnded {
                event,
                status: EventStatus::Succeeded,
                at: self.at,
                diagnostics: None,
            },
        );
        self.report(
            target,
            Report::EventStarted {
                event: LifecycleEvent::ValidateService,
                at: self.at,
            },
        );
        self.records.split_off(before)
    }

    /// Somebody stops it, and what runs ends.
    pub(super) fn finish(&mut self) -> Vec<Record> {
        let before = self.records.len();
        self.input(&Input::Command(Command::new(
            What::Stop {
                auto_rollback: None,
            },
            "ben",
        )));
        let running: Vec<Name> = self
            .deployment
            .running()
            .map(|target| target.name.clone())
            .collect();
        for target in running {
            self.report(target.as_str(), Report::Ended);
        }
        self.records.split_off(before)
    }
}

/// The rollback of a deployment, as the orchestrator would create it.
pub(super) fn rollback_of(run: &Run) -> Run {
    let project = project(12);
    let spec = rollback::spec(
        &run.deployment,
        &ledger(12),
        &project.hosts,
        id("d-ROLLBACK0"),
    )
    .unwrap();
    let plan = plan(&spec);
    let record = Record {
        seq: 1,
        at: run.at,
        event: Event::Created {
            spec: Arc::new(spec),
            plan: Arc::new(plan),
        },
    };
    Run {
        deployment: Deployment::created(&record).unwrap(),
        records: vec![record],
        at: run.at,
    }
}

pub(super) fn ledger(hosts: usize) -> Ledger {
    let known = HostRecord {
        instance_health: InstanceHealth::Healthy,
        revision_health: RevisionHealth::Current,
        revision: Some(revision("1.7.2")),
        deployment: Some(id(BEFORE)),
    };
    let last = LastDeployment {
        deployment_id: id(BEFORE),
        status: DeploymentStatus::Succeeded,
        create_time: now(-3_600_000),
        end_time: Some(now(-3_500_000)),
    };
    Ledger {
        hosts: (1..=hosts)
            .map(|n| (name(&format!("web-{n}")), known.clone()))
            .collect(),
        target_revision: Some(revision("1.7.2")),
        last_successful_deployment: Some(last.clone()),
        last_attempted_deployment: Some(LastDeployment {
            deployment_id: id(LIVE),
            status: DeploymentStatus::InProgress,
            create_time: now(-20_000),
            end_time: None,
        }),
        active: Some(id(LIVE)),
        seq: 5,
        ..Ledger::default()
    }
}

/// Everything that a client is told first, with this deployment as the newest of `shop/production`.
pub(super) fn snapshot(project: Project, live: &Deployment) -> Snapshot {
    let hosts = project.hosts.len();
    let mut old = Run::new(&project, BEFORE, "1.7.2", now(-3_600_000), &ledger(hosts));
    let mut before = Summary::from(&old.deployment);
    before.status = DeploymentStatus::Succeeded;
    before.by = "ci".to_owned();
    before.complete_time = Some(now(-3_408_000));
    old.deployment.seq = 9;
    let mut failed = before.clone();
    failed.deployment_id = id(FAILED);
    failed.status = DeploymentStatus::Failed;
    failed.revision = revision("1.7.1");
    failed.rolled_back_by = Some(id(BEFORE));
    failed.create_time = now(-7_200_000);
    failed.start_time = Some(now(-7_200_000));
    failed.complete_time = Some(now(-7_152_000));
    let registered = |label: &str, hours: i64| RegisteredRevision {
        revision: revision(label),
        description: format!("dist/shop-{label}"),
        source: None,
        register_time: now(-hours * 3_600_000),
        first_used_time: None,
        last_used_time: None,
    };
    let active = !live.status.is_terminal();
    let mut memory = ledger(hosts);
    memory.active = active.then(|| live.id().clone());
    Snapshot {
        pid: 1,
        version: "0.1.0".to_owned(),
        problems: Vec::new(),
        person: None,
        deployments: vec![Summary::from(live), before, failed],
        active: vec![live.clone()],
        ledgers: vec![(production(), memory)],
        revisions: vec![(
            name("shop"),
            vec![
                registered("1.8.0", 1),
                registered("1.7.2", 30),
                registered("1.7.1", 60),
            ],
        )],
        hosts: project
            .hosts
            .iter()
            .map(|host| status(host.name.as_str(), facts()))
            .collect(),
        alarms: Vec::new(),
        freezes: Vec::new(),
        traffic: Vec::new(),
        tasks: Vec::new(),
        looks: Vec::new(),
        project,
    }
}

/// A host that answers, whose agent has just said this.
pub(super) fn status(host: &str, facts: Facts) -> HostStatus {
    HostStatus {
        name: name(host),
        reachable: true,
        checked: now(0),
        problem: None,
        remedy: None,
        since: Some(now(-3_600_000)),
        agent: Some(AgentStatus {
            read: now(0),
            version: "0.1.0".to_owned(),
            clock_offset: Some(0),
            key: None,
            facts: Some(Arc::new(facts)),
        }),
    }
}

/// What the agent of a host in good order says.
pub(super) fn facts() -> Facts {
    Facts {
        clock: now(0),
        os: Os {
            name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
            id: "debian".to_owned(),
            version: "12".to_owned(),
        },
        kernel: "6.1.0-25-amd64".to_owned(),
        architecture: "x86_64".to_owned(),
        hostname: "rack7-12".to_owned(),
        booted: Some(now(-15 * 86_400_000)),
        started: now(-7_200_000),
        agent_memory: Some(12 << 20),
        disks: vec![Disk {
            path: "/var/lib/cutover-agent".to_owned(),
            total: 40 << 30,
            free: 12 << 30,
            files_total: 2_600_000,
            files_free: 2_000_000,
        }],
        installed: vec![
            installed("shop", "production", "1.7.2", BEFORE),
            installed("thumbs", "all", "3.0", "d-2THUMBS01"),
        ],
        ..Facts::default()
    }
}

fn installed(application: &str, group: &str, label: &str, deployment: &str) -> Installed {
    Installed {
        deployment_group_id: "0d1f3c1e-6a5e-4a0e-9a37-2f6d7b1c9e11".to_owned(),
        deployment_id: id(deployment),
        application_name: Some(application.to_owned()),
        deployment_group_name: Some(group.to_owned()),
        revision: Some(revision(label)),
        installed: Some(now(if application == "shop" {
            -3_500_000
        } else {
            -90_000_000
        })),
    }
}

/// The twelve hosts in every state: one silent, one nearly full, one at work, one with an older agent, one never asked.
pub(super) fn mixed_hosts() -> Vec<HostStatus> {
    let mut hosts: Vec<_> = (1..=11)
        .map(|n| status(&format!("web-{n}"), facts()))
        .collect();
    let silent = &mut hosts[6];
    silent.reachable = false;
    silent.problem = Some("connection refused".to_owned());
    silent.since = Some(now(-95_000));
    if let Some(agent) = &mut silent.agent {
        agent.read = now(-100_000);
    }
    hosts[3] = status(
        "web-4",
        Facts {
            disks: vec![Disk {
                free: 600 << 20,
                ..facts().disks[0].clone()
            }],
            problems: vec![HealthProblem::new(
                "DiskNearlyFull",
                "only 600.0 MiB of 40.0 GiB are free on the file system of /var/lib/cutover-agent",
                "remove what is not needed there, or make it larger: deployments fail when it is full",
            )],
            ..facts()
        },
    );
    hosts[4] = status(
        "web-5",
        Facts {
            running: vec![Running {
                execution: ExecutionId("x".into()),
                deployment_id: id(LIVE),
                application_name: "shop".to_owned(),
                deployment_group_name: "production".to_owned(),
                event: Some(LifecycleEvent::AfterInstall),
            }],
            ..facts()
        },
    );
    if let Some(agent) = &mut hosts[8].agent {
        agent.version = "0.0.9".to_owned();
        agent.facts = None;
    }
    hosts
}

/// Twelve hosts, three at a time: some done, one failed, some at work.
pub(super) fn rollout() -> Run {
    let project = project(12);
    let mut run = Run::new(&project, LIVE, "1.8.0", now(-20_000), &ledger(12));
    run.walk("web-1", 7)
        .walk("web-2", 7)
        .walk("web-3", 4)
        .fail("web-3");
    run.walk("web-4", 5).walk("web-5", 3).walk("web-6", 0);
    run
}

/// The same, one host later failed too, and over.
pub(super) fn failure() -> Run {
    let project = project(4);
    let mut run = Run::new(&project, LIVE, "1.8.0", now(-20_000), &ledger(4));
    run.walk("web-1", 7).walk("web-2", 4).fail("web-2");
    run
}

pub(super) fn preview() -> Preview {
    let project = project(12);
    let run = Run::new(&project, LIVE, "1.8.0", now(0), &ledger(12));
    Preview {
        revision: RegisteredRevision {
            revision: revision("1.8.0"),
            description: "dist/shop-1.8.0".to_owned(),
            source: None,
            register_time: now(-3_600_000),
            first_used_time: None,
            last_used_time: None,
        },
        configuration: configuration(3),
        plan: (*run.deployment.plan).clone(),
        refusal: None,
        forecast: None,
    }
}

pub(super) fn lines(count: u64) -> Vec<OutputLine> {
    (1..=count)
        .map(|seq| OutputLine {
            execution: ExecutionId("x".into()),
            seq,
            at: now(-9_000 + i64::try_from(seq).unwrap() * 100),
            event: LifecycleEvent::AfterInstall,
            source: match seq % 5 {
                0 => OutputSource::Stderr,
                1 => OutputSource::Agent,
                _ => OutputSource::Stdout,
            },
            text: format!("migrating \u{1b}[32massets\u{1b}[0m {}/400", seq * 7),
        })
        .collect()
}
