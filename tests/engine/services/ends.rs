//! Stops, ways back, and the end of a task set.

use cutover::engine::event::Event;
use cutover::engine::input::{Report, Told, What};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::plan::Before;
use cutover::engine::{Input, Ledger, rollback};
use cutover::model::deployment::DeploymentStatus::{Failed, InProgress, Stopped, Succeeded};
use cutover::model::deployment::ErrorCode;
use cutover::model::freeze::{Freeze, Scope};
use cutover::model::group::{AutoRollbackConfiguration, AutoRollbackEvent};
use cutover::model::lifecycle::LifecycleEvent as E;

use super::{
    AT_ONCE, HOOKS, S, back, broken, deletes, next, recovers, service, started, step, to_the_end,
    upto, upto_wait, whole,
};
use crate::blue_green::{elapse, labels, refused};
use crate::functions::{error, in_effect, share};
use crate::world::World;

fn stop(auto_rollback: Option<bool>) -> What {
    What::Stop { auto_rollback }
}

/// The group's memory after a deployment that is over.
pub fn remembered(world: &World) -> Ledger {
    let opened = LedgerEvent::opening(&world.deployment);
    let closed = LedgerEvent::closing(&world.deployment);
    let records = [opened, closed].into_iter().zip(1..);
    let records: Vec<LedgerRecord> = records
        .map(|(event, seq)| LedgerRecord {
            seq,
            at: world.now,
            event,
        })
        .collect();
    Ledger::fold(&records)
}

#[test]
fn a_stop_lets_the_event_finish_and_nothing_else_begin() {
    for event in E::ECS {
        for rolls_back in [None, Some(true)] {
            let mut world = started(whole());
            upto(&mut world, event);
            let at = world.now;
            world.report(S, Report::EventStarted { event, at });
            let before = share(&world);
            world.command(stop(rolls_back));
            assert_eq!(world.deployment.status, InProgress, "{event}");
            recovers(&world);
            world.does(S, event);
            assert_eq!(world.deployment.status, Stopped, "{event}");
            assert_eq!(error(&world).0, ErrorCode::ManualStop);
            assert_eq!(share(&world), before);
            assert_eq!(rollback::wanted(&world.deployment), rolls_back.is_some());
            assert_eq!(back(&world).is_ok(), event > E::BeforeInstall, "{event}");
        }
    }
}

#[test]
fn a_stop_between_events_ends_it_at_once() {
    let mut world = started(whole());
    upto_wait(&mut world, Before::Reroute);
    world.command(stop(None));
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(
        labels(&back(&world).unwrap()),
        ["test traffic", "reroute", "delete replacement"]
    );
    let mut world = started(whole());
    upto(&mut world, E::AllowTraffic);
    world.does(S, E::AllowTraffic);
    in_effect(&mut world, 10);
    world.command(stop(None));
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(share(&world), 10);
    let way = ["shift", "test traffic", "reroute", "delete replacement"];
    assert_eq!(labels(&back(&world).unwrap()), way);
}

#[test]
fn a_stop_while_the_original_is_kept_leaves_both_or_goes_back() {
    let mut world = started(whole());
    upto_wait(&mut world, Before::Termination);
    world.command(stop(Some(true)));
    assert_eq!(world.deployment.status, Stopped);
    assert_eq!(share(&world), 100);
    assert!(rollback::wanted(&world.deployment));
    let ledger = remembered(&world);
    assert!(rollback::reroutes(&world.deployment, &ledger, |_| false));
    let mut world = started(back(&world).unwrap());
    assert_eq!(share(&world), 0, "at once");
    to_the_end(&mut world);
    assert_eq!(world.deployment.status, Succeeded);
    let Some(Event::Terminated { targets, trouble }) = world.journal.iter().find_map(|record| {
        matches!(record.event, Event::Terminated { .. }).then(|| record.event.clone())
    }) else {
        panic!("the replacement is deleted");
    };
    assert_eq!((targets.len(), trouble), (0, None));
}

#[test]
fn a_stop_before_the_end_of_the_original_does_not_let_it_begin() {
    let mut world = started(service(AT_ONCE, &HOOKS));
    upto(&mut world, E::AfterAllowTraffic);
    let at = world.now;
    let event = E::AfterAllowTraffic;
    world.report(S, Report::EventStarted { event, at });
    world.command(stop(None));
    world.does(S, event);
    assert_eq!(world.deployment.status, Stopped);
    assert!(!deletes(&world));
    assert!(back(&world).is_ok());
}

