//! What commands would do, in numbers.

use cutover::engine::event::Event;
use cutover::engine::foresee::Foreseen;
use cutover::engine::input::{Command, What};
use cutover::engine::spec::OnFailure;
use cutover::engine::{Spec, foresee};
use cutover::model::deployment::DeploymentStatus;
use cutover::model::lifecycle::LifecycleEvent;

use crate::world::{World, name, revision, spec};

const ONE: &str = "CodeDeployDefault.OneAtATime";
const ALL: &str = "CodeDeployDefault.AllAtOnce";

fn started(asked: Spec) -> World {
    let mut world = World::new(asked);
    world.admit();
    world
}

fn preview(world: &World, what: What) -> Foreseen {
    let command = Command::new(what, "ana");
    let goal = revision("1");
    let before = world.deployment.clone();
    let foreseen = foresee(&world.deployment, &command, world.now, Some(&goal)).unwrap();
    assert_eq!(world.deployment, before);
    foreseen
}

fn stop(auto_rollback: Option<bool>) -> What {
    What::Stop { auto_rollback }
}

#[test]
fn a_stop_half_way() {
    let mut world = started(spec(10, 0, "count-8"));
    for host in ["host-1", "host-2", "host-3"] {
        world.finish(host, true);
    }
    world.event("host-4", LifecycleEvent::ApplicationStop, true);
    assert_eq!(
        preview(&world, stop(None)).to_string(),
        "stop now: 2 hosts finish their event; 2 half way, 5 are skipped, 3 stay on 2; Stopped"
    );
    assert_eq!(
        preview(&world, stop(Some(true))).to_string(),
        "stop now: 2 hosts finish their event; 2 half way, 5 are skipped, 3 stay on 2; Stopped, then rolled back to 1"
    );
    let without = foresee(
        &world.deployment,
        &Command::new(stop(Some(true)), "ana"),
        world.now,
        None,
    );
    assert!(
        without
            .unwrap()
            .to_string()
            .ends_with("Stopped, and there is no revision to roll back to")
    );
    world.stop();
    assert!(
        preview(&world, stop(None))
            .to_string()
            .contains("it is being stopped already")
    );
}

#[test]
fn a_stop_before_anything_started_ends_it_at_once() {
    let world = World::new(spec(3, 0, ONE));
    assert_eq!(
        preview(&world, stop(None)).to_string(),
        "stop now: it ends at once; 3 are skipped; Stopped"
    );
}

#[test]
fn pause_and_resume() {
    let mut world = started(spec(3, 0, ONE));
    assert_eq!(
        preview(&world, What::Pause).to_string(),
        "pause now: host-1 finishes, nothing new starts; 2 not started, 1 is on 2; then it waits for somebody to resume it: ana paused it"
    );
    world.command(What::Pause);
    assert_eq!(
        preview(&world, What::Resume).to_string(),
        "resume now: nothing starts before host-1 ends; 3 are on 2; Succeeded"
    );
    world.finish("host-1", true);
    assert_eq!(
        preview(&world, What::Resume).to_string(),
        "resume now: host-2 starts; 3 are on 2; Succeeded"
    );
}

#[test]
fn skipping_shows_its_arithmetic() {
    let mut world = started(spec(8, 2, "count-5"));
    let skip = |host| What::Skip { target: name(host) };
    assert_eq!(
        preview(&world, skip("host-7")).arithmetic().unwrap(),
        "8 of 8 can be healthy, more than 5 must"
    );
    world.finish("host-1", false);
    assert_eq!(
        preview(&world, skip("host-7")).to_string(),
        "skip now: host-7 is left out and keeps what it has; 7 of 8 can be healthy, more than 5 must; 1 is skipped, 6 are on 2, 1 failed; Succeeded"
    );
}

#[test]
fn a_retry_that_saves_it() {
    let mut asked = spec(4, 0, ONE);
    asked.options.on_failure = OnFailure::Hold;
    let mut world = started(asked);
    world.finish("host-1", true);
    world.finish("host-2", false);
    let retry = What::Retry {
        target: name("host-2"),
    };
    let foreseen = preview(&world, retry);
    assert_eq!(foreseen.at_once(), "host-2 starts again");
    assert_eq!(foreseen.in_the_end(), "4 are on 2; Succeeded");
    assert!(matches!(foreseen.events[0], Event::Retried { .. }));
    assert_eq!(
        preview(&world, What::GiveUp).to_string(),
        "give up now: it fails; 2 are skipped, 1 stays on 2, 1 failed; Failed (1 of 4 instances failed; at least 3 must stay healthy)"
    );
}

#[test]
fn choosing_the_next() {
    let world = started(spec(3, 0, ONE));
    let next = What::StartNext {
        target: name("host-3"),
    };
    assert_eq!(
        preview(&world, next).to_string(),
        "start next now: host-3 starts next; 3 are on 2; Succeeded"
    );
}

#[test]
fn what_is_refused_is_not_foreseen() {
    let world = started(spec(3, 0, ALL));
    let refused = foresee(
        &world.deployment,
        &Command::new(What::Resume, "ana"),
        world.now,
        None,
    );
    assert_eq!(refused.unwrap_err().to_string(), "it is not paused");
    let mut over = started(spec(1, 0, ALL));
    over.finish("host-1", true);
    assert_eq!(over.deployment.status, DeploymentStatus::Succeeded);
    assert!(
        foresee(
            &over.deployment,
            &Command::new(stop(None), "ana"),
            over.now,
            None
        )
        .is_err()
    );
}
