//! What a deployment waits with until other people have approved it.

use cutover::engine::event::Event;
use cutover::engine::input::{Command, Report, What};
use cutover::engine::ledger::{LedgerEvent, LedgerRecord};
use cutover::engine::pending::WorkId;
use cutover::engine::plan::{Before, Stage, plan};
use cutover::engine::{Input, Ledger, Spec, fold, foresee, outlook, pending, refusal, rollback};
use cutover::model::approval::Step::{self, Reroute, Start};
use cutover::model::deployment::DeploymentStatus::{
    Created, InProgress, Ready, Stopped, Succeeded,
};
use cutover::model::freeze::{Freeze, Scope};
use cutover::model::lifecycle::LifecycleEvent as E;
use cutover::model::timestamp::Timestamp;

use crate::blue_green::{ALL, MINUTE, REROUTE, all, labels, sides, started};
use crate::world::{World, id, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";
const APPROVE: What = What::Approve { step: None };

/// It was created by `ana`.
fn demanding(mut spec: Spec, demanded: &[(Step, u32)]) -> Spec {
    spec.approvals = demanded.iter().copied().collect();
    spec
}

/// One pair of instances, whose traffic waits for so many approvals.
fn rerouted(count: u32, ready: &str) -> World {
    let mut asked = demanding(sides(1, ALL), &[(Reroute, count)]);
    asked.group.blue_green_deployment_configuration = cutover::model::yaml::from_str(&format!(
        "deploymentReadyOption: {ready}\n\
         terminateBlueInstancesOnDeploymentSuccess: {{action: KEEP_ALIVE}}\n"
    ))
    .unwrap();
    let mut world = started(asked);
    all(&mut world, &E::REPLACEMENT);
    world
}

const STOPS: &str = "{actionOnTimeout: STOP_DEPLOYMENT, waitTimeInMinutes: 10}";
const CONTINUES: &str = "{actionOnTimeout: CONTINUE_DEPLOYMENT}";

fn refused(world: &World, what: What, by: &str) -> String {
    let refusal = refusal(&world.deployment, &Command::new(what, by));
    refusal.unwrap().to_string()
}

fn approve(world: &mut World, by: &str) -> Vec<Event> {
    world.input(&Input::Command(Command::new(APPROVE, by)))
}

fn line(world: &World) -> String {
    outlook(&world.deployment, world.now).to_string()
}

fn folds(world: &World) {
    assert_eq!(fold(&world.journal), Some(world.deployment.clone()));
}

#[test]
fn it_begins_when_as_many_others_have_approved_as_were_demanded() {
    let mut world = World::new(demanding(spec(3, 0, ONE), &[(Start, 2)]));
    assert!(pending(&world.deployment).is_empty(), "nobody may admit it");
    assert_eq!(world.input(&Input::Admitted), []);
    assert_eq!(
        line(&world),
        "waits for approval: 0 of 2, by somebody other than ana; then host-1"
    );
    let told = refused(&world, APPROVE, "ana");
    assert!(
        told.contains("ana created it, and a second person has to approve it"),
        "{told}"
    );

    assert_eq!(approve(&mut world, "ben").len(), 1);
    assert_eq!(world.input(&Input::Admitted), []);
    assert!(line(&world).contains("1 of 2 (ben approved)"));
    let told = refused(&world, APPROVE, "ben");
    assert!(told.contains("ben has approved it already"), "{told}");
    let other = What::Approve {
        step: Some(Reroute),
    };
    let told = refused(&world, other, "cleo");
    assert!(told.contains("it is the start that waits"), "{told}");
    assert_eq!(world.deployment.status, Created);

    approve(&mut world, "cleo");
    let due: Vec<WorkId> = pending(&world.deployment).into_keys().collect();
    assert_eq!(due, [WorkId::Admit(world.deployment.id().clone())]);
    let told = refused(&world, APPROVE, "dora");
    assert!(
        told.contains("nothing in it waits for an approval"),
        "{told}"
    );
    world.admit();
    assert_eq!(world.running(), ["host-1"]);
    folds(&world);
}

#[test]
fn it_can_be_stopped_paused_and_frozen_while_it_waits() {
    let mut world = World::new(demanding(spec(3, 0, ONE), &[(Start, 1)]));
    world.command(What::Pause);
    approve(&mut world, "ben");
    world.admit();
    assert!(world.running().is_empty(), "an approval ends no pause");
    world.command(What::Resume);
    assert_eq!(world.running(), ["host-1"]);

    let mut world = World::new(demanding(spec(3, 0, ONE), &[(Start, 1)]));
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
    assert!(refused(&world, APPROVE, "ben").contains("has already ended"));
    folds(&world);
}

/// A ledger after what a deployment leaves.
fn closed(ledger: &mut Ledger, world: &World) {
    for event in [
        LedgerEvent::opening(&world.deployment),
        LedgerEvent::closing(&world.deployment),
    ] {
        let (seq, at) = (ledger.seq + 1, world.now);
        ledger.evolve(&LedgerRecord { seq, at, event });
    }
}

#[test]
fn what_never_began_leaves_nothing_that_rollbacks_go_by() {
    let mut live = rerouted(1, CONTINUES);
    approve(&mut live, "ben");
    all(&mut live, &E::ALLOW);
    all(&mut live, &E::BLOCK);
    assert_eq!(live.deployment.status, Succeeded);
    let mut ledger = Ledger::default();
    closed(&mut ledger, &live);
    let back = |ledger: &Ledger| rollback::reroutes(&live.deployment, ledger, |_| true);
    assert!(back(&ledger));

    let second = |began: bool| {
        let mut asked = demanding(sides(1, ALL), &[(Start, 1)]);
        asked.deployment_id = id("d-BBBBBBBBB");
        let mut world = World::new(asked);
        if began {
            approve(&mut world, "ben");
            world.admit();
            world.report("host-2", Report::Ended);
        }
        world.stop();
        assert_eq!(world.deployment.start_time.is_some(), began);
        world
    };
    let mut waiting = ledger.clone();
    let event = LedgerEvent::opening(&second(false).deployment);
    let (seq, at) = (ledger.seq + 1, Timestamp(1));
    waiting.evolve(&LedgerRecord { seq, at, event });
    assert!(!back(&waiting), "the group's slot is taken");

    let unapproved = second(false);
    assert_eq!(unapproved.deployment.status, Stopped);
    closed(&mut ledger, &unapproved);
    let last = ledger.last_attempted_deployment.as_ref().unwrap();
    assert_eq!(last.deployment_id, id("d-BBBBBBBBB"), "it is told of");
    assert!(back(&ledger), "and nothing else follows from it");
    closed(&mut ledger, &second(true));
    assert!(!back(&ledger), "something was installed since");

    // What was written before it was said whether a deployment had begun is of one that had.
    let closing = LedgerEvent::closing(&live.deployment);
    let written = serde_json::to_value(&closing).unwrap();
    assert!(written.get("began").is_none(), "{written}");
    assert_eq!(
        serde_json::from_value::<LedgerEvent>(written).unwrap(),
        closing
    );
}

/// What somebody of this Unix user is told who approves.
fn told(world: &World, by: &str, uid: Option<u32>) -> Option<String> {
    let command = Command {
        uid,
        ..Command::new(APPROVE, by)
    };
    refusal(&world.deployment, &command).map(|refusal| refusal.to_string())
}

#[test]
fn two_names_of_one_user_are_one_person() {
    let mut asked = demanding(spec(3, 0, ONE), &[(Start, 2)]);
    asked.uid = Some(1000);
    let mut world = World::new(asked);
    let own = told(&world, "ana-admin", Some(1000)).unwrap();
    assert!(
        own.starts_with("ana-admin, who is the same Unix user as ana, created it"),
        "{own}"
    );
    assert!(told(&world, "ana", Some(1001)).is_some(), "nor one name");
    assert!(
        told(&world, "ana", None).is_some(),
        "nor what was written before users were"
    );
    world.input(&Input::Command(Command {
        uid: Some(1002),
        ..Command::new(APPROVE, "ben")
    }));
    let again = told(&world, "benjamin", Some(1002)).unwrap();
    assert!(
        again.starts_with(
            "benjamin, who is the same Unix user as ben, has approved it already: 1 of 2"
        ),
        "{again}"
    );
    assert_eq!(told(&world, "cleo", Some(1003)), None);
    folds(&world);
    // It is in the journal, and a journal of the time before is read as it is.
    let entry = serde_json::to_value(&world.journal.last().unwrap().event).unwrap();
    assert_eq!(entry["uid"], 1002);
    let before = serde_json::json!({ "type": "approved", "step": "start", "by": "ben" });
    let read: Event = serde_json::from_value(before.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), before);
    // No client can say which user it is of.
    let forged = serde_json::json!({ "what": "approve", "by": "cleo", "uid": 1000 });
    let read: Command = serde_json::from_value(forged).unwrap();
    assert_eq!(read.uid, None);
}

