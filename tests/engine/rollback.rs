//! operations.md §2 and §4: when a rollback is made, and of what.

use cutover::engine::input::{Report, What};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::spec::RollbackTargets;
use cutover::engine::{Ledger, members, plan, rollback};
use cutover::model::deployment::{Creator, DeploymentStatus, ErrorCode};
use cutover::model::group::{AutoRollbackConfiguration, AutoRollbackEvent};
use cutover::model::host::Host;
use cutover::model::lifecycle::LifecycleEvent;
use cutover::model::timestamp::Timestamp;

use crate::world::{World, configuration, id, name, revision, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";

fn with(events: &[AutoRollbackEvent]) -> World {
    let mut asked = spec(2, 0, ONE);
    asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: events.to_vec(),
    });
    World::new(asked)
}

pub fn hosts() -> Vec<Host> {
    ["host-1", "host-2", "host-3"]
        .map(|host| Host {
            name: name(host),
            address: "http://127.0.0.1:1".to_owned(),
            tags: std::collections::BTreeMap::default(),
            zone: None,
            endpoints: std::collections::BTreeMap::default(),
            provisioned: None,
            instance: None,
        })
        .to_vec()
}

#[test]
fn a_failure_rolls_back_only_if_the_configuration_says_so() {
    let mut world = with(&[AutoRollbackEvent::DeploymentFailure]);
    world.run(&["host-1"]);
    assert!(rollback::wanted(&world.deployment));

    let mut world = with(&[AutoRollbackEvent::DeploymentStopOnRequest]);
    world.run(&["host-1"]);
    assert!(!rollback::wanted(&world.deployment));

    let mut world = with(&[AutoRollbackEvent::DeploymentFailure]);
    world.run(&[]);
    assert!(!rollback::wanted(&world.deployment));
}

#[test]
fn the_wish_of_a_stop_beats_the_configuration() {
    for (configured, asked, expected) in [
        (true, None, true),
        (false, None, false),
        (true, Some(false), false),
        (false, Some(true), true),
    ] {
        let events: &[AutoRollbackEvent] = if configured {
            &[AutoRollbackEvent::DeploymentStopOnRequest]
        } else {
            &[AutoRollbackEvent::DeploymentFailure]
        };
        let mut world = with(events);
        world.admit();
        world.input(&cutover::engine::Input::Command(
            cutover::engine::input::Command::new(
                What::Stop {
                    auto_rollback: asked,
                },
                "ana",
            ),
        ));
        world.report("host-1", Report::Ended);
        assert_eq!(
            rollback::wanted(&world.deployment),
            expected,
            "{configured} {asked:?}"
        );
    }
}

/// Whoever asks for a rollback while the last event of the last instance runs gets one also if that event fails: the
/// deployment is Failed then, not Stopped.
#[test]
fn the_wish_of_a_stop_counts_also_where_the_deployment_fails_after_it() {
    for (configured, asked, expected) in [
        (false, Some(true), true),
        (false, None, false),
        (true, Some(false), false),
        (true, None, true),
    ] {
        let events: &[AutoRollbackEvent] = if configured {
            &[AutoRollbackEvent::DeploymentFailure]
        } else {
            &[AutoRollbackEvent::DeploymentStopOnRequest]
        };
        let mut alone = with(events).deployment.spec.as_ref().clone();
        alone.targets.truncate(1);
        let mut world = World::new(alone);
        world.admit();
        for event in LifecycleEvent::IN_PLACE.into_iter().take(6) {
            world.event("host-1", event, true);
        }
        world.command(What::Stop {
            auto_rollback: asked,
        });
        world.event("host-1", LifecycleEvent::ValidateService, false);
        world.report("host-1", Report::Ended);
        assert_eq!(world.deployment.status, DeploymentStatus::Failed);
        assert_eq!(
            rollback::wanted(&world.deployment),
            expected,
            "{configured} {asked:?}"
        );
    }
}

/// A minimum that was made for the whole group leaves nothing to deploy to among the few that were attempted.
#[test]
fn a_rollback_of_what_was_attempted_can_start_whatever_the_minimum() {
    let mut asked = spec(10, 0, "count-8");
    asked.options.rollback_targets = RollbackTargets::Attempted;
    let mut world = World::new(asked);
    world.run(&["host-1", "host-2"]);
    assert_eq!(world.deployment.status, DeploymentStatus::Failed);
    let ledger = Ledger {
        target_revision: Some(revision("1")),
        ..Ledger::default()
    };
    let spec = rollback::spec(&world.deployment, &ledger, &hosts(), id("d-BBBBBBBBB")).unwrap();
    assert!(spec.targets.len() < 8, "{:?}", spec.targets);
    let impossible = plan(&spec).impossible.unwrap();
    assert_eq!(impossible.code, ErrorCode::HealthConstraintsInvalid);
    let one = configuration(ONE);
    let spec = members::for_few(spec, Some(&one));
    assert_eq!(spec.configuration, one);
    assert_eq!(plan(&spec).impossible, None);

    // Where the minimum can be kept, it is.
    let mut all = spec.clone();
    all.configuration = configuration("count-1");
    assert_eq!(members::for_few(all.clone(), Some(&one)), all);
}

#[test]
fn a_rollback_is_never_rolled_back() {
    let mut asked = spec(1, 0, ONE);
    asked.creator = Creator::CodeDeployRollback;
    asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: vec![AutoRollbackEvent::DeploymentFailure],
    });
    let mut world = World::new(asked);
    world.run(&["host-1"]);
    assert!(!rollback::wanted(&world.deployment));
}

#[test]
fn a_rollback_deploys_the_last_good_revision_to_all_members() {
    let mut world = with(&[AutoRollbackEvent::DeploymentFailure]);
    world.run(&["host-1"]);
    let nothing = rollback::spec(
        &world.deployment,
        &Ledger::default(),
        &hosts(),
        id("d-BBBBBBBBB"),
    );
    assert!(nothing.unwrap_err().contains("no revision to go back to"));

    let mut ledger = Ledger::default();
    ledger.evolve(&LedgerRecord {
        seq: 1,
        at: Timestamp(1),
        event: LedgerEvent::Closed {
            deployment: id("d-CCCCCCCCC"),
            status: DeploymentStatus::Succeeded,
            began: true,
            create_time: Timestamp(1),
            revision: Some(revision("1")),
            outcomes: vec![],
            excluded: vec![],
            file_exists_behavior: cutover::model::deployment::FileExistsBehavior::default(),
            serving: None,
            task_sets: None,
        },
    });
    let spec = rollback::spec(&world.deployment, &ledger, &hosts(), id("d-BBBBBBBBB")).unwrap();
    assert_eq!(spec.revision, revision("1"));
    assert_eq!(spec.targets.len(), 3);
    assert_eq!(spec.creator, Creator::CodeDeployRollback);
    assert_eq!(spec.rolls_back, Some(id("d-AAAAAAAAA")));
}
