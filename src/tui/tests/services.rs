//! A container service: its tasks, its hooks, both of its listeners, and its schedule.

use super::sample::{self, Run};
use super::sides::{self, SHIFTS};
use super::{Cockpit, MONO};
use crate::api::feed::FeedItem;
use crate::appspec::ecs;
use crate::engine::input::{Input, Report};
use crate::engine::spec::TargetSpec;
use crate::engine::task_sets::TaskSets;
use crate::model::deployment::{InstanceHealth, RevisionHealth};
use crate::model::lifecycle::{EventStatus, LifecycleEvent};
use crate::model::task_counts::{TaskCounts, TasksStatus};
use crate::model::task_set::{Task, TaskSet, TaskSetId};
use crate::model::timestamp::Timestamp;
use crate::model::traffic::Side;
use crate::tui::theme::Theme;

const SERVICE: &str = "gallery";

/// A task set of four tasks, two on each host.
fn task_set(id: &str, definition: &str) -> TaskSet {
    let hosts = ["web-1", "web-2"].map(|host| (sample::name(host), 2));
    TaskSet {
        id: TaskSetId::from(id),
        service: crate::model::yaml::from_str("{serviceName: gallery, clusterName: main}").unwrap(),
        task_definition: definition.to_owned(),
        definition: crate::model::yaml::from_str(
            "{run: [/srv/gallery], count: 4, port: 8100-8199}",
        )
        .unwrap(),
        target_group: "gallery-a".to_owned(),
        hosts: hosts.into(),
        tasks: Vec::new(),
    }
}

/// One that installs its replacement.
fn installing() -> Run {
    let at = sample::now(-600_000);
    let project = sample::project(2);
    let mut run = Run::created(
        &project,
        sample::LIVE,
        "gallery-2",
        at,
        &sample::ledger(2),
        |spec| {
            let appspec = "version: 0.0\nResources:\n- TargetService:\n    Type: AWS::ECS::Service\n    Properties:\n      \
                 TaskDefinition: gallery:2\n      LoadBalancerInfo: {ContainerName: web, ContainerPort: 8080}\n\
                 Hooks:\n- AfterAllowTestTraffic: try-gallery\n";
            spec.service = Some(ecs::parse(appspec).unwrap());
            spec.targets = vec![TargetSpec {
                name: sample::name(SERVICE),
                zone: None,
                side: Some(Side::Green),
                fleet: None,
                instance_health: InstanceHealth::Unhealthy,
                revision_health: RevisionHealth::Unknown,
            }];
            spec.task_sets = Some(Box::new(TaskSets {
                original: Some(task_set(sample::BEFORE, "gallery:1")),
                replacement: task_set(sample::LIVE, "gallery:2"),
                left: Vec::new(),
            }));
            spec.configuration.deployment_config_name =
                sample::name("CodeDeployDefault.ECSLinear10PercentEvery1Minutes");
            spec.configuration.traffic_routing_config = Some(
                crate::model::yaml::from_str(
                    "{type: TimeBasedLinear, timeBasedLinear: {linearPercentage: 10, linearInterval: 1}}",
                )
                .unwrap(),
            );
            spec.group.deployment_style = crate::model::yaml::from_str(
                "{deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL}",
            )
            .unwrap();
            spec.group.load_balancer_info = Some(
                crate::model::yaml::from_str(
                    "targetGroupPairInfoList: [{targetGroups: [{name: one}, {name: two}], \
                     prodTrafficRoute: {listenerArns: [web]}, testTrafficRoute: {listenerArns: [web-test]}}]",
                )
                .unwrap(),
            );
            spec.group.blue_green_deployment_configuration = Some(
                crate::model::yaml::from_str(
                    "terminateBlueInstancesOnDeploymentSuccess: {action: TERMINATE, terminationWaitTimeInMinutes: 20}\n",
                )
                .unwrap(),
            );
        },
    );
    run.input(&Input::Admitted);
    begins(&mut run, LifecycleEvent::Install);
    run.wait(1_500);
    run
}

fn begins(run: &mut Run, event: LifecycleEvent) {
    let at = run.now();
    run.report(SERVICE, Report::EventStarted { event, at });
}

fn ends(run: &mut Run, event: LifecycleEvent) {
    let at = run.now();
    let (status, diagnostics) = (EventStatus::Succeeded, None);
    let ended = Report::EventEnded {
        event,
        status,
        at,
        diagnostics,
    };
    run.report(SERVICE, ended);
    run.report(SERVICE, Report::Ended);
}

/// The hook of its test traffic is called.
fn trying() -> Run {
    let mut run = installing();
    run.wait(1_700);
    let task = Task {
        host: sample::name("web-1"),
        endpoint: crate::model::endpoint::Endpoint {
            host: "127.0.0.1".to_owned(),
            port: 8100,
        },
    };
    run.input(&Input::TaskSet(vec![task]));
    ends(&mut run, LifecycleEvent::Install);
    begins(&mut run, LifecycleEvent::AllowTestTraffic);
    run.wait(300);
    ends(&mut run, LifecycleEvent::AllowTestTraffic);
    begins(&mut run, LifecycleEvent::AfterAllowTestTraffic);
    run.wait(12_000);
    run
}

/// The replacement has its third share.
fn shifting() -> Run {
    let mut run = trying();
    ends(&mut run, LifecycleEvent::AfterAllowTestTraffic);
    begins(&mut run, LifecycleEvent::AllowTraffic);
    ends(&mut run, LifecycleEvent::AllowTraffic);
    sides::in_effect(&mut run, 10);
    for share in [20, 30] {
        run.wait(60_000);
        run.input(&Input::TimerElapsed);
        sides::in_effect(&mut run, share);
    }
    run.wait(20_000);
    run
}

