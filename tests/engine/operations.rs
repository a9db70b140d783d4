//! operations.md §4, §7 and §8, domain.md §12: who joins, who is outdated, and what a group remembers.

use std::time::Duration;

use cutover::engine::event::{Event, Record};
use cutover::engine::input::What;
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::spec::{Provision, RollbackTargets, Spec, TargetSpec};
use cutover::engine::{Input, Ledger, members, rollback};
use cutover::model::deployment::{
    Creator, DeploymentStatus, ErrorCode, ErrorInformation, FileExistsBehavior, InstanceHealth,
    RevisionHealth, TargetStatus,
};
use cutover::model::group::OutdatedInstancesStrategy;
use cutover::model::host::{Host, Instance, Transition, Waiting};
use cutover::model::limits::Limits;
use cutover::model::tags::Tags;
use cutover::model::timestamp::Timestamp;

use crate::world::{World, configuration, group, id, name, revision, spec};
use crate::zones::zonal;

const ONE: &str = "CodeDeployDefault.OneAtATime";

fn host(text: &str) -> Host {
    Host {
        name: name(text),
        address: "http://127.0.0.1:1".to_owned(),
        tags: std::collections::BTreeMap::default(),
        zone: None,
        endpoints: std::collections::BTreeMap::default(),
        provisioned: None,
        instance: None,
    }
}

fn hosts<const N: usize>(names: [&str; N]) -> Vec<Host> {
    names.into_iter().map(host).collect()
}

fn names(hosts: &[&Host]) -> Vec<String> {
    hosts.iter().map(|host| host.name.to_string()).collect()
}

fn targets(spec: &Spec) -> Vec<&str> {
    spec.targets.iter().map(|t| t.name.as_str()).collect()
}

/// Adds an entry to a ledger.
fn note(ledger: &mut Ledger, event: LedgerEvent) {
    ledger.evolve(&LedgerRecord {
        seq: ledger.seq + 1,
        at: Timestamp(9),
        event,
    });
}

/// A deployment of these targets under an id, asked for by somebody.
fn asked(text: &str, creator: Creator, label: &str, on: &[&str]) -> Spec {
    Spec {
        deployment_id: id(text),
        creator,
        revision: revision(label),
        targets: on
            .iter()
            .map(|host| TargetSpec {
                name: name(host),
                zone: None,
                side: None,
                fleet: None,
                instance_health: InstanceHealth::Unhealthy,
                revision_health: RevisionHealth::Unknown,
            })
            .collect(),
        ..spec(0, 0, "CodeDeployDefault.AllAtOnce")
    }
}

/// Begins a deployment and runs it to its end; the ledger learns of both.
fn run(ledger: &mut Ledger, spec: Spec, failing: &[&str]) -> World {
    let mut world = World::new(spec);
    note(ledger, LedgerEvent::opening(&world.deployment));
    world.run(failing);
    note(ledger, LedgerEvent::closing(&world.deployment));
    world
}

#[test]
fn nobody_joins_an_auto_scaling_group_that_a_copy_takes_the_place_of() {
    let mut ledger = Ledger::default();
    run(
        &mut ledger,
        asked("d-AAAAAAAA1", Creator::User, "1", &["a"]),
        &[],
    );
    let instance = |auto_scaling_group: Option<&str>, waits: Option<&str>| Instance {
        account: "prod".to_owned(),
        tags: Tags::new(),
        auto_scaling_group: auto_scaling_group.map(str::to_owned),
        waits: waits.map(|group| Waiting {
            group: group.to_owned(),
            transition: Transition::Launching,
        }),
    };
    let mut all = hosts(["a", "b", "c", "d"]);
    all[1].instance = Some(instance(Some("pool"), None));
    all[2].instance = Some(instance(None, Some("pool")));
    all[3].instance = Some(instance(Some("other"), None));
    let mut copies = asked("d-AAAAAAAA2", Creator::User, "2", &["a"]);
    copies.provision = Some(Provision {
        account: Some("prod".to_owned()),
        fleet: "pool".to_owned(),
        count: 1,
    });
    let copies = World::new(copies);
    let active = Some(&copies.deployment);
    assert_eq!(names(&members::newcomers(&all, &ledger, active)), ["d"]);
    // Whatever came of it, what is there then has joined.
    let after = members::newcomers(&all, &ledger, None);
    assert_eq!(names(&after), ["b", "c", "d"]);
}