#[test]
fn what_is_being_deleted_can_not_be_taken_back() {
    let mut world = started(service(AT_ONCE, &[]));
    while !deletes(&world) {
        step(&mut world);
    }
    let why = refused(&world, stop(Some(true)));
    assert!(why.contains("is terminating the original"), "{why}");
    let why = rollback::way_back(&world.deployment).unwrap_err();
    assert!(why.contains("deploy the former revision again"), "{why}");
    to_the_end(&mut world);
    assert_eq!(world.deployment.status, Succeeded);
    let ledger = remembered(&world);
    assert!(!rollback::reroutes(&world.deployment, &ledger, |_| true));
    assert!(back(&world).is_err());
    // The former revision is deployed as any other.
    let former = rollback::revision(&world.deployment, &ledger);
    assert_eq!(former, world.deployment.spec.previous_revision);
}

#[test]
fn on_the_way_back_it_is_the_replacement_that_goes() {
    let mut world = started(whole());
    upto(&mut world, E::AfterInstall);
    world.fails(S, E::AfterInstall, broken());
    let mut world = started(back(&world).unwrap());
    while !deletes(&world) {
        step(&mut world);
    }
    let why = refused(&world, stop(None));
    assert!(why.contains("is terminating the replacement"), "{why}");
}

#[test]
fn an_alarm_that_comes_while_the_original_goes_has_nothing_to_go_back_to() {
    let mut asked = service(AT_ONCE, &[]);
    asked.group.auto_rollback_configuration = Some(AutoRollbackConfiguration {
        enabled: true,
        events: vec![AutoRollbackEvent::DeploymentStopOnAlarm],
    });
    let mut world = started(asked);
    while !deletes(&world) {
        step(&mut world);
    }
    world.input(&Input::Alarm {
        message: "errors is in ALARM".to_owned(),
    });
    assert_eq!(world.deployment.status, InProgress, "it is not called off");
    to_the_end(&mut world);
    assert_eq!(world.deployment.status, Stopped);
    assert!(rollback::wanted(&world.deployment));
    assert!(back(&world).unwrap_err().contains("is deleted"));
}

#[test]
fn a_task_set_that_does_not_go_is_told_of_and_spoils_nothing() {
    let mut world = started(service(AT_ONCE, &[]));
    while !deletes(&world) {
        step(&mut world);
    }
    let (_, until) = world.deployment.fleet_work().unwrap();
    elapse(&mut world, until.0 - 20);
    assert_eq!(world.deployment.status, InProgress);
    elapse(&mut world, until.0);
    assert_eq!(world.deployment.status, Succeeded);
    let trouble = world
        .deployment
        .terminated
        .as_ref()
        .unwrap()
        .trouble
        .as_ref();
    assert_eq!(
        trouble.unwrap(),
        "the original task set was not gone within 1h00m: look at the service for it"
    );
}

#[test]
fn whoever_pauses_it_keeps_the_original_too() {
    let mut world = started(service(AT_ONCE, &HOOKS));
    upto(&mut world, E::AfterAllowTraffic);
    world.command(What::Pause);
    world.does(S, E::AfterAllowTraffic);
    assert!(!deletes(&world), "that could not be taken back");
    assert_eq!(world.deployment.status, InProgress);
    recovers(&world);
    world.command(What::Resume);
    assert!(deletes(&world));
}

#[test]
fn a_freeze_keeps_the_task_set_from_being_made_and_the_original_from_going() {
    let freeze = |world: &World| Freeze {
        scope: Scope::default(),
        by: "ana".to_owned(),
        why: "Black Friday".to_owned(),
        at: world.now,
        until: world.now,
    };
    let mut world = started(service(AT_ONCE, &HOOKS));
    upto(&mut world, E::BeforeInstall);
    let frozen = Input::Freeze(Some(freeze(&world)));
    world.input(&frozen);
    world.does(S, E::BeforeInstall);
    assert!(world.running().is_empty());
    world.input(&Input::Freeze(None));
    assert_eq!(next(&world), Some(E::Install));
    upto(&mut world, E::AfterAllowTraffic);
    let frozen = Input::Freeze(Some(freeze(&world)));
    world.input(&frozen);
    world.does(S, E::AfterAllowTraffic);
    assert!(!deletes(&world));
    world.input(&Input::Freeze(None));
    assert!(deletes(&world));
}

#[test]
fn nobody_else_says_that_a_task_set_is_gone() {
    let mut world = started(service(AT_ONCE, &[]));
    let seq = world.deployment.seq;
    world.input(&Input::Fleet(Told::Terminated {
        targets: Vec::new(),
        trouble: None,
    }));
    assert_eq!(world.deployment.seq, seq);
}

#[test]
fn a_service_is_no_host_of_its_group() {
    let mut world = started(service(AT_ONCE, &[]));
    to_the_end(&mut world);
    let ledger = remembered(&world);
    assert!(ledger.hosts.is_empty());
    assert_eq!(
        ledger.target_revision.as_ref(),
        Some(&world.deployment.spec.revision)
    );
    let mut world = started(service(AT_ONCE, &[]));
    world.fails(S, E::Install, broken());
    assert_eq!(world.deployment.status, Failed);
    assert!(remembered(&world).hosts.is_empty());
}