#[test]
fn an_old_picture_is_no_ground_for_an_approval() {
    let mut world = World::new(demanding(spec(3, 0, ONE), &[(Start, 2)]));
    let seen = Some(world.deployment.decided);
    approve(&mut world, "ben");
    let command = Command {
        seen,
        ..Command::new(APPROVE, "cleo")
    };
    let told = refusal(&world.deployment, &command).unwrap().to_string();
    assert!(told.contains("has changed since you looked"), "{told}");
}

#[test]
fn traffic_moves_at_once_when_what_somebody_asked_for_is_approved() {
    let mut world = rerouted(2, STOPS);
    assert_eq!(world.deployment.status, Ready);
    assert!(
        line(&world).starts_with(
            "waiting for somebody to reroute and for approval: 0 of 2, by somebody other than ana, "
        ),
        "{}",
        line(&world)
    );
    let foreseen = foresee(
        &world.deployment,
        &Command::new(REROUTE, "ana"),
        world.now,
        None,
    );
    assert!(
        foreseen
            .unwrap()
            .at_once()
            .contains("as soon as it is approved (2 approvals missing)")
    );
    world.command(REROUTE);
    assert!(world.running().is_empty());
    assert_eq!(world.deployment.status, Ready);
    assert!(
        line(&world).starts_with("waits for approval of the reroute: 0 of 2"),
        "{}",
        line(&world)
    );
    assert!(refused(&world, REROUTE, "ben").contains("ana has asked for it"));
    approve(&mut world, "ben");
    assert!(world.running().is_empty());
    approve(&mut world, "cleo");
    assert_eq!(world.running(), ["host-2"]);
    assert_eq!(world.deployment.status, InProgress);
    folds(&world);
}

