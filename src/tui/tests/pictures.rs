//! Pictures of the screen. Look at them when they change: would you like this at three in the morning?

use super::{Cockpit, MONO, sample};
use crate::tui::message::{Message, OutputNews};
use crate::tui::theme::Theme;

fn rollout() -> Cockpit {
    let run = sample::rollout();
    let mut cockpit = Cockpit::with(sample::snapshot(sample::project(12), &run.deployment));
    cockpit.keys("tab");
    with_output(&mut cockpit);
    cockpit
}

fn with_output(cockpit: &mut Cockpit) {
    let number = cockpit.model.output.number;
    cockpit.send(Message::Output(
        number,
        OutputNews::Lines(sample::lines(30)),
    ));
}

fn failure() -> Cockpit {
    let run = sample::failure();
    Cockpit::with(sample::snapshot(sample::project(4), &run.deployment))
}

macro_rules! picture {
    ($name:literal, $cockpit:expr) => {
        insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!($name, $cockpit.screen());
        });
    };
}

#[test]
fn a_rollout() {
    let mut cockpit = rollout();
    cockpit.resize(120, 40);
    picture!("rollout-120x40", cockpit);
    cockpit.resize(200, 60);
    picture!("rollout-200x60", cockpit);
    cockpit.resize(80, 24);
    picture!("rollout-80x24", cockpit);
    cockpit.keys("shift-tab");
    picture!("rollout-80x24-lists", cockpit);
    cockpit.resize(60, 15);
    picture!("rollout-60x15", cockpit);
    cockpit.resize(20, 3);
    picture!("rollout-20x3", cockpit);
}

#[test]
fn a_failed_rollout() {
    let mut cockpit = failure();
    cockpit.resize(120, 40);
    picture!("failed-120x40", cockpit);
    cockpit.resize(80, 24);
    cockpit.keys("n");
    picture!("failed-80x24", cockpit);
}

#[test]
fn without_colour_and_in_ascii() {
    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    cockpit.model.theme = Theme {
        unicode: false,
        ..MONO
    };
    let screen = cockpit.screen();
    assert!(screen.is_ascii(), "{screen}");
    picture!("rollout-80x24-ascii", cockpit);
}

#[test]
fn loading_empty_disconnected_and_old_look_different() {
    let mut cockpit = Cockpit::new();
    cockpit.resize(80, 24);
    picture!("loading-80x24", cockpit);
    cockpit.send(Message::Lost("the orchestrator does not answer".to_owned()));
    picture!("unreachable-80x24", cockpit);

    let run = sample::rollout();
    let mut empty = sample::snapshot(sample::project(0), &run.deployment);
    (empty.deployments, empty.active, empty.ledgers) = (Vec::new(), Vec::new(), Vec::new());
    empty.problems = vec![
        "applications/shop/test.yaml:3:5: unknown field `nmae`: did you mean `name`?".to_owned(),
    ];
    let mut cockpit = Cockpit::with(empty);
    cockpit.resize(80, 24);
    picture!("empty-80x24", cockpit);

    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    cockpit.send(Message::Lost("gone".to_owned()));
    cockpit.silence(12_000);
    picture!("disconnected-80x24", cockpit);
}

#[test]
fn what_lies_on_top() {
    let mut cockpit = rollout();
    cockpit.resize(100, 30);
    cockpit.keys("s");
    cockpit.wait(600);
    picture!("stop-100x30", cockpit);
    cockpit.keys("esc b");
    picture!("roll-back-100x30", cockpit);
    cockpit.keys("esc ?");
    picture!("help-100x30", cockpit);
    cockpit.keys("esc / w e b - 1");
    picture!("go-to-100x30", cockpit);
    cockpit.keys("esc q");
    cockpit.wait(600);
    picture!("leaving-100x30", cockpit);
}

#[test]
fn deploying() {
    let mut cockpit = failure();
    cockpit.resize(100, 30);
    cockpit.keys("d");
    picture!("deploy-revision-100x30", cockpit);
    cockpit.keys("enter");
    let number = cockpit.model.requests;
    cockpit.send(Message::Previewed(number, Ok(Box::new(sample::preview()))));
    cockpit.wait(600);
    picture!("deploy-confirm-100x30", cockpit);
}

#[test]
fn the_hint_is_above_the_keys() {
    let mut cockpit = rollout();
    cockpit.resize(80, 24);
    cockpit.model.hint = vec![
        "This is a lab: a fleet on your own machine.".to_owned(),
        "Press d to deploy.".to_owned(),
    ];
    picture!("hint-80x24", cockpit);
}

#[test]
fn no_size_panics() {
    let open: [&str; 7] = ["tab", "?", "s", "/", "q", "b", "tab"];
    for (index, key) in open.into_iter().enumerate() {
        let mut cockpit = if index == 6 { failure() } else { rollout() };
        cockpit.keys(key);
        cockpit.model.hint = vec!["hint".to_owned()];
        if index == 6 {
            cockpit.keys("d");
        }
        // Every small size, where places vanish one by one, and a grid of the larger ones.
        for width in (0..=30).chain((31..=100).step_by(5)) {
            for height in (0..=16).chain((17..=40).step_by(3)) {
                cockpit.resize(width, height);
                cockpit.draw();
            }
        }
        assert_eq!(
            cockpit.model.selected.deployment,
            Some(sample::id(sample::LIVE))
        );
    }
}
