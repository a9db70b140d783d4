//! operations.md §6: alarms stop a deployment, and what follows.

use cutover::engine::input::{Report, What};
use cutover::engine::spec::{OnFailure, Options};
use cutover::engine::{Event, Input, Ledger, outlook, plan, refusal, rollback};
use cutover::model::deployment::{Creator, DeploymentStatus, ErrorCode, TargetStatus};
use cutover::model::group::{
    Alarm, AlarmConfiguration, AutoRollbackConfiguration, AutoRollbackEvent,
};
use cutover::model::lifecycle::LifecycleEvent;

use crate::world::{World, id, name, revision, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";
const SAYS: &str = "alarm active: errors: 0.2 is above 0.05";

fn alarm() -> Input {
    Input::Alarm {
        message: SAYS.to_owned(),
    }
}

/// A deployment to three hosts, one at a time, of a group that rolls back after these.
fn with(events: &[AutoRollbackEvent]) -> World {
    let mut asked = spec(3, 0, ONE);
    asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: events.to_vec(),
    });
    World::new(asked)
}

fn stopped(world: &World) {
    assert_eq!(world.deployment.status, DeploymentStatus::Stopped);
    let error = world.deployment.error.as_ref().unwrap();
    assert_eq!(
        (error.code, &*error.message),
        (ErrorCode::AlarmActive, SAYS)
    );
}

#[test]
fn what_runs_finishes_and_nothing_new_starts() {
    let mut world = with(&[]);
    world.admit();
    world.event("host-1", LifecycleEvent::ApplicationStop, true);
    let events = world.input(&alarm());
    assert_eq!(
        events,
        [Event::Alarmed {
            message: SAYS.to_owned()
        }]
    );
    assert!(world.deployment.is_ceasing());
    let told = outlook(&world.deployment, world.now).to_string();
    assert!(told.starts_with(&format!("{SAYS}: host-1 ")), "{told}");
    // Again, or another one: it is said once.
    assert_eq!(world.input(&alarm()), []);
    world.event("host-1", LifecycleEvent::DownloadBundle, true);
    world.report("host-1", Report::Ended);
    stopped(&world);
    let status = |host| world.deployment.target(&name(host)).unwrap().status;
    assert_eq!(status("host-1"), TargetStatus::Skipped);
    assert_eq!(status("host-2"), TargetStatus::Skipped);
    assert_eq!(world.begun.len(), 1, "{:?}", world.begun);
}

#[test]
fn one_that_has_not_begun_is_stopped_at_once_and_has_nothing_to_roll_back() {
    let mut world = with(&[AutoRollbackEvent::DeploymentStopOnAlarm]);
    world.input(&Input::Queued {
        message: "waiting for the first reading of errors".to_owned(),
    });
    world.input(&alarm());
    stopped(&world);
    assert!(world.begun.is_empty());
    let ledger = Ledger {
        target_revision: Some(revision("1")),
        ..Ledger::default()
    };
    let rollback = rollback::spec(&world.deployment, &ledger, &[], id("d-BBBBBBBBB"));
    let why = rollback.unwrap_err();
    assert_eq!(why, "it had not begun, so there is nothing to roll back");
}

/// CodeDeploy's rule: an alarm makes it Stopped, so that a group which lists failures alone does not roll back.
#[test]
fn it_is_rolled_back_if_the_configuration_says_so() {
    use AutoRollbackEvent::{DeploymentFailure, DeploymentStopOnAlarm, DeploymentStopOnRequest};
    for (events, expected) in [
        (&[DeploymentStopOnAlarm][..], true),
        (&[DeploymentFailure, DeploymentStopOnRequest], false),
    ] {
        let mut world = with(events);
        world.admit();
        world.input(&alarm());
        world.report("host-1", Report::Ended);
        stopped(&world);
        assert_eq!(rollback::wanted(&world.deployment), expected, "{events:?}");
    }
}