fn counts(running: u32, well: u32, pending: u32) -> TaskCounts {
    TaskCounts {
        desired: 4,
        pending,
        running,
        well,
        ..TaskCounts::default()
    }
}

fn cockpit(run: &Run, replacement: TaskCounts, traffic: bool) -> Cockpit {
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(2), &run.deployment));
    cockpit.at(run.now());
    cockpit.wait(0);
    if traffic {
        tell_traffic(&mut cockpit);
    }
    cockpit.tell(FeedItem::Tasks(TasksStatus {
        deployment: sample::id(sample::LIVE),
        since: run.now(),
        original: counts(4, 4, 0),
        replacement,
    }));
    cockpit.keys("tab");
    cockpit
}

fn tell_traffic(cockpit: &mut Cockpit) {
    let now = cockpit.real;
    let traffic = sides::Traffic {
        asked: Some(30),
        in_effect: 30,
        measured: Some(29),
        errors: 0,
        ..SHIFTS
    };
    for second in (0..30).rev() {
        let at = Timestamp(now.0 - second * 1000);
        let mut status = traffic.status(sample::LIVE, at);
        let mut tests = status.balancers[0].clone();
        (tests.name, tests.tests) = ("web-test".to_owned(), true);
        (tests.asked, tests.in_effect) = (None, Some(crate::model::traffic::Split::REPLACEMENT));
        tests.measured = None;
        status.balancers.push(tests);
        cockpit.tell(FeedItem::Traffic(status));
    }
}

macro_rules! picture {
    ($name:expr, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

#[test]
fn a_service_in_its_stages() {
    let mut starting = cockpit(&installing(), counts(2, 1, 2), false);
    starting.resize(120, 40);
    picture!("service-install-120x40", starting);
    starting.resize(80, 24);
    picture!("service-install-80x24", starting);

    let mut trying = cockpit(&trying(), counts(4, 4, 0), false);
    trying.resize(120, 40);
    picture!("service-hook-120x40", trying);

    let mut shifting = cockpit(&shifting(), counts(4, 4, 0), true);
    for (width, height) in [(200, 50), (120, 40), (80, 24), (60, 15), (20, 3)] {
        shifting.resize(width, height);
        picture!(format!("service-{width}x{height}"), shifting);
    }
    shifting.resize(80, 24);
    shifting.model.theme = Theme {
        unicode: false,
        ..*MONO
    };
    let screen = shifting.screen();
    assert!(screen.is_ascii(), "{screen}");
    picture!("service-80x24-ascii", shifting);
}

#[test]
fn tasks_are_counted_on_both_sides_and_trouble_is_told() {
    let mut cockpit = cockpit(&installing(), counts(2, 1, 2), false);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    assert!(
        screen.contains("original gallery:1 4/4 running"),
        "{screen}"
    );
    let words = "replacement gallery:2 2/4 running, 2 pending, 1 not well";
    assert!(screen.contains(words), "{screen}");
    let mut broken = counts(1, 0, 3);
    broken.trouble = Some("task 1 on web-2: it ended with exit code 3".to_owned());
    broken.silent = vec![sample::name("web-1")];
    cockpit.tell(FeedItem::Tasks(TasksStatus {
        deployment: sample::id(sample::LIVE),
        since: cockpit.real,
        original: counts(4, 4, 0),
        replacement: broken,
    }));
    let screen = cockpit.screen();
    assert!(screen.contains("no answer from web-1"), "{screen}");
    assert!(
        screen.contains("task 1 on web-2: it ended with exit code 3"),
        "{screen}"
    );
}

#[test]
fn tasks_that_are_missing_come_before_requests() {
    let order = |counts: TaskCounts| {
        let mut cockpit = cockpit(&shifting(), counts, true);
        cockpit.resize(80, 24);
        let screen = cockpit.screen();
        screen.find("tasks  ") < screen.find(" req/s")
    };
    assert!(!order(counts(4, 4, 0)));
    assert!(order(counts(3, 3, 1)));
}

#[test]
fn a_service_is_told_how_long_it_worked_which_hook_runs_and_its_share() {
    let trying = trying();
    let mut cockpit_ = cockpit(&trying, counts(4, 4, 0), false);
    cockpit_.resize(120, 40);
    let screen = cockpit_.screen();
    // 3.2 s of Install, 0.3 s of AllowTestTraffic, 12 s of the hook.
    assert!(screen.contains("15.5 s"), "{screen}");
    assert!(screen.contains("hook try-gallery, 59m48s left"), "{screen}");

    let mut cockpit = cockpit(&shifting(), counts(4, 4, 0), true);
    cockpit.resize(120, 40);
    let screen = cockpit.screen();
    let row = screen
        .lines()
        .find(|line| line.contains("gallery  "))
        .unwrap();
    assert!(row.contains("30 %"), "{row}");
    assert!(
        screen.contains("tests of replacement gallery:2"),
        "{screen}"
    );
}

#[test]
fn past_shares_have_their_times() {
    let run = shifting();
    let asked: Vec<u8> = run
        .deployment
        .shifts
        .iter()
        .map(|(split, _)| split.replacement())
        .collect();
    assert_eq!(asked, [10, 20, 30]);
    let mut cockpit = cockpit(&run, counts(4, 4, 0), true);
    cockpit.resize(200, 50);
    let screen = cockpit.screen();
    let at = super::utc(run.deployment.shifts[1].1);
    assert!(screen.contains(&format!("20 % {at}")), "{screen}");
    assert!(screen.contains("40 % in 0:40"), "{screen}");
}
