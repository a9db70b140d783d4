//! What a freeze means to one deployment.

use cutover::engine::event::Event;
use cutover::engine::input::{Command, What};
use cutover::engine::plan::Before;
use cutover::engine::{Input, fold, outlook, refusal};
use cutover::model::deployment::DeploymentStatus;
use cutover::model::freeze::{Freeze, Scope};
use cutover::model::timestamp::Timestamp;

use crate::world::{World, name, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";

fn order(world: &mut World, on: bool) -> Vec<Event> {
    let freeze = Freeze {
        scope: Scope::default(),
        by: "ana".to_owned(),
        why: "Black Friday".to_owned(),
        at: Timestamp(1),
        until: Timestamp(100_000_000),
    };
    world.input(&Input::Freeze(on.then_some(freeze)))
}

fn started() -> World {
    let mut world = World::new(spec(3, 0, ONE));
    world.admit();
    world
}

#[test]
fn what_runs_finishes_and_nothing_starts_until_it_is_thawed() {
    let mut world = started();
    order(&mut world, true);
    // The same once more is no news.
    assert_eq!(order(&mut world, true), []);
    world.finish("host-1", true);
    assert!(world.running().is_empty());
    assert!(world.in_flight.is_empty(), "the time does not run");
    let line = outlook(&world.deployment, world.now).to_string();
    assert!(
        line.starts_with("frozen by ana for another ")
            && line.ends_with(" (Black Friday): nothing until thawed"),
        "{line}"
    );
    order(&mut world, false);
    assert_eq!(world.running(), ["host-2"]);
    assert_eq!(order(&mut world, false), []);
}

#[test]
fn a_thaw_does_not_undo_a_pause_nor_a_resume_a_freeze() {
    let mut world = started();
    world.command(What::Pause);
    order(&mut world, true);
    world.finish("host-1", true);
    order(&mut world, false);
    assert!(world.running().is_empty());
    order(&mut world, true);
    world.command(What::Resume);
    assert!(world.running().is_empty());
    order(&mut world, false);
    assert_eq!(world.running(), ["host-2"]);
}

#[test]
fn what_would_move_something_is_refused_and_stopping_is_not() {
    let mut world = started();
    order(&mut world, true);
    let refused = |what| {
        let refusal = refusal(&world.deployment, &Command::new(what, "ben"));
        refusal.map(|refusal| refusal.to_string())
    };
    for what in [
        What::Retry {
            target: name("host-1"),
        },
        What::Continue {
            before: Before::Reroute,
        },
    ] {
        assert!(
            refused(what)
                .unwrap()
                .contains("frozen by ana: Black Friday"),
            "it says who and why"
        );
    }
    assert_eq!(refused(What::Pause), None);
    let stop = What::Stop {
        auto_rollback: Some(true),
    };
    assert_eq!(refused(stop.clone()), None);
    world.command(stop);
    world.finish("host-1", true);
    assert!(world.deployment.status.is_terminal());
    assert_eq!(world.deployment.frozen, None);
}

#[test]
fn one_that_has_not_begun_does_not_begin_and_can_be_stopped() {
    let mut world = World::new(spec(3, 0, ONE));
    order(&mut world, true);
    assert_eq!(world.input(&Input::Admitted), []);
    world.command(What::Stop {
        auto_rollback: None,
    });
    assert_eq!(world.deployment.status, DeploymentStatus::Stopped);
}

#[test]
fn one_that_goes_back_is_in_no_freeze() {
    for asked in [true, false] {
        let mut back = spec(3, 0, ONE);
        back.way_back = asked;
        if !asked {
            back.rolls_back = Some("d-AAAAAAAAA".parse().unwrap());
        }
        let mut world = World::new(back);
        assert_eq!(order(&mut world, true), []);
        world.admit();
        assert_eq!(world.running(), ["host-1"]);
        assert_eq!(fold(&world.journal), Some(world.deployment));
    }
}