#[test]
fn a_host_joins_when_the_group_has_a_revision_and_never_deployed_to_it() {
    let mut ledger = Ledger::default();
    let all = hosts(["a", "b", "c"]);
    // §6 of the domain: no successful deployment yet, no launch.
    run(
        &mut ledger,
        asked("d-AAAAAAAA1", Creator::User, "1", &["a"]),
        &["a"],
    );
    assert!(members::newcomers(&all, &ledger, None).is_empty());
    run(
        &mut ledger,
        asked("d-AAAAAAAA2", Creator::User, "1", &["a"]),
        &[],
    );
    assert_eq!(names(&members::newcomers(&all, &ledger, None)), ["b", "c"]);

    // What runs is for b already; c is just being launched.
    let running = World::new(asked("d-AAAAAAAA3", Creator::User, "2", &["a", "b"]));
    let launch = World::new(asked("d-AAAAAAAA4", Creator::Autoscaling, "1", &["c"]));
    let active = Some(&running.deployment);
    assert_eq!(names(&members::newcomers(&all, &ledger, active)), ["c"]);
    note(&mut ledger, LedgerEvent::opening(&launch.deployment));
    assert!(members::newcomers(&all, &ledger, active).is_empty());
    assert_eq!(ledger.active, None, "a launch takes no slot");
}

#[test]
fn a_launch_deploys_the_groups_revision_unless_the_group_ignores_who_is_outdated() {
    let mut ledger = Ledger::default();
    let mut first = asked("d-AAAAAAAA1", Creator::User, "1", &["a"]);
    first.options.file_exists_behavior = FileExistsBehavior::Retain;
    run(&mut ledger, first, &[]);
    let launch = |strategy| {
        let group = cutover::model::group::DeploymentGroup {
            outdated_instances_strategy: strategy,
            ..group()
        };
        let limits = Limits::default();
        members::launch(
            &group,
            &configuration(ONE),
            limits,
            &ledger,
            &host("b"),
            id("d-BBBBBBBBB"),
        )
    };
    let spec = launch(OutdatedInstancesStrategy::Update).unwrap();
    assert_eq!(
        (spec.creator, &spec.revision),
        (Creator::Autoscaling, &revision("1"))
    );
    assert_eq!(targets(&spec), ["b"]);
    assert_eq!(
        spec.options.file_exists_behavior,
        FileExistsBehavior::Retain
    );
    assert_eq!(launch(OutdatedInstancesStrategy::Ignore), None);
}

/// However a launch ends, its host is known afterwards, and is not launched again.
#[test]
fn a_launch_that_failed_or_never_began_is_not_repeated() {
    let gone = Input::Missing(ErrorInformation {
        code: ErrorCode::RevisionMissing,
        message: "it was deleted".to_owned(),
    });
    let all = hosts(["a", "b"]);
    for input in [None, Some(gone)] {
        let mut ledger = Ledger::default();
        run(
            &mut ledger,
            asked("d-AAAAAAAA1", Creator::User, "1", &["a"]),
            &[],
        );
        let former = ledger.last_attempted_deployment.clone();
        let mut world = World::new(asked("d-AAAAAAAA2", Creator::Autoscaling, "1", &["b"]));
        note(&mut ledger, LedgerEvent::opening(&world.deployment));
        match &input {
            Some(input) => drop(world.input(input)),
            None => world.run(&["b"]),
        }
        assert_eq!(world.deployment.status, DeploymentStatus::Failed);
        note(&mut ledger, LedgerEvent::closing(&world.deployment));
        assert!(
            members::newcomers(&all, &ledger, None).is_empty(),
            "{input:?}"
        );
        assert!(ledger.joining.is_empty());
        assert_eq!(ledger.last_attempted_deployment, former);
    }
}

#[test]
fn who_joined_with_the_former_revision_is_outdated_after_the_deployment_that_ran_meanwhile() {
    let mut ledger = Ledger::default();
    run(
        &mut ledger,
        asked("d-AAAAAAAA1", Creator::User, "1", &["a", "x"]),
        &[],
    );
    let mut root = World::new(asked("d-AAAAAAAA2", Creator::User, "2", &["a"]));
    note(&mut ledger, LedgerEvent::opening(&root.deployment));
    let launch = asked("d-AAAAAAAA3", Creator::Autoscaling, "1", &["b"]);
    run(&mut ledger, launch, &[]);
    root.run(&[]);
    note(&mut ledger, LedgerEvent::closing(&root.deployment));
    let all = hosts(["a", "b"]);
    let update = |world: &World, ledger: &Ledger, id_: &str| {
        members::update(&world.deployment, ledger, &all, id(id_))
    };
    let spec = update(&root, &ledger, "d-AAAAAAAA4").unwrap();
    assert_eq!(targets(&spec), ["b"]);
    assert_eq!(
        (spec.creator, &spec.revision),
        (Creator::CodeDeployAutoUpdate, &revision("2"))
    );
    let place = spec.updates.clone().unwrap();
    assert_eq!((place.root, place.round), (id("d-AAAAAAAA2"), 1));
    assert!(spec.takes_slot());

    // It is tried three times in a row, and then somebody has to look.
    let mut spec = Some(spec);
    let mut rounds = 0;
    while let Some(next) = spec.take() {
        rounds += 1;
        let mut world = World::new(next);
        note(&mut ledger, LedgerEvent::opening(&world.deployment));
        // b stays as it is although the deployment as a whole succeeds.
        world.deployment.status = DeploymentStatus::Succeeded;
        let mut closing = LedgerEvent::closing(&world.deployment);
        if let LedgerEvent::Closed { outcomes, .. } = &mut closing {
            outcomes.push((name("b"), TargetStatus::Failed));
        }
        note(&mut ledger, closing);
        spec = update(&world, &ledger, &format!("d-BBBBBBBB{rounds}"));
    }
    assert_eq!(rounds, 3);
    let brought = asked("d-CCCCCCCC1", Creator::User, "2", &["a", "b"]);
    let world = run(&mut ledger, brought, &[]);
    assert_eq!(update(&world, &ledger, "d-CCCCCCCC2"), None);
}