/// Whoever stops what an alarm stops already decides about the rollback, and about nothing else.
#[test]
fn an_operator_may_still_say_whether_it_is_rolled_back() {
    for wish in [true, false] {
        let events = [AutoRollbackEvent::DeploymentStopOnAlarm];
        let mut world = with(if wish { &[] } else { &events });
        world.admit();
        world.input(&alarm());
        let pause = cutover::engine::input::Command::new(What::Pause, "ana");
        let refused = refusal(&world.deployment, &pause).unwrap().to_string();
        assert_eq!(refused, format!("it is being stopped: {SAYS}"));
        world.command(What::Stop {
            auto_rollback: Some(wish),
        });
        world.report("host-1", Report::Ended);
        stopped(&world);
        assert_eq!(rollback::wanted(&world.deployment), wish);
    }
}

#[test]
fn who_stops_it_first_says_how_it_ends() {
    let mut world = with(&[AutoRollbackEvent::DeploymentStopOnAlarm]);
    world.admit();
    world.command(What::Stop {
        auto_rollback: None,
    });
    assert_eq!(world.input(&alarm()), []);
    world.report("host-1", Report::Ended);
    let error = world.deployment.error.as_ref().unwrap();
    assert_eq!(error.code, ErrorCode::ManualStop);
    assert!(!rollback::wanted(&world.deployment));
}

/// The last event of the last instance ends well after the alarm: that is no success.
#[test]
fn an_alarm_in_the_last_event_still_counts() {
    let mut alone = spec(1, 0, ONE);
    alone.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: vec![AutoRollbackEvent::DeploymentStopOnAlarm],
    });
    let mut world = World::new(alone);
    world.admit();
    for event in LifecycleEvent::IN_PLACE.into_iter().take(6) {
        world.event("host-1", event, true);
    }
    world.input(&alarm());
    world.event("host-1", LifecycleEvent::ValidateService, true);
    world.report("host-1", Report::Ended);
    stopped(&world);
    assert_eq!(world.deployment.overview.succeeded, 1);
    assert!(rollback::wanted(&world.deployment));
}

/// Somebody gave up while an instance was being tried again, and the alarm goes off because of what failed: the rollback that
/// the failure would have had still comes.
#[test]
fn what_was_failing_is_rolled_back_as_if_it_had_failed() {
    let mut asked = spec(3, 0, ONE);
    asked.options.on_failure = OnFailure::Hold;
    asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: vec![AutoRollbackEvent::DeploymentFailure],
    });
    let mut world = World::new(asked);
    world.admit();
    world.finish("host-1", false);
    let target = name("host-1");
    world.command(What::Retry { target });
    world.command(What::GiveUp);
    assert!(world.deployment.halted.is_some());
    world.input(&alarm());
    world.report("host-1", Report::Ended);
    stopped(&world);
    assert!(rollback::wanted(&world.deployment));
}

#[test]
fn the_override_replaces_the_groups_alarms_and_rollbacks_and_launches_have_none() {
    let configuration = |enabled, names: &[&str]| AlarmConfiguration {
        enabled,
        ignore_poll_alarm_failure: false,
        alarms: names
            .iter()
            .map(|name| Alarm {
                name: (*name).to_owned(),
            })
            .collect(),
    };
    let mut asked = spec(3, 0, ONE);
    assert_eq!(asked.alarms(), None);
    asked.group.alarm_configuration = Some(configuration(true, &["errors"]));
    assert_eq!(asked.alarms().unwrap().alarms[0].name, "errors");
    let instead = |with| Options {
        override_alarm_configuration: Some(Box::new(with)),
        ..Options::default()
    };
    let mut other = asked.clone();
    other.options = instead(configuration(true, &["latency"]));
    assert_eq!(other.alarms().unwrap().alarms[0].name, "latency");
    other.options = instead(configuration(false, &["latency"]));
    assert_eq!(other.alarms(), None);
    other = asked.clone();
    other.creator = Creator::Autoscaling;
    assert_eq!(other.alarms(), None);

    let mut world = World::new(asked);
    world.admit();
    world.input(&alarm());
    world.report("host-1", Report::Ended);
    let ledger = Ledger {
        target_revision: Some(revision("1")),
        ..Ledger::default()
    };
    let hosts = crate::rollback::hosts();
    let back = rollback::spec(&world.deployment, &ledger, &hosts, id("d-BBBBBBBBB")).unwrap();
    assert!(back.group.alarm_configuration.is_some());
    assert_eq!(back.alarms(), None);
    assert_eq!(plan(&back).impossible, None);
}
