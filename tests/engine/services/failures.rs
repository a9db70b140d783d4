//! What fails, what that leaves behind, and who is late.

use cutover::engine::input::{Report, What};
use cutover::engine::pending::WorkId;
use cutover::engine::spec::OnFailure;
use cutover::engine::{Input, pending, rollback};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
use cutover::model::deployment::{ErrorCode, TargetStatus};
use cutover::model::diagnostics::Diagnostics;
use cutover::model::group::{AutoRollbackConfiguration, AutoRollbackEvent};
use cutover::model::lifecycle::{EventStatus, LifecycleEvent as E};
use cutover::model::timestamp::Timestamp;

use super::{
    AT_ONCE, CANARY, HOOKS, S, back, broken, deletes, events, next, recovers, service, started,
    tested, to_the_end, upto, waiting, whole,
};
use crate::blue_green::MINUTE;
use crate::functions::{error, in_effect, share};
use crate::world::{World, name};

#[test]
fn a_hook_that_fails_ends_it_and_everything_stays_as_it_is() {
    for hook in HOOKS {
        let mut world = started(whole());
        upto(&mut world, hook);
        let before = share(&world);
        world.fails(S, hook, broken());
        assert_eq!(world.deployment.status, Failed, "{hook}");
        let (code, message) = error(&world);
        assert_eq!(code, ErrorCode::HookExecutionFailure, "{hook}");
        assert_eq!(message, "it reported Failed");
        assert_eq!(share(&world), before, "{hook}");
        assert!(!rollback::wanted(&world.deployment), "nobody asked for it");
        assert!(world.in_flight.is_empty());
        for (event, status) in events(&world) {
            let expected = match event.cmp(&hook) {
                std::cmp::Ordering::Less => EventStatus::Succeeded,
                std::cmp::Ordering::Equal => EventStatus::Failed,
                std::cmp::Ordering::Greater => EventStatus::Skipped,
            };
            assert_eq!(status, expected, "{event} after {hook}");
        }
    }
}

#[test]
fn where_a_rollback_is_configured_a_failed_hook_is_followed_by_one_but_for_the_first() {
    for hook in HOOKS {
        let mut asked = whole();
        asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
            enabled: true,
            events: vec![AutoRollbackEvent::DeploymentFailure],
        });
        let mut world = started(asked);
        upto(&mut world, hook);
        let before = share(&world);
        world.fails(S, hook, broken());
        assert!(rollback::wanted(&world.deployment));
        if hook == E::BeforeInstall {
            let why = back(&world).unwrap_err();
            assert!(why.contains("no traffic had moved"), "{why}");
            continue;
        }
        let mut world = started(back(&world).unwrap());
        let moved = before > 0;
        assert_eq!(world.deployment.split().is_some(), moved, "{hook}");
        if moved {
            assert_eq!(share(&world), 0, "at once");
            in_effect(&mut world, 0);
        }
        assert_eq!(next(&world), Some(E::AllowTestTraffic), "{hook}");
        world.does(S, E::AllowTestTraffic);
        assert!(!deletes(&world), "not before it is certain who serves");
        world.does(S, E::AllowTraffic);
        assert!(deletes(&world), "{hook}");
        assert_eq!(world.deployment.status, InProgress);
        to_the_end(&mut world);
        assert_eq!(world.deployment.status, Succeeded, "{hook}");
        assert_eq!(world.begun.len(), 2, "no hook is called");
    }
}

#[test]
fn a_way_back_that_fails_keeps_the_replacement_and_needs_a_person() {
    let mut world = started(service(AT_ONCE, &HOOKS));
    upto(&mut world, E::AfterAllowTraffic);
    world.fails(S, E::AfterAllowTraffic, broken());
    let mut world = started(back(&world).unwrap());
    in_effect(&mut world, 0);
    let why = Diagnostics::ending(
        ErrorCode::ElasticLoadBalancingInvalid,
        "shop leads to neither of the two target groups",
    );
    world.fails(S, E::AllowTraffic, why);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(error(&world).0, ErrorCode::ElasticLoadBalancingInvalid);
    assert!(!deletes(&world));
    assert!(!rollback::wanted(&world.deployment));
    assert!(back(&world).unwrap_err().contains("the way back itself"));
}

#[test]
fn a_service_that_is_not_as_it_should_be_ends_it_with_its_own_error() {
    let mut world = started(service(AT_ONCE, &[]));
    let why = Diagnostics::ending(ErrorCode::InvalidEcsService, "there is no service checkout");
    world.fails(S, E::Install, why);
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(error(&world).0, ErrorCode::InvalidEcsService);
}