#[test]
fn an_approval_that_comes_first_waits_for_the_word() {
    let mut world = rerouted(1, STOPS);
    approve(&mut world, "ben");
    assert!(world.running().is_empty());
    assert_eq!(world.deployment.status, Ready);
    world.command(REROUTE);
    assert_eq!(world.running(), ["host-2"]);
}

#[test]
fn a_pause_holds_what_was_asked_for_and_approved() {
    let mut world = rerouted(1, STOPS);
    world.command(REROUTE);
    world.command(What::Pause);
    approve(&mut world, "ben");
    assert!(world.running().is_empty());
    world.command(What::Resume);
    assert_eq!(world.running(), ["host-2"]);
}

fn freeze(world: &mut World, freezes: bool) {
    let freeze = freezes.then(|| Freeze {
        scope: Scope::default(),
        by: "ana".to_owned(),
        why: "Black Friday".to_owned(),
        at: world.now,
        until: Timestamp(world.now.0 + 60 * MINUTE),
    });
    world.input(&Input::Freeze(freeze));
}

fn foreseen(world: &World, what: What, by: &str) -> String {
    let command = Command::new(what, by);
    let foreseen = foresee(&world.deployment, &command, world.now, None);
    foreseen.unwrap().to_string()
}

#[test]
fn an_approval_that_is_alone_waited_for_ends_no_pause_and_no_freeze() {
    for freezes in [false, true] {
        let mut world = rerouted(1, CONTINUES);
        let until = if freezes {
            freeze(&mut world, true);
            "thawed"
        } else {
            world.command(What::Pause);
            "resumed"
        };
        assert!(
            line(&world).ends_with(&format!(
                "nothing until {until} and approved: 0 of 1, by somebody other than ana"
            )),
            "{}",
            line(&world)
        );
        let told = foreseen(&world, APPROVE, "ben");
        assert!(
            told.starts_with(&format!(
                "approve now: traffic moves as soon as it is {until}; "
            )),
            "{told}"
        );
        approve(&mut world, "ben");
        assert_eq!(world.deployment.current_stage(), Some(&Stage::Approval));
        assert!(
            line(&world).ends_with(&format!("nothing until {until}")),
            "{}",
            line(&world)
        );
        if freezes {
            freeze(&mut world, false);
        } else {
            world.command(What::Resume);
        }
        assert_eq!(world.running(), ["host-2"]);
        folds(&world);
    }
}

#[test]
fn who_reroutes_is_told_what_it_waits_for_instead() {
    let mut world = rerouted(1, CONTINUES);
    let told = refused(&world, REROUTE, "ana");
    assert_eq!(
        told,
        "nobody has to reroute it: it goes on by itself as soon as it is approved: 0 of 1, by somebody other than ana"
    );
    world.command(What::Pause);
    approve(&mut world, "ben");
    let told = refused(&world, REROUTE, "ana");
    assert!(told.ends_with("as soon as it is resumed"), "{told}");

    let mut world = rerouted(1, STOPS);
    world.command(REROUTE);
    let told = refused(&world, REROUTE, "ben");
    assert_eq!(
        told,
        "ana has asked for it: it goes on as soon as it is approved: 0 of 1, by somebody other than ana"
    );
    world.command(What::Pause);
    let told = refused(&world, REROUTE, "ben");
    assert!(told.contains("resumed, and approved: 0 of 1"), "{told}");
    approve(&mut world, "ben");
    let told = refused(&world, REROUTE, "ben");
    assert!(told.ends_with("as soon as it is resumed"), "{told}");
    let end = What::Continue {
        before: Before::Termination,
    };
    let told = refused(&world, end, "ben");
    assert_eq!(told, "it does not wait to terminate the original");
}