/// §4.3, attempted only: where nothing was started there is nothing to roll back.
#[test]
fn a_rollback_of_what_was_attempted_goes_there_alone() {
    let mut ledger = Ledger::default();
    let all = hosts(["a", "b", "c"]);
    run(
        &mut ledger,
        asked("d-AAAAAAAA1", Creator::User, "1", &["a", "b", "c"]),
        &[],
    );
    let attempted = |text: &str| {
        let mut spec = asked(text, Creator::User, "2", &["a", "b", "c"]);
        spec.configuration = configuration(ONE);
        spec.options.rollback_targets = RollbackTargets::Attempted;
        World::new(spec)
    };
    let mut failed = attempted("d-AAAAAAAA2");
    failed.run(&["b"]);
    let started: Vec<String> = failed
        .deployment
        .targets
        .iter()
        .filter(|target| target.attempt > 0)
        .map(|target| target.name.to_string())
        .collect();
    let spec = rollback::spec(&failed.deployment, &ledger, &all, id("d-BBBBBBBBB")).unwrap();
    assert_eq!(targets(&spec), started);

    let mut stopped = attempted("d-AAAAAAAA3");
    stopped.stop();
    assert_eq!(stopped.deployment.status, DeploymentStatus::Stopped);
    let nothing = rollback::spec(&stopped.deployment, &ledger, &all, id("d-BBBBBBBBB"));
    assert!(nothing.unwrap_err().contains("started on no instance"));
}

/// Another orchestrator whose clock is behind waits no longer than a host may take from now on.
#[test]
fn a_clock_that_is_behind_after_a_restart_moves_no_deadline_out() {
    let mut world = World::new(asked("d-AAAAAAAA1", Creator::User, "1", &["a"]));
    world.admit();
    let ahead = world.deployment.target(&name("a")).unwrap().due.unwrap();
    let limits = Limits::default();
    let behind = Timestamp(world.now.0 - 86_400_000);
    world.deployment.evolve(&Record {
        seq: world.deployment.seq + 1,
        at: behind,
        event: Event::Recovered,
    });
    let due = world.deployment.target(&name("a")).unwrap().due.unwrap();
    assert!(due < ahead && due <= behind + limits.event(), "{due:?}");
    assert_eq!(world.deployment.due, Some(behind + limits.deployment()));
}

/// Nor does it watch a zone for longer, or take time from one that is paused.
#[test]
fn a_clock_that_is_behind_after_a_restart_moves_nothing_of_the_whole_out() {
    let mut asked = zonal(&["a", "b"], "count-0", None, (600, 600));
    asked.limits.deployment_seconds = 7200;
    let recovered = |world: &mut World| {
        world.now = Timestamp(world.now.0 - 86_400_000);
        let at = world.now;
        world.deployment.evolve(&Record {
            seq: world.deployment.seq + 1,
            at,
            event: Event::Recovered,
        });
        at
    };
    let mut world = World::new(asked.clone());
    world.admit();
    world.finish("host-1", true);
    assert!(world.deployment.monitor_ends().is_some());
    let at = recovered(&mut world);
    assert_eq!(
        world.deployment.monitor_ends(),
        Some(at + Duration::from_mins(10))
    );

    let mut world = World::new(asked);
    world.admit();
    world.command(What::Pause);
    let at = recovered(&mut world);
    let pause = Duration::from_hours(1);
    world.deployment.evolve(&Record {
        seq: world.deployment.seq + 1,
        at: at + pause,
        event: Event::Resumed {
            by: "ana".to_owned(),
            why: None,
        },
    });
    let whole = Duration::from_hours(2);
    assert_eq!(world.deployment.due, Some(at + whole + pause));
}