/// The time of whoever acts for the service is over, at this time and not before it.
fn late(world: &mut World, minutes: i64) {
    let at = world.now.0 + minutes * MINUTE;
    let due = pending(&world.deployment)
        .into_keys()
        .find_map(|id| match id {
            WorkId::Deadline(_, at) => Some(at),
            _ => None,
        });
    assert_eq!(due, Some(Timestamp(at)));
    for (now, status) in [(at - 100, InProgress), (at, Failed)] {
        world.now = Timestamp(now - 10);
        world.input(&Input::DeadlinePassed {
            target: name(S),
            deregistered: true,
        });
        assert_eq!(world.deployment.status, status);
    }
}

fn begins(world: &mut World, event: E) {
    let at = world.now;
    world.report(S, Report::EventStarted { event, at });
}

#[test]
fn who_does_not_begin_or_does_not_end_in_time_is_named_with_the_error_that_fits() {
    use ErrorCode::{
        CustomerApplicationUnhealthy, EcsUpdateError, ElasticLoadBalancingInvalid,
        HookExecutionFailure,
    };
    for (event, code, waiting, limit, running) in [
        (
            E::BeforeInstall,
            HookExecutionFailure,
            "could not be called",
            60,
            "did not report how",
        ),
        (
            E::Install,
            EcsUpdateError,
            "does the service answer?",
            70,
            "was not steady within 1h10m",
        ),
        (
            E::AllowTestTraffic,
            ElasticLoadBalancingInvalid,
            "do they answer?",
            70,
            "did not end",
        ),
        (
            E::AllowTraffic,
            ElasticLoadBalancingInvalid,
            "do they answer?",
            70,
            "did not end",
        ),
    ] {
        let mut world = started(whole());
        upto(&mut world, event);
        late(&mut world, 5);
        let (found, message) = error(&world);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(waiting), "{message}");
        let mut world = started(whole());
        upto(&mut world, event);
        begins(&mut world, event);
        late(&mut world, limit);
        let (found, message) = error(&world);
        let expected = match event {
            E::Install => CustomerApplicationUnhealthy,
            _ => code,
        };
        assert_eq!(found, expected, "{message}");
        assert!(message.contains(running), "{message}");
        let target = world.deployment.target(&name(S)).unwrap();
        assert_eq!(target.status, TargetStatus::Failed);
        // Who reports after that reports to nobody.
        let seq = world.deployment.seq;
        world.does(S, event);
        assert_eq!(world.deployment.seq, seq);
    }
}

#[test]
fn what_is_asked_to_be_tried_again_is() {
    let mut asked = whole();
    asked.options.on_failure = OnFailure::Hold;
    let mut world = started(asked);
    upto(&mut world, E::Install);
    world.fails(
        S,
        E::Install,
        Diagnostics::ending(ErrorCode::EcsUpdateError, "not now"),
    );
    assert!(world.deployment.held.is_some());
    assert_eq!(world.deployment.status, InProgress);
    world.command(What::Retry { target: name(S) });
    assert_eq!(next(&world), Some(E::Install));
    recovers(&world);
    to_the_end(&mut world);
    assert_eq!(world.deployment.status, Succeeded);
    assert!(world.begun.values().all(|times| *times == 1));
    assert_eq!(world.begun.len(), 9, "one of eight was tried twice");
}

#[test]
fn what_was_to_be_tried_again_and_was_not_has_a_way_back_too() {
    let mut asked = whole();
    asked.options.on_failure = OnFailure::Hold;
    let mut world = started(asked);
    upto(&mut world, E::Install);
    world.fails(S, E::Install, broken());
    world.command(What::Retry { target: name(S) });
    world.stop();
    world.report(S, Report::Ended);
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(events(&world)[1], (E::Install, EventStatus::Skipped));
    assert!(back(&world).is_ok(), "the first attempt may have made one");
}

#[test]
fn an_alarm_stops_it_and_its_rollback_gives_the_original_everything() {
    let mut asked = waiting(service(CANARY, &[]));
    asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: vec![AutoRollbackEvent::DeploymentStopOnAlarm],
    });
    let mut world = started(asked);
    upto(&mut world, E::AllowTraffic);
    world.does(S, E::AllowTraffic);
    in_effect(&mut world, 10);
    world.input(&Input::Alarm {
        message: "errors is in ALARM".to_owned(),
    });
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(error(&world).0, ErrorCode::AlarmActive);
    assert_eq!(share(&world), 10);
    assert!(rollback::wanted(&world.deployment));
    let mut world = started(back(&world).unwrap());
    assert_eq!(share(&world), 0);
    to_the_end(&mut world);
    assert_eq!(world.deployment.status, Succeeded);
}

#[test]
fn a_failure_of_test_traffic_leaves_production_alone() {
    let mut world = started(tested(service(AT_ONCE, &HOOKS)));
    upto(&mut world, E::AllowTestTraffic);
    world.fails(S, E::AllowTestTraffic, Diagnostics::unknown("no listener"));
    assert_eq!(world.deployment.status, Failed);
    assert_eq!(share(&world), 0);
    let back = back(&world).unwrap();
    assert_eq!(
        crate::blue_green::labels(&back),
        ["test traffic", "reroute", "delete replacement"]
    );
}