#[test]
fn what_is_said_while_it_is_paused_or_frozen_is_true() {
    let mut world = World::new(demanding(spec(3, 0, ONE), &[(Start, 2)]));
    world.command(What::Pause);
    assert!(
        line(&world).ends_with(
            "it has not begun, and nothing starts until resumed and approved: 0 of 2, by somebody other than ana"
        ),
        "{}",
        line(&world)
    );
    let told = foreseen(&world, What::Resume, "ana");
    assert!(
        told.contains("nothing starts until it is approved (2 approvals missing)"),
        "{told}"
    );
    let told = foreseen(&world, APPROVE, "ben");
    assert!(
        told.contains("1 approval more needed")
            && told.contains("somebody to resume it and approval of the start (1 of 2)"),
        "{told}"
    );
    approve(&mut world, "ben");
    let told = foreseen(&world, APPROVE, "cleo");
    assert!(
        told.contains("it starts once it is resumed and it is its turn"),
        "{told}"
    );
    freeze(&mut world, true);
    let told = foreseen(&world, APPROVE, "cleo");
    assert!(told.contains("once it is resumed and thawed"), "{told}");
    let told = foreseen(&world, What::Resume, "cleo");
    assert!(
        told.contains("nothing starts until it is thawed and approved (1 approval missing)"),
        "{told}"
    );

    let mut world = rerouted(1, STOPS);
    world.command(What::Pause);
    let told = foreseen(&world, APPROVE, "ben");
    assert!(
        told.contains("traffic moves once it is resumed and somebody reroutes it"),
        "{told}"
    );
}

#[test]
fn the_ready_wait_ends_as_configured_also_when_only_the_approval_is_missing() {
    for asked in [false, true] {
        let mut world = rerouted(1, STOPS);
        if asked {
            world.command(REROUTE);
        }
        assert!(line(&world).contains("at zero it ends, Stopped"));
        world.now = Timestamp(world.now.0 + 10 * MINUTE);
        world.input(&Input::TimerElapsed);
        assert_eq!(world.deployment.status, Stopped);
        let message = world.deployment.error.unwrap().message;
        assert_eq!(message.contains("1 approval missing"), asked, "{message}");
    }
}

#[test]
fn without_a_ready_wait_traffic_waits_for_approvals_alone_and_for_as_long_as_they_take() {
    let mut world = rerouted(1, CONTINUES);
    assert_eq!(
        world.deployment.current_stage(),
        Some(&Stage::Approval),
        "{:?}",
        labels(&world.deployment.spec)
    );
    assert_eq!(world.deployment.status, Ready);
    assert!(world.in_flight.is_empty(), "the time does not run");
    assert!(
        line(&world).ends_with(
            "by somebody other than ana; then reroute (1 instance), beginning with host-2"
        ),
        "{}",
        line(&world)
    );
    let due = world.deployment.due.unwrap();
    world.now = Timestamp(world.now.0 + 100 * 24 * 60 * MINUTE);
    assert_eq!(world.input(&Input::TimerElapsed), []);
    // A pause that ends meanwhile lets the time run no more than before.
    world.command(What::Pause);
    world.command(What::Resume);
    assert!(world.in_flight.is_empty());
    approve(&mut world, "ben");
    assert_eq!(world.running(), ["host-2"]);
    assert!(world.deployment.due.unwrap() > Timestamp(due.0 + 99 * 24 * 60 * MINUTE));
    folds(&world);

    let mut world = rerouted(1, CONTINUES);
    world.stop();
    assert_eq!(world.deployment.status, Stopped);
}

#[test]
fn a_demand_before_the_reroute_asks_nothing_of_a_deployment_in_place() {
    let asked = demanding(spec(3, 0, ONE), &[(Reroute, 1)]);
    assert_eq!(plan(&asked).stages.len(), 1);
    let mut world = started(asked);
    assert_eq!(world.running(), ["host-1"]);
    assert_eq!(world.deployment.awaits_approval(), None);
    assert!(!line(&world).contains("approval"), "{}", line(&world));
    assert_eq!(world.deployment.wait_ends(), None::<(Before, Timestamp)>);
    world.stop();
}

#[test]
fn an_approval_of_the_reroute_is_too_early_before_the_replacement_is_ready() {
    let world = started(demanding(sides(1, ALL), &[(Reroute, 1)]));
    let told = refused(&world, APPROVE, "ben");
    assert!(
        told.contains("the reroute needs 1 approval once the replacement is ready"),
        "{told}"
    );
}
